import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { LogSync } from '../../../core/engine/sqlite/file/log-sync.ts'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import { T0, addOne, claimAll, fire, planAsk } from '../contract/fixtures.ts'
import { folderOf } from '../process.ts'

function logFile (t: Test): string {
  const file = join(folderOf(t), 'log')
  writeSync(openSync(file, 'w'), 'x')
  return file
}

t.test('callers during a sync share the next one', async t => {
  const log = new LogSync(logFile(t))
  const first = log.flushed()
  const [second, third] = [log.flushed(), log.flushed()]
  t.equal(second, third)
  t.not(first, second, 'a running sync may have begun too early')
  await Promise.all([first, second])
  log.close()
  await t.rejects(log.flushed(), { code: 'EBADF' })
})

t.test('a sync for a single caller blocks the event loop on a fast disk', async t => {
  let [now, takes] = [0, 0.2]
  const calls: string[] = []
  const took = (name: string) => {
    calls.push(name)
    now += takes
  }
  const log = new LogSync(logFile(t), {
    sync: async () => took('elsewhere'),
    syncNow: () => took('here'),
    clock: () => now
  })
  t.teardown(() => log.close())
  const flush = async (count: number, alone: boolean) => {
    calls.length = 0
    for (let n = 0; n < count; n++) await log.flushed(alone ? 'alone' : null)
    return new Set(calls)
  }
  t.strictSame(await flush(5, true), new Set(['elsewhere']), 'the disk was not measured enough')
  await flush(40, true)
  t.strictSame(await flush(3, true), new Set(['here']))
  t.strictSame(await flush(3, false), new Set(['elsewhere']), 'several callers share a sync outside the event loop')
  takes = 20
  t.strictSame(await flush(1, true), new Set(['here']))
  takes = 0.2
  t.strictSame(await flush(10, true), new Set(['elsewhere']), 'one slow sync is enough')
  await flush(40, true)
  t.strictSame(await flush(1, true), new Set(['here']))
})

t.test('one hurried sync starts at once in addition to the running one', async t => {
  const asked: PromiseWithResolvers<void>[] = []
  const sync = () => {
    asked.push(Promise.withResolvers<void>())
    return asked.at(-1)!.promise
  }
  const log = new LogSync(logFile(t), { sync, syncNow: () => t.fail('the event loop waits'), clock: () => 0 })
  t.teardown(() => log.close())
  const first = log.flushed()
  const hurried = log.flushed('hurried')
  t.equal(asked.length, 2)
  const [third, fourth] = [log.flushed('hurried'), log.flushed()]
  t.equal(third, fourth, 'further ones share the next')
  t.equal(asked.length, 2)
  asked[1]!.resolve()
  await hurried
  asked[0]!.resolve()
  await first
  t.equal(asked.length, 3)
  asked[2]!.resolve()
  await third
})

t.test('the sync of fires and claims has begun when they resolve, unless they changed nothing', async t => {
  const engine = createSqliteEngine({ folder: folderOf(t), ballastBytes: 4096 })
  await engine.start()
  t.teardown(() => engine.stop())
  await addOne(engine)
  const asked = t.capture(LogSync.prototype, 'flushed', LogSync.prototype.flushed)
  const syncs = () => asked().map(({ args }) => args[0])
  await claimAll(engine)
  t.same(syncs(), ['hurried'])
  await claimAll(engine)
  t.same(syncs(), [])
  await engine.plan([planAsk({ fires: [fire(T0)] })])
  t.same(syncs(), ['hurried'])
})
