import t from 'tap'
import { execFileSync } from '../child.ts'
import { open, readFile } from 'node:fs/promises'
import { openSync, closeSync, constants } from 'node:fs'
import { join } from 'node:path'
import { FileCalls } from '../../core/work/context/file-calls.ts'
import { IoWatch } from '../../core/work/upkeep/io-watch.ts'
import { runScope } from '../../core/work/context/scope.ts'
import { responds, isWithin } from '../../core/load/file/responds.ts'
import { syncOffPool } from '../../core/engine/sqlite/file/sync-thread.ts'
import { until } from '../clock.ts'

const posix = { skip: process.platform === 'win32' && 'needs mkfifo' }

t.test('a pending file call is listed with its run until it returns', posix, async t => {
  let now = 0
  const calls = new FileCalls(() => now)
  await calls.start()
  t.teardown(() => calls.stop())
  const pipe = join(t.testdir({}), 'pipe')
  execFileSync('mkfifo', [pipe])
  const reading = runScope.run({ id: 'r1', task: 'nas' }, () => readFile(pipe))
  await runScope.run({ id: 'r2', task: 'other' }, () => readFile(import.meta.filename))
  now = 12_000
  await until('the finished call is gone', () => calls.longerThan(10_000).length === 1)
  t.same(calls.longerThan(10_000), [{ run: 'r1', task: 'nas', ms: 12_000 }])
  t.equal(calls.keptBy('nas', 10_000), 1)
  t.equal(calls.keptBy('other', 0), 0)
  // Opened without a thread of the pool, all of which may be blocked.
  closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK))
  await reading
  await until('the call is gone', () => calls.longerThan(10_000).length === 0)
})

t.test('it runs until each start is matched by a stop', posix, async t => {
  let now = 0
  const calls = new FileCalls(() => now)
  await Promise.all([calls.start(), calls.start()])
  await calls.stop()
  t.equal(calls.state, 'started')
  const pipe = join(t.testdir({}), 'pipe')
  execFileSync('mkfifo', [pipe])
  const opening = open(pipe)
  now = 1
  t.equal(calls.longerThan(0).length, 1)
  const both = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  await (await opening).close()
  closeSync(both)
  await until('the call is gone', () => calls.longerThan(0).length === 0)
  await calls.stop()
  await calls.stop()
  t.equal(calls.state, 'stopped')
  const late = readFile(import.meta.filename)
  now = 2
  t.equal(calls.longerThan(0).length, 0, 'calls are no longer tracked')
  await late
})

t.test('a call reported by a child counts from its own start', async t => {
  let now = 50_000
  const calls = new FileCalls(() => now)
  calls.recordElsewhere('r1', 'nas', 11_000)
  calls.recordElsewhere('r2', 'nas', 20_000)
  t.same(calls.longerThan(10_000).map(({ run, ms }) => [run, ms]), [['r2', 20_000], ['r1', 11_000]], 'longest first')
  now += 1000
  t.equal(calls.longerThan(10_000)[1]?.ms, 12_000)
  calls.recordElsewhere('r2', 'nas', null)
  t.equal(calls.longerThan(10_000).length, 1)
})

t.test('each run is reported once, and again after its call had returned', async t => {
  let found = [{ run: 'r1' as string | null, task: 'nas', ms: 11_000 }]
  const notices: object[] = []
  const watch = new IoWatch({ calls: { longerThan: () => found }, notice: notice => void notices.push(notice) })
  watch.look()
  watch.look()
  t.same(notices, [{ kind: 'io_stuck', id: 'r1', task: 'nas', ms: 11_000 }])
  found = []
  watch.look()
  found = [{ run: 'r1', task: 'nas', ms: 10_000 }, { run: null, task: 'nas', ms: 9 }]
  watch.look()
  t.equal(notices.length, 3)
})

t.test('a promise that does not settle in time is not waited for', async t => {
  t.equal(await isWithin(1, new Promise(() => undefined)), false)
  t.equal(await isWithin(10_000, Promise.reject(new Error('no'))), true, 'an error is a response')
  t.equal(await responds(join(t.testdir({}), 'none')), true, 'a missing file is a response')
})

t.test('a sync that the thread pool does not run in time runs in its own thread', async t => {
  const handle = await open(join(t.testdir({ f: '' }), 'f'), 'r+')
  t.teardown(() => handle.close())
  const never = () => new Promise<void>(() => undefined)
  await syncOffPool(handle.fd, { pool: never, patience: 1 })
  await t.rejects(syncOffPool(1_000_000, { pool: never, patience: 1 }), { code: 'EBADF' }, 'its error is thrown')
  await syncOffPool(handle.fd, {
    thread: () => {
      throw new Error('the pool responds')
    }
  })
  await t.rejects(syncOffPool(handle.fd, { pool: () => Promise.reject(new Error('EIO')) }), { message: 'EIO' })
})
