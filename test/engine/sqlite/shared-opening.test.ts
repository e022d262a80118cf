import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SharedOpening } from '../../../core/engine/sqlite/shared-opening.ts'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import { folderOf } from '../process.ts'

function setup ({ fails = 0 } = {}) {
  const order: string[] = []
  const closing: PromiseWithResolvers<void>[] = []
  let left = fails
  const life = new SharedOpening({
    open: () => {
      if (left-- > 0) throw new Error('cannot open')
      order.push('open')
      return order.length
    },
    close: async () => {
      const closed = Promise.withResolvers<void>()
      closing.push(closed)
      await closed.promise
      order.push('closed')
    }
  })
  return { life, order, close: () => closing.shift()?.resolve() }
}

const soon = () =>
  new Promise<void>(resolve => {
    setImmediate(resolve)
  })

t.test('the first start opens and the last stop closes', async t => {
  const { life, order, close } = setup()
  await Promise.all([life.acquire(), life.acquire()])
  await life.release()
  t.same([order, life.open], [['open'], 1])
  const last = life.release()
  t.equal(life.open, null, 'it is closed')
  close()
  await last
  await life.release()
  t.same(order, ['open', 'closed'])
})

t.test('a start during a stop waits for it, and a stop during a start closes what it opens', async t => {
  const { life, order, close } = setup()
  await life.acquire()
  const stopped = life.release()
  const started = life.acquire()
  await soon()
  t.same(order, ['open'], 'it is opened once')
  close()
  await Promise.all([stopped, started])
  t.same(order, ['open', 'closed', 'open'])
  const again = [life.release(), life.acquire(), life.release()]
  await soon()
  close()
  await soon()
  close()
  await Promise.all(again)
  t.same([order.at(-1), life.open], ['closed', null])
})

t.test('a failed start rejects for all its callers, and the next one tries again', async t => {
  const { life, order, close } = setup({ fails: 1 })
  const results = await Promise.allSettled([life.acquire(), life.acquire()])
  t.same(results.map(({ status }) => status), ['rejected', 'rejected'])
  await life.release()
  await life.acquire()
  t.same([order, life.open], [['open'], 1])
  const stopped = life.release()
  close()
  await stopped
  t.equal(life.open, null, 'failed starts are not counted')
})

t.test('an engine that fails to open releases the folder', async t => {
  const folder = folderOf(t)
  const engine = createSqliteEngine({ folder, ballastBytes: 4096 })
  writeFileSync(join(folder, 'offpeak.db'), 'not a database, but long enough to look like one'.repeat(20))
  await t.rejects(engine.start(), { code: 'OFFPEAK_ENGINE_FAILED' })
  rmSync(join(folder, 'offpeak.db'))
  const other = createSqliteEngine({ folder, ballastBytes: 4096 })
  await other.start()
  t.ok(existsSync(join(folder, 'offpeak.db')))
  await other.stop()
})
