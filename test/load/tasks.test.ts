import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { loadTasks } from '../../core/load/task/task-folder.ts'
import { OLD, config, ids, setup, task } from './task-files.ts'
import { until } from './until.ts'

tap.test('modules, single definitions, lists and scripts in folders are tasks', async t => {
  const { write, folder, ids: all, changes, broken } = setup(t, {
    'list.ts': "export const TASK_DEFINITIONS = [{ id: 'a', func () {} }, { id: 'b', func () {} }]",
    'jobs/one.mjs': "export default { id: 'c', func () {} }",
    'jobs/several.js': "export default [{ id: 'd', func () {} }]",
    'Disk Report.sh': '#!/bin/sh\n# offpeak: schedule = 0 3 * * * ; timeout = 5m\necho hi',
    'readme.md': '# offpeak: id = nothing',
    'plain.sh': 'echo no header',
    '_helper.ts': 'throw new Error("a helper is not a task")'
  })
  write('tool', '#!/bin/sh\n# offpeak: name = Tool\n', 0o755)
  await folder.start()
  t.same(broken(), [])
  t.same(all().toSorted(), ['a', 'b', 'c', 'd', 'disk_report', 'tool'])
  t.same(ids(changes[0]!.added).toSorted(), all().toSorted())
  const script = folder.current.tasks.get('disk_report')!
  t.match(script, {
    trigger: '0 3 * * *',
    timeoutMs: 300_000,
    source: 'Disk Report.sh',
    work: { kind: 'script', interpreter: ['/bin/sh'] }
  })
  t.match(folder.current.tasks.get('tool')?.work, { kind: 'script' })
})

tap.test('a broken file has a reason and does not affect the others [F34]', async t => {
  const { folder, ids: all, broken } = setup(t, {
    'good.ts': task('good'),
    'empty.ts': 'export const helper = 1',
    'wrong.ts': 'export const TASK_DEFINITIONS = 5',
    'func.ts': 'export default function () {}',
    'syntax.js': 'export const a = 1\nconst b = = 2',
    'exit.ts': 'process.exit(0)',
    'loop.ts': 'while (true) {}',
    'half.ts': `export const TASK_DEFINITIONS = [
        { id: 'fine', func () {} }, { id: 'bad', func () {}, trigger: 'cron', trigger_args: { hour: 99 } }
      ]`,
    'head.sh': '#!/bin/sh\n# offpeak: timeot = 3',
    'value.sh': '#!/bin/sh\n# offpeak: id = value\n# offpeak: timeout = soon',
    'getter.ts': 'export default { get id () { throw new Error("no id today") } }'
  })
  await folder.start()
  t.same(all().toSorted(), ['fine', 'good'])
  const of = (file: string) => broken().find(found => found.file === file)
  t.match(of('empty.ts'), { message: 'exports neither', fix: '_' })
  t.match(of('wrong.ts'), { message: 'expected a list', pointer: '/TASK_DEFINITIONS' })
  t.match(of('func.ts'), { message: 'is a function', pointer: '/default' })
  t.match(of('syntax.js'), { line: 2 })
  t.match(of('exit.ts'), { message: 'exits with code 0' })
  t.match(of('loop.ts'), { message: 'does not end' })
  t.match(of('half.ts'), {
    code: 'OFFPEAK_TASK_INVALID',
    pointer: '/TASK_DEFINITIONS/1/trigger_args/hour',
    message: '99'
  })
  t.match(of('head.sh'), { line: 2, message: "did you mean 'timeout'?" })
  t.match(of('value.sh'), { line: 3, pointer: '/timeout' })
  t.match(of('getter.ts'), { message: 'no id today' })
  t.equal(broken().length, 10)
})

tap.test('a file with several faults reports each of them, with its line if known', async t => {
  const { folder, write, broken, changes } = setup(t, {
    'several.ts': "export default { id: 'several', func: 5, timeot: 3, priority: 'urgnt' }",
    'head.sh': '#!/bin/sh\n# offpeak: timeout = soon\n# offpeak: priority = urgnt\n',
    'one.ts': "export default { id: 'one', func: 5 }"
  })
  await folder.start()
  const of = (file: string) => broken().find(found => found.file === file)!
  t.match(of('several.ts').errors!.toSorted((a, b) => a.pointer < b.pointer ? -1 : 1), [
    { pointer: '/default/func', detail: 'found 5, expected a function' },
    { pointer: '/default/priority', detail: /^found 'urgnt', expected one of / },
    { pointer: '/default/timeot', detail: /'timeout'/ }
  ])
  t.match(of('several.ts').message, /\(and 2 more\)$/)
  t.match(of('head.sh').errors!.toSorted((a, b) => a.line! - b.line!), [{ pointer: '/timeout', line: 2 }, {
    pointer: '/priority',
    line: 3
  }])
  t.notOk(of('one.ts').errors, 'one fault is the message')
  const before = of('several.ts')
  write('several.ts', "export default { id: 'several', func: 5, timeot: 3, queue: 'No Queue' }  ")
  await folder.rescan()
  t.not(of('several.ts'), before)
  t.match(changes.at(-1)!.broken, [{ file: 'several.ts' }])
})

tap.test('an unchanged tree is imported once, and starts without a child the next time', async t => {
  const { root, folder, write, answer, ids: all } = setup(t, {
    'a.ts': `import './_count.ts'\n${task('a')}`,
    '_count.ts': "import { appendFileSync } from 'node:fs'\nappendFileSync(import.meta.dirname + '/../count', 'x')"
  })
  const imports = () => existsSync(join(root, 'count')) ? readFileSync(join(root, 'count'), 'utf8').length : 0
  await folder.start()
  t.equal(imports(), 2, 'once in the child, once here')
  const before = folder.current.tasks.get('a')
  await folder.rescan()
  t.equal(folder.current.tasks.get('a'), before)
  t.equal(statSync(join(root, 'data/imports.json')).mode & 0o777, 0o600)
  t.same(Object.keys((JSON.parse(readFileSync(join(root, 'data/imports.json'), 'utf8')) as { files: object }).files), [
    join(root, 'tasks/a.ts')
  ])
  rmSync(join(root, 'count'))
  write('_count.ts', 'throw new Error("imported again")')
  const again = await loadTasks({
    directories: [{ path: join(root, 'tasks'), name: '.' }],
    dataFolder: join(root, 'data'),
    config: config()
  })
  t.same(again.broken, [])
  t.equal(imports(), 0, 'neither a child nor another import')
  t.equal(answer('a'), 1)
  t.same(all(), ['a'])
})

tap.test('an unreadable import cache is ignored', async t => {
  const { root, folder, ids: all } = setup(t, { 'a.ts': task('a') })
  mkdirSync(join(root, 'data'))
  writeFileSync(join(root, 'data/imports.json'), 'null')
  await folder.start()
  t.same(all(), ['a'])
})

tap.test('a changed file is imported again, its old version is counted [F39]', async t => {
  const { folder, write, answer, changes } = setup(t, { 'a.ts': task('a', 1), 'b.ts': task('b') })
  await folder.start()
  const b = folder.current.tasks.get('b')
  write('a.ts', task('a', 22))
  await folder.rescan()
  t.equal(answer('a'), 22)
  t.equal(folder.current.tasks.get('b'), b)
  t.same(ids(changes[1]!.changed), ['a'])
  t.same([changes[1]!.added, changes[1]!.removed], [[], []])
  t.equal(folder.current.oldVersions, 1)
})

tap.test('a file with a new time but the same content is unchanged', async t => {
  const { directory, folder, changes } = setup(t, { 'a.ts': task('a') })
  await folder.start()
  utimesSync(join(directory, 'a.ts'), OLD, new Date('2026-02-02T00:00:00Z'))
  await folder.rescan()
  t.equal(changes.length, 1)
  t.equal(folder.current.oldVersions, 0)
})

tap.test('the last good version stays in force until a broken one is repaired [F38]', async t => {
  const { folder, write, answer, changes, broken } = setup(t, { 'a.ts': task('a', 1) })
  await folder.start()
  write('a.ts', 'export const TASK_DEFINITIONS = [{ id: ')
  await folder.rescan()
  t.equal(answer('a'), 1)
  t.match(broken(), [{ file: 'a.ts', message: 'the last good version stays in force', line: 1 }])
  t.match(changes[1], { broken: [{ file: 'a.ts' }], removed: [], changed: [] })
  const since = broken()[0]!.since
  await folder.rescan()
  t.equal(broken()[0]!.since, since)
  t.equal(changes.length, 2, 'the same fault is reported once')
  write('a.ts', task('a', 2))
  await folder.rescan()
  t.equal(answer('a'), 2)
  t.same(changes[2]!.mended, ['a.ts'])
  t.same(broken(), [])
})

tap.test('an invalid definition of a changed file keeps its last version; the others change', async t => {
  const two = (first: string, second: string) =>
    `export const TASK_DEFINITIONS = [{ id: 'a', func: () => 1, ${first} }, { id: 'b', func: () => 1, ${second} }]`
  const { folder, write, broken } = setup(t, { 'a.ts': two('timeout: 1', 'timeout: 1') })
  await folder.start()
  write('a.ts', two('timeout: 2', "timeout: 'soon'"))
  await folder.rescan()
  t.equal(folder.current.tasks.get('a')?.timeoutMs, 2000)
  t.equal(folder.current.tasks.get('b')?.timeoutMs, 1000)
  t.match(broken(), [{ pointer: '/TASK_DEFINITIONS/1/timeout' }])
})

tap.test('a missing import is tried again, also when the file is unchanged', async t => {
  const { folder, write, ids: all, changes } = setup(t, { 'a.ts': `import './_late.ts'\n${task('a')}` })
  await folder.start()
  t.same(all(), [])
  write('_late.ts', 'export {}')
  await folder.rescan()
  t.same(all(), ['a'])
  t.same(changes[1]!.mended, ['a.ts'])
})

tap.test('a missing directory is reported, and its files are found when it exists', async t => {
  const { directory, folder, broken, write, ids: all } = setup(t, {})
  rmSync(directory, { recursive: true })
  await folder.start()
  t.match(broken(), [{ file: '.', message: 'does not exist' }])
  write('a.ts', task('a'))
  await folder.rescan()
  t.same(all(), ['a'])
  t.same(broken(), [])
})

tap.test('a recent file that fails is tried again, because it may be half written [F38]', async t => {
  // A busy machine: a minute passes between any two looks at the clock.
  let minutes = 0
  const at = Date.UTC(2026, 6, 1)
  const { directory, folder, broken, answer } = setup(t, { 'a.ts': task('a', 1) }, {
    now: () => at + 60_000 * minutes++
  })
  await folder.start()
  writeFileSync(join(directory, 'a.ts'), 'export const TASK_DEFINITIONS = [{')
  const next = new Date(at + 60_000 * minutes)
  utimesSync(join(directory, 'a.ts'), next, next)
  await folder.rescan()
  t.same(broken(), [])
  t.equal(answer('a'), 1)
  await until(() => broken().length === 1)
  t.equal(answer('a'), 1)
})

tap.test('a faulty file with a time in the future is reported at once', async t => {
  const { folder, broken, write } = setup(t, { 'a.ts': task('a') }, { now: () => 0 })
  await folder.start()
  write('a.ts', 'export default [')
  await folder.rescan()
  t.match(broken(), [{ file: 'a.ts' }])
})

tap.test('it starts and stops twice, and a stop during an import is prompt', async t => {
  const { folder } = setup(t, { 'a.ts': 'while (true) {}' }, { boundMs: 60_000 })
  const starting = folder.start()
  await folder.stop()
  await starting
  await folder.stop()
  t.same([...folder.current.tasks], [])
})
