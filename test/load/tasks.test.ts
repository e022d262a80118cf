import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import type { ConfigFile } from '../../core/model/config.ts'
import { configOf } from '../../core/model/config.ts'
import type { TaskContext } from '../../core/model/context.ts'
import type { FolderAsk, FolderChange } from '../../core/load/tasks.ts'
import { TaskFolder, loadTasks } from '../../core/load/tasks.ts'
import { until } from './until.ts'

const OLD = new Date('2026-01-01T00:00:00Z')

/** A module with one task whose answer is `answer`. */
const task = (id: string, answer = 1, more = '') => `export const TASK_DEFINITIONS = [{ id: '${id}', func: () => ${answer}, ${more} }]\n`

const config = (file: ConfigFile = {}) => configOf(file, 'UTC')

function setup (t: Test, files: Record<string, string>, more: Partial<FolderAsk> = {}) {
  const root = t.testdir({ 'package.json': '{"type":"module"}', tasks: {} })
  const directory = join(root, 'tasks')
  const write = (name: string, text: string, mode = 0o644) => {
    const file = join(directory, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, mode)
    // Not younger than a file that may be half written.
    utimesSync(file, OLD, new Date(OLD.getTime() + text.length + changes.length * 1000))
  }
  const changes: FolderChange[] = []
  for (const [name, text] of Object.entries(files)) write(name, text)
  const folder = new TaskFolder({
    directory, dataFolder: join(root, 'data'), config: config(), files: 'once', boundMs: 1500, onChange: change => { changes.push(change) }, ...more
  })
  t.teardown(() => folder.stop())
  const answer = (id: string) => {
    const work = folder.current.tasks.get(id)?.work
    return work?.kind === 'function' ? work.func({} as TaskContext) : undefined
  }
  return { root, directory, write, changes, folder, answer, ids: () => [...folder.current.tasks.keys()], broken: () => folder.current.broken }
}

const ids = (list: { id: string }[]) => list.map(({ id }) => id)

tap.test('modules, single definitions, lists and scripts in folders are tasks', async t => {
  const { write, folder, ids: all, changes, broken } = setup(t, {
    'list.ts': "export const TASK_DEFINITIONS = [{ id: 'a', func () {} }, { id: 'b', func () {} }]",
    'jobs/one.mjs': "export default { id: 'c', func () {} }",
    'jobs/several.js': "export default [{ id: 'd', func () {} }]",
    'Disk Report.sh': '#!/bin/sh\n# offpeak: schedule = 0 3 * * * ; timeout = 5m\necho hi',
    'readme.md': '# offpeak: id = nothing', 'plain.sh': 'echo no header', '_helper.ts': 'throw new Error("a helper is not a task")'
  })
  write('tool', '#!/bin/sh\n# offpeak: name = Tool\n', 0o755)
  await folder.start()
  t.same(broken(), [])
  t.same(all().toSorted(), ['a', 'b', 'c', 'd', 'disk_report', 'tool'])
  t.same(ids(changes[0]!.added).toSorted(), all().toSorted())
  const script = folder.current.tasks.get('disk_report')!
  t.match(script, { trigger: '0 3 * * *', timeoutMs: 300_000, source: 'Disk Report.sh', work: { kind: 'script', interpreter: ['/bin/sh'] } })
  t.match(folder.current.tasks.get('tool')?.work, { kind: 'script' })
})

tap.test('a broken file names its reason and harms no neighbour', async t => {
  const { folder, ids: all, broken } = setup(t, {
    'good.ts': task('good'), 'empty.ts': 'export const helper = 1', 'wrong.ts': 'export const TASK_DEFINITIONS = 5', 'func.ts': 'export default function () {}',
    'syntax.js': 'export const a = 1\nconst b = = 2', 'exit.ts': 'process.exit(0)', 'loop.ts': 'while (true) {}',
    'half.ts': "export const TASK_DEFINITIONS = [{ id: 'fine', func () {} }, { id: 'bad', func () {}, trigger: 'cron', trigger_args: { hour: 99 } }]",
    'head.sh': '#!/bin/sh\n# offpeak: timeot = 3', 'value.sh': '#!/bin/sh\n# offpeak: id = value\n# offpeak: timeout = soon', 'getter.ts': 'export default { get id () { throw new Error("no id today") } }'
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
  t.match(of('half.ts'), { code: 'OFFPEAK_TASK_INVALID', pointer: '/TASK_DEFINITIONS/1/trigger_args/hour', message: '99' })
  t.match(of('head.sh'), { line: 2, message: "did you mean 'timeout'?" })
  t.match(of('value.sh'), { line: 3, pointer: '/timeout' })
  t.match(of('getter.ts'), { message: 'no id today' })
  t.equal(broken().length, 10)
})

tap.test('an unchanged tree is imported once, and starts without a child the next time', async t => {
  const { root, folder, write, answer, ids: all } = setup(t, { 'a.ts': `import './_count.ts'\n${task('a')}`, '_count.ts': "import { appendFileSync } from 'node:fs'\nappendFileSync(import.meta.dirname + '/../count', 'x')" })
  const imports = () => existsSync(join(root, 'count')) ? readFileSync(join(root, 'count'), 'utf8').length : 0
  await folder.start()
  t.equal(imports(), 2, 'once in the child, once here')
  const before = folder.current.tasks.get('a')
  await folder.rescan()
  t.equal(folder.current.tasks.get('a'), before)
  t.equal(statSync(join(root, 'data/imports.json')).mode & 0o777, 0o600)
  t.same(Object.keys((JSON.parse(readFileSync(join(root, 'data/imports.json'), 'utf8')) as { files: object }).files), [join(root, 'tasks/a.ts')])
  rmSync(join(root, 'count'))
  write('_count.ts', 'throw new Error("imported again")')
  const again = await loadTasks({ directory: join(root, 'tasks'), dataFolder: join(root, 'data'), config: config() })
  t.same(again.broken, [])
  t.equal(imports(), 0, 'neither a child nor another import')
  t.equal(answer('a'), 1)
  t.same(all(), ['a'])
})

tap.test('a memory that cannot be read is none', async t => {
  const { root, folder, ids: all } = setup(t, { 'a.ts': task('a') })
  mkdirSync(join(root, 'data'))
  writeFileSync(join(root, 'data/imports.json'), 'null')
  await folder.start()
  t.same(all(), ['a'])
})

tap.test('a changed file is imported again, its old version is counted', async t => {
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

tap.test('a file that only got another time is not read as changed', async t => {
  const { directory, folder, changes } = setup(t, { 'a.ts': task('a') })
  await folder.start()
  utimesSync(join(directory, 'a.ts'), OLD, new Date('2026-02-02T00:00:00Z'))
  await folder.rescan()
  t.equal(changes.length, 1)
  t.equal(folder.current.oldVersions, 0)
})

tap.test('a broken new version leaves the last good one in force, until it is mended', async t => {
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
  t.equal(changes.length, 2, 'the same fault is told once')
  write('a.ts', task('a', 2))
  await folder.rescan()
  t.equal(answer('a'), 2)
  t.same(changes[2]!.mended, ['a.ts'])
  t.same(broken(), [])
})

tap.test('one bad definition of a changed file keeps its own last version only', async t => {
  const two = (first: string, second: string) => `export const TASK_DEFINITIONS = [{ id: 'a', func: () => 1, ${first} }, { id: 'b', func: () => 1, ${second} }]`
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

tap.test('a removed file takes its tasks along, after a moment in which it may be replaced', async t => {
  let now = 0
  const { directory, folder, write, ids: all, changes } = setup(t, { 'a.ts': task('a'), 'b.ts': task('b') }, { elapsed: () => now })
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

tap.test('an id in two files belongs to the one that had it first', async t => {
  let now = 0
  const { directory, folder, write, answer, broken } = setup(t, { 'b.ts': task('x', 1), 'c.ts': task('x', 2) }, { elapsed: () => now })
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

tap.test('an older file that takes up an id later does not get it', async t => {
  const { folder, write, answer, broken } = setup(t, { 'a.ts': task('y', 1), 'b.ts': task('x', 2) })
  await folder.start()
  write('a.ts', task('x', 33))
  await folder.rescan()
  t.equal(answer('x'), 2)
  t.match(broken(), [{ file: 'a.ts', code: 'OFFPEAK_TASK_DUPLICATE' }])
})

tap.test('a renamed file keeps its task and says where it lies', async t => {
  const { directory, folder, changes } = setup(t, { 'a.ts': task('x') })
  await folder.start()
  renameSync(join(directory, 'a.ts'), join(directory, 'b.ts'))
  await folder.rescan()
  await until(() => folder.current.tasks.get('x')?.source === 'b.ts')
  t.same(changes.flatMap(({ removed }) => removed), [])
  t.same(ids(changes.flatMap(({ changed }) => changed)), ['x'])
})

tap.test('no more tasks than max_tasks are loaded, the rest is named', async t => {
  const { folder, ids: all, broken } = setup(t, { 'a.ts': task('a'), 'b.ts': task('b'), 'c.ts': task('c') }, { config: config({ manager: { max_tasks: 2 } }) })
  await folder.start()
  t.same(all(), ['a', 'b'])
  t.match(broken(), [{ file: 'c.ts', code: 'OFFPEAK_TASK_LIMIT' }])
  folder.reconfigure(config())
  t.same(all(), ['a', 'b', 'c'])
  t.same(broken(), [])
})

tap.test('a file that is mended late takes its place behind those that run', async t => {
  const { folder, write, ids: all, broken } = setup(t, { 'a.ts': 'export default 5', 'b.ts': task('b') }, { config: config({ manager: { max_tasks: 1 } }) })
  await folder.start()
  write('a.ts', task('a'))
  await folder.rescan()
  t.same(all(), ['b'])
  t.match(broken(), [{ file: 'a.ts', code: 'OFFPEAK_TASK_LIMIT' }])
})

tap.test('overrides follow the configuration without another import', async t => {
  const { directory, folder, changes, broken, answer } = setup(t, { 'a.ts': task('a', 1, 'timeout: 5') })
  await folder.start()
  rmSync(join(directory, 'a.ts'))
  folder.reconfigure(config({ tasks: { a: { enabled: false, timeout: '1m' } } }))
  t.match(folder.current.tasks.get('a'), { enabled: false, timeoutMs: 60_000 })
  t.same(ids(changes[1]!.changed), ['a'])
  t.equal(answer('a'), 1)
  folder.reconfigure(config({ tasks: { a: { trigger: 'cron', trigger_args: { hour: 99 } } } }))
  t.match(broken(), [{ file: 'a.ts', pointer: '/tasks/a/trigger_args/hour', message: 'stays in force' }])
  t.equal(folder.current.tasks.get('a')?.enabled, false, 'the last good one')
  folder.reconfigure(config())
  t.equal(folder.current.tasks.get('a')?.timeoutMs, 5000)
  t.same(broken(), [])
})

tap.test('a file that everybody may write is not loaded; one that was stays as it was', async t => {
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

tap.test('a missing directory is said, and its files are found once it is there', async t => {
  const { directory, folder, broken, write, ids: all } = setup(t, {})
  rmSync(directory, { recursive: true })
  await folder.start()
  t.match(broken(), [{ file: '.', message: 'does not exist' }])
  write('a.ts', task('a'))
  await folder.rescan()
  t.same(all(), ['a'])
  t.same(broken(), [])
})

tap.test('a young file that fails may be half written and is waited for', async t => {
  const { directory, folder, broken, answer } = setup(t, { 'a.ts': task('a', 1) })
  await folder.start()
  writeFileSync(join(directory, 'a.ts'), 'export const TASK_DEFINITIONS = [{')
  await folder.rescan()
  t.same(broken(), [])
  t.equal(answer('a'), 1)
  await until(() => broken().length === 1)
  t.equal(answer('a'), 1)
})

tap.test('a faulty file whose time lies in the future is not waited for', async t => {
  const { folder, broken, write } = setup(t, { 'a.ts': task('a') }, { now: () => 0 })
  await folder.start()
  write('a.ts', 'export default [')
  await folder.rescan()
  t.match(broken(), [{ file: 'a.ts' }])
})

tap.test('it starts and stops twice, and a stop in the middle of an import is prompt', async t => {
  const { folder } = setup(t, { 'a.ts': 'while (true) {}' }, { boundMs: 60_000 })
  const starting = folder.start()
  await folder.stop()
  await starting
  await folder.stop()
  t.same([...folder.current.tasks], [])
})
