import t from 'tap'
import { home, taskFile } from './home.ts'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeClock, until } from '../clock.ts'
import { promptly } from '../promptly.ts'

t.test('a task file is added, changed and removed within two seconds', async t => {
  const { manager, write, root, reach } = await home(t)
  await manager.start()
  t.strictSame(await manager.desk.tasks(), [])
  write('backgroundtask/hello.ts',
    taskFile('hello', 'return "first"', { trigger: 'cron', trigger_args: { minute: 0 } }))
  await promptly(t, 'the task is there', () => manager.catalog.tasks.has('hello'))
  await promptly(t, 'it is planned', () => manager.planner.nextAt !== null)
  const first = await manager.desk.enqueue('hello')
  await reach(first.run.id, 'completed')
  t.equal((await manager.desk.run(first.run.id)).result, 'first')
  write('backgroundtask/hello.ts', taskFile('hello', 'return "second"'))
  await promptly(t, 'the change is in force', () => manager.catalog.tasks.get('hello')?.trigger === null)
  const second = await manager.desk.enqueue('hello')
  await reach(second.run.id, 'completed')
  t.equal((await manager.desk.run(second.run.id)).result, 'second')
  rmSync(join(root, 'backgroundtask/hello.ts'))
  await promptly(t, 'the task is gone', () => !manager.catalog.tasks.has('hello'))
})

t.test('a broken file is reported with its line, other files load, and it loads once it is fixed', async t => {
  const { manager, write, noticesOf } = await home(t, {
    files: { 'good.ts': taskFile('good'), 'bad.ts': 'export const TASK_DEFINITIONS = [{\n  id: 7 +,\n}]\n' }
  })
  await manager.start()
  t.strictSame([...manager.catalog.tasks.keys()], ['good'])
  t.match(manager.catalog.broken, [{ file: 'bad.ts', line: 2, code: 'OFFPEAK_TASK_FILE_BROKEN' }])
  t.match(noticesOf('file_broken'), [{ file: 'bad.ts', line: 2 }])
  write('backgroundtask/bad.ts', taskFile('bad'))
  await promptly(t, 'it is fixed', () => manager.catalog.tasks.has('bad'))
  t.strictSame(manager.catalog.broken, [])
})

t.test('a task that is known and cannot be loaded is refused with its fault, also after a restart', async t => {
  const { manager, root } = await home(t, { files: { 'kept.ts': taskFile('kept') } })
  await manager.start()
  await manager.stop()
  const loose = join(root, 'loose')
  writeFileSync(loose, '#!/bin/sh\n')
  chmodSync(loose, 0o777)
  const again = (await home(t, {
    root,
    files: { 'kept.ts': 'export const TASK_DEFINITIONS = [{\n  id: 7 +,\n}]\n' },
    config: { tasks: { mine: { command: ['./loose'] } } }
  })).manager
  await again.start()
  t.throws(() => again.desk.definition('kept'), {
    code: 'OFFPEAK_TASK_NOT_FOUND',
    message: /^Task 'kept' is not loaded: /,
    place: { file: 'kept.ts', line: 2 }
  })
  t.throws(() => again.desk.definition('mine'), {
    message: /^Task 'mine' is not loaded: \S+loose can be changed by/,
    fix: /chmod o-w/,
    place: { file: 'config.json', pointer: '/tasks/mine/command/0' }
  })
  t.throws(() => again.desk.definition('min'), { message: /^No task has the id 'min'$/ }, 'and no other id')
})

t.test('a running run finishes under the definition it started with [F39]', async t => {
  const { manager, write, reach } = await home(t, {
    files: { 'long.ts': taskFile('long', 'await new Promise(r => { globalThis.letGoLong = r }); return "old"') }
  })
  await manager.start()
  const { run } = await manager.desk.enqueue('long')
  const global = globalThis as { letGoLong?: () => void }
  await until('it runs', () => global.letGoLong)
  write('backgroundtask/long.ts', taskFile('long', 'return "new"', { name: 'New' }))
  await promptly(t, 'the change is in force', () => manager.catalog.tasks.get('long')?.name === 'New')
  global.letGoLong!()
  await reach(run.id, 'completed')
  t.equal((await manager.desk.run(run.id)).result, 'old')
})

t.test('a task file that exits or fails during import is reported broken, and others load', async t => {
  const { manager } = await home(t, {
    files: { 'exits.ts': 'process.exit(3)', 'good.ts': taskFile('good'), 'missing.ts': 'import "./nowhere.ts"\n' }
  })
  await manager.start()
  t.strictSame([...manager.catalog.tasks.keys()], ['good'])
  t.match(manager.catalog.broken.toSorted((a, b) => a.file < b.file ? -1 : 1), [{ file: 'exits.ts', message: /exit/ }, {
    file: 'missing.ts',
    message: /nowhere/
  }])
})

t.test('an enqueue while a file is still being imported is refused with retryAfter, and works afterwards', {
  timeout: 240_000
}, async t => {
  const folder = t.testdir({})
  // A file is imported in a child process first, then in this one.
  const slow = `import { existsSync, writeFileSync } from 'node:fs'
const place = process.pid === ${process.pid} ? 'here' : 'child'
writeFileSync('${folder}/' + place, '')
while (!existsSync('${folder}/let-' + place)) await new Promise(r => setTimeout(r, 20))
${taskFile('slow', 'return 1', { run_on_start: true })}`
  const { manager } = await home(t, { files: { 'good.ts': taskFile('good'), 'slow.ts': slow } })
  await manager.start()
  t.strictSame([...manager.catalog.tasks.keys()], ['good'])
  const early = {
    code: 'OFFPEAK_TASKS_LOADING',
    statusCode: 503,
    retryAfter: 1,
    message: "No task has the id 'slow' so far: slow.ts is still being imported"
  }
  await t.rejects(manager.desk.enqueue('slow'), early)
  writeFileSync(join(folder, 'let-child'), '')
  await until('it is imported here', () => existsSync(join(folder, 'here')))
  await t.rejects(manager.desk.enqueue('slow'), early)
  writeFileSync(join(folder, 'let-here'), '')
  await until('the file is imported', () => manager.catalog.tasks.has('slow'))
  const first = async () => (await manager.desk.runs({ task: 'slow', limit: 5 })).items
  await until('its run_on_start is added', async () => (await first()).length === 1)
  t.match(await first(), [{ source: 'schedule' }])
  t.match(await manager.desk.enqueue('slow'), { created: true })
  await t.rejects(manager.desk.enqueue('unknown'), { code: 'OFFPEAK_TASK_NOT_FOUND' })
})

t.test('a script with a header is a task like any other', async t => {
  const { manager, reach } = await home(t, {
    files: {
      'hello.sh': `#!/bin/sh
# offpeak: name = Say hello ; schedule = 0 3 * * * ; max_retries = 0
echo 50%
echo '::result {"greeting":"hello"}'
`
    }
  })
  await manager.start()
  t.match(await manager.desk.task('hello'), { name: 'Say hello', trigger: { words: /03:00/ }, max_retries: 0 })
  const { run } = await manager.desk.enqueue('hello')
  await reach(run.id, 'completed')
  t.match(await manager.desk.run(run.id), { result: { greeting: 'hello' }, progress: { percentage: 50 } })
})

t.test('an invalid configuration is refused with a notice, and a valid one takes effect [F40]', async t => {
  const { manager, configFile, noticesOf } = await home(t, { files: { 'hello.ts': taskFile('hello') } })
  await manager.start()
  writeFileSync(configFile, '{\n  "manager": { "max_task_retries": "three" }\n}')
  await until('it is refused', () => noticesOf('config_refused').length === 1)
  t.match(manager.settings.lastError, {
    code: 'OFFPEAK_CONFIG_INVALID',
    place: { line: 2, pointer: '/manager/max_task_retries' }
  })
  t.equal(manager.config.manager.max_task_retries, 3)
  writeFileSync(configFile, '{ "manager": { "max_task_retries": 7 }, "tasks": { "hello": { "enabled": false } } }')
  await until('it is in force', () => manager.catalog.tasks.get('hello')!.max_retries === 7)
  t.equal(manager.catalog.tasks.get('hello')!.enabled, false)
  t.equal(manager.settings.lastError, null)
})

t.test('enabling and disabling write config.json and keep its comments', async t => {
  const { manager, configFile } = await home(t, { files: { 'hello.ts': taskFile('hello') } })
  writeFileSync(configFile, '{\n  // the owner wrote this\n  "tasks": {}\n}\n')
  await manager.start()
  await until('the comment is read', () => manager.settings.etag !== null)
  const etag = await manager.enable('hello', false, { by: 'anna' })
  t.equal(manager.catalog.tasks.get('hello')!.enabled, false)
  t.match(readFileSync(configFile, 'utf8'), /the owner wrote this[^]*"enabled": false/)
  await t.rejects(manager.enable('hello', true, { by: 'bert', ifMatch: '"old"' }), { code: 'OFFPEAK_CONFIG_CONFLICT' })
  await manager.enable('hello', true, { by: 'bert', ifMatch: etag })
  t.match(await manager.engine.records({ limit: 2 }), [{ by: 'bert', action: 'enable' }, {
    by: 'anna',
    action: 'disable'
  }])
})

t.test('a task file that is removed while others fire does not affect them', async t => {
  const clock = fakeClock('2026-11-22T12:00:30Z')
  const every = { trigger: '* * * * *', overlap: 'allow' }
  const { manager, root, noticesOf } = await home(t, {
    files: { 'a.ts': taskFile('a', 'return 1', every), 'b.ts': taskFile('b', 'return 1', every) },
    clock
  })
  await manager.start()
  const { sync } = manager.planner
  // The task is removed from the catalog, but not yet from the planner.
  manager.planner.sync = async () => undefined
  rmSync(join(root, 'backgroundtask/a.ts'))
  await manager.catalog.rescan()
  await until('it is gone', async () => {
    await manager.catalog.rescan()
    return !manager.catalog.tasks.has('a')
  })
  clock.advance(60_000)
  await manager.fire()
  t.match(noticesOf('schedule_failed'), [{ schedule: 'a' }])
  t.equal((await manager.desk.runs({ task: 'b', limit: 9 })).items.length, 1)
  manager.planner.sync = sync
  await manager.planner.sync()
  clock.advance(60_000)
  await manager.fire()
  t.equal((await manager.desk.runs({ task: 'b', limit: 9 })).items.length, 2)
  t.strictSame(manager.planner.faults, [])
})
