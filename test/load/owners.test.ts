import { chmodSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { config, ids, setup, task } from './task-files.ts'
import { until } from './until.ts'

tap.test('the tasks of a removed file are removed after a moment in which it may be replaced', async t => {
  let now = 0
  const { directory, folder, write, ids: all, changes } = setup(t, { 'a.ts': task('a'), 'b.ts': task('b') }, {
    elapsed: () => now
  })
  await folder.start()
  rmSync(join(directory, 'a.ts'))
  await folder.rescan()
  t.same(all(), ['a', 'b'])
  now += 500
  await folder.rescan()
  t.same(all(), ['b'])
  t.same(ids(changes.at(-1)!.removed), ['a'])
  rmSync(join(directory, 'b.ts'))
  await folder.rescan()
  write('b.ts', task('b'))
  now += 500
  await folder.rescan()
  t.equal(changes.length, 2, 'a file that came back was never gone')
})

tap.test('an id in two files belongs to the file that had it first [F35]', async t => {
  let now = 0
  const { directory, folder, write, answer, broken } = setup(t, { 'b.ts': task('x', 1), 'c.ts': task('x', 2) }, {
    elapsed: () => now
  })
  await folder.start()
  t.equal(answer('x'), 1, 'the first in the order of paths')
  t.match(broken(), [{ file: 'c.ts', code: 'OFFPEAK_TASK_DUPLICATE', message: /b\.ts.*c\.ts/ }])
  write('a.ts', task('x', 3))
  await folder.rescan()
  t.equal(answer('x'), 1, 'a later file takes nothing, whatever its name')
  t.same(broken().map(({ file }) => file).toSorted(), ['a.ts', 'c.ts'])
  rmSync(join(directory, 'b.ts'))
  await folder.rescan()
  now += 500
  await folder.rescan()
  t.equal(answer('x'), 2)
  t.same(broken().map(({ file }) => file), ['a.ts'])
})

tap.test('an older file that adds an existing id later does not get it', async t => {
  const { folder, write, answer, broken } = setup(t, { 'a.ts': task('y', 1), 'b.ts': task('x', 2) })
  await folder.start()
  write('a.ts', task('x', 33))
  await folder.rescan()
  t.equal(answer('x'), 2)
  t.match(broken(), [{ file: 'a.ts', code: 'OFFPEAK_TASK_DUPLICATE' }])
})

tap.test('a renamed file keeps its task, with the new source [F35]', async t => {
  const { directory, folder, changes } = setup(t, { 'a.ts': task('x') })
  await folder.start()
  renameSync(join(directory, 'a.ts'), join(directory, 'b.ts'))
  await folder.rescan()
  await until(() => folder.current.tasks.get('x')?.source === 'b.ts')
  t.same(changes.flatMap(({ removed }) => removed), [])
  t.same(ids(changes.flatMap(({ changed }) => changed)), ['x'])
})

tap.test('at most max_tasks tasks are loaded, and the others are reported [F36]', async t => {
  const { folder, ids: all, broken } = setup(t, { 'a.ts': task('a'), 'b.ts': task('b'), 'c.ts': task('c') }, {
    config: config({ manager: { max_tasks: 2 } })
  })
  await folder.start()
  t.same(all(), ['a', 'b'])
  t.match(broken(), [{ file: 'c.ts', code: 'OFFPEAK_TASK_LIMIT' }])
  await folder.reconfigure(config())
  t.same(all(), ['a', 'b', 'c'])
  t.same(broken(), [])
})

tap.test('a file that is repaired later comes after those in force', async t => {
  const { folder, write, ids: all, broken } = setup(t, { 'a.ts': 'export default 5', 'b.ts': task('b') }, {
    config: config({ manager: { max_tasks: 1 } })
  })
  await folder.start()
  write('a.ts', task('a'))
  await folder.rescan()
  t.same(all(), ['b'])
  t.match(broken(), [{ file: 'a.ts', code: 'OFFPEAK_TASK_LIMIT' }])
})

tap.test('overrides change with the configuration without another import', async t => {
  const { directory, folder, changes, broken, answer } = setup(t, { 'a.ts': task('a', 1, 'timeout: 5') })
  await folder.start()
  rmSync(join(directory, 'a.ts'))
  await folder.reconfigure(config({ tasks: { a: { enabled: false, timeout: '1m' } } }))
  t.match(folder.current.tasks.get('a'), { enabled: false, timeoutMs: 60_000 })
  t.same(ids(changes[1]!.changed), ['a'])
  t.equal(answer('a'), 1)
  await folder.reconfigure(config({ tasks: { a: { trigger: 'cron', trigger_args: { hour: 99 } } } }))
  t.match(broken(), [{ file: 'a.ts', pointer: '/tasks/a/trigger_args/hour', message: 'stays in force' }])
  t.equal(folder.current.tasks.get('a')?.enabled, false, 'the last good one')
  await folder.reconfigure(config())
  t.equal(folder.current.tasks.get('a')?.timeoutMs, 5000)
  t.same(broken(), [])
  const count = changes.length
  await folder.reconfigure(config({ tasks: { a: { timeout: '5s' } } }))
  t.equal(changes.length, count, 'a definition with the same values has not changed')
})

tap.test('a world-writable file is not loaded, and its last version stays in force [S35]', async t => {
  const { directory, folder, broken, answer, changes } = setup(t, { 'a.ts': task('a', 1) })
  chmodSync(join(directory, 'a.ts'), 0o646)
  await folder.start()
  t.same([...folder.current.tasks], [])
  t.match(broken(), [{ file: 'a.ts', fix: 'chmod o-w' }])
  chmodSync(join(directory, 'a.ts'), 0o644)
  await folder.rescan()
  t.equal(answer('a'), 1)
  t.same(changes.at(-1)!.mended, ['a.ts'])
  chmodSync(directory, 0o757)
  await folder.rescan()
  t.match(broken(), [{ file: '.', fix: 'chmod o-w' }])
  t.equal(answer('a'), 1)
  chmodSync(directory, 0o755)
})
