import t from 'tap'
import { readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BUILT_IN } from '../built-in.ts'
import { BUILT_IN_IDS } from '../../core/model/task/built-in.ts'
import { builtInFile } from '../../core/load/task/directories.ts'
import { createManager } from '../../core/manager.ts'
import { home, taskFile } from './home.ts'
import { until } from '../clock.ts'
import { CALM } from '../calm.ts'
import { scratch } from '../work/harness.ts'

const PRODUCT = resolve(import.meta.dirname, '../../backgroundtask')

t.test('every built-in task has a file with its id as the name', async t => {
  t.strictSame(BUILT_IN_IDS.map(id => builtInFile(id).file), BUILT_IN.map(name => join(PRODUCT, name)))
})

t.test('a built-in task is loaded when builtin names it, on, with its settings', async t => {
  const { manager } = await home(t, {
    files: { 'mine.ts': taskFile('mine') },
    config: {
      builtin: {
        heartbeat: { trigger_args: { hours: 3 }, payload: { ping_timeout: 9 } },
        backup_data: { payload: { source: '/srv' } },
        disk_report: { enabled: false }
      }
    }
  })
  await manager.start()
  t.strictSame([...manager.catalog.tasks.keys()].toSorted(), ['backup_data', 'disk_report', 'heartbeat', 'mine'])
  const task = (id: string) => manager.catalog.tasks.get(id)
  t.match(task('heartbeat'), {
    enabled: true,
    source: 'builtin:heartbeat.ts',
    trigger_args: { hours: 3 },
    payload: { ping_timeout: 9 }
  })
  t.match(task('backup_data'), { enabled: true, payload: { source: '/srv', keep_last: 7 } }, 'named, so it is on')
  t.match(task('disk_report'), { enabled: false, source: 'builtin:disk_report.sh' })
  t.match((await manager.health()).config.warnings, [])
  t.strictSame(manager.catalog.broken, [])
  t.match(manager.desk.builtIns().filter(({ on }) => on).map(({ id }) => id), ['backup_data', 'disk_report',
    'heartbeat'])
})

t.test('a built-in task runs, in a process of its own too, and its messages name the section', async t => {
  const { manager, reach } = await home(t, { config: { builtin: { check_system: {}, backup_data: {} } } })
  await manager.start()
  t.match(manager.warnings, [{ code: 'not_set_up', line: 4, pointer: '/builtin/backup_data/payload/source' }])
  const { run } = await manager.desk.enqueue('check_system', {}, 'manual')
  await reach(run.id, 'completed')
  const { run: backup } = await manager.desk.enqueue('backup_data', {}, 'schedule')
  await reach(backup.id, 'skipped')
  t.match((await manager.desk.run(backup.id)).reason, {
    message: 'No folder is configured: set builtin.backup_data.payload.source in config.json'
  })
  await t.rejects(manager.desk.request('backup_data', {}, { by: 'cli:ada' }), {
    code: 'OFFPEAK_TASK_UNCONFIGURED',
    message: /: builtin\.backup_data\.payload\.source of config\.json is missing/,
    place: { pointer: '/builtin/backup_data/payload/source' }
  })
})

t.test('naming a built-in task turns it on without a restart, and removing its section off', async t => {
  const { manager, write } = await home(t)
  await manager.start()
  t.throws(() => manager.desk.definition('heartbeat'), {
    message: "The built-in task 'heartbeat' is off",
    fix: 'Turn it on with `offpeak enable heartbeat`.'
  })
  write('config.json', '{ "builtin": { "heartbeat": {} } }')
  await manager.settings.rescan()
  await until('it is in force', () => manager.catalog.tasks.has('heartbeat'))
  write('config.json', '{}')
  await manager.settings.rescan()
  await until('it is gone', () => !manager.catalog.tasks.has('heartbeat'))
})

t.test('a fault in the section is one of config.json, and the task keeps its last good version', async t => {
  const { manager, write, noticesOf } = await home(t, { config: { builtin: { heartbeat: {} } } })
  await manager.start()
  write('config.json', '{ "builtin": { "heartbeat": { "trigger": "cron", "trigger_args": { "hour": 99 } } } }')
  await manager.settings.rescan()
  await until('it is noticed', () => manager.catalog.broken.length > 0)
  t.match(manager.catalog.broken, [{ code: 'OFFPEAK_TASK_INVALID', pointer: '/builtin/heartbeat/trigger_args/hour' }])
  t.equal(manager.catalog.tasks.get('heartbeat')?.trigger, 'interval')
  t.match((await manager.health()).broken, [{
    where: /config\.json:1:\d+ \/builtin\/heartbeat\/trigger_args\/hour$/,
    message: /^found '99', expected 0 to 23/
  }])
  t.match(noticesOf('file_broken'), [{ file: /config\.json$/, line: 1 }])
})

t.test('an unknown id is a warning with its line and the nearest id', async t => {
  const { manager } = await home(t, { config: { builtin: { hartbeat: {}, photos: {} }, tasks: { rotate_logs: {} } } })
  await manager.start()
  t.match(manager.warnings, [
    { code: 'unknown_task', message: "The built-in task 'rotate_logs' is off", fix: /^Move the section .* 'builtin'/ },
    { message: "No built-in task has the id 'hartbeat'", fix: "Did you mean 'heartbeat'?", line: 3 },
    { message: "No built-in task has the id 'photos'", fix: /^Remove the section; / }
  ])
})

t.test('a file of the user comes before a built-in task with its id, which is one warning', async t => {
  const { manager, noticesOf, write } = await home(t, { config: { builtin: { heartbeat: {} } } })
  await manager.start()
  const sourceOf = () => manager.catalog.tasks.get('heartbeat')?.source
  t.equal(sourceOf(), 'builtin:heartbeat.ts')
  write('backgroundtask/mine.ts', taskFile('heartbeat'))
  await until('the file is in force', async () => {
    await manager.catalog.rescan()
    return sourceOf() === 'mine.ts'
  })
  t.strictSame(manager.catalog.broken, [])
  t.match((await manager.health()).config.warnings, [{
    message: 'builtin.heartbeat has no effect: mine.ts defines the task',
    fix: 'Write its settings below tasks.heartbeat, or give that task another id.',
    where: /config\.json:3/
  }])
  t.equal(noticesOf('config_warning').length, 1)
  write('backgroundtask/mine.ts', taskFile('other'))
  await until('the built-in one is back', async () => {
    await manager.catalog.rescan()
    return sourceOf() === 'builtin:heartbeat.ts'
  })
})

t.test('enabling writes into builtin, and the task is in force at once', async t => {
  const { manager, configFile } = await home(t)
  await manager.start()
  await manager.enable('heartbeat', true, { by: 'cli:ada' })
  t.equal(manager.desk.definition('heartbeat').enabled, true)
  t.strictSame(JSON.parse(readFileSync(configFile, 'utf8')), { builtin: { heartbeat: { enabled: true } } })
  await manager.enable('heartbeat', false, { by: 'cli:ada' })
  await until('it is off', () => !manager.desk.definition('heartbeat').enabled)
  await t.rejects(manager.enable('rotate_logs', false, { by: 'cli:ada' }), /'rotate_logs' is off/)
})

t.test('where the tasks directory is that of the product, its files are tasks of their own', async t => {
  const root = scratch(t)
  symlinkSync(PRODUCT, join(root, 'backgroundtask'))
  const { manager, configFile } = await home(t, {
    root,
    config: { tasks: { heartbeat: { enabled: false } }, builtin: { check_system: { timeout: '3m' } } }
  })
  await manager.start()
  await until('every file is imported', () => BUILT_IN_IDS.every(id => manager.catalog.tasks.has(id)))
  t.match(manager.catalog.tasks.get('heartbeat'), { source: 'heartbeat.ts', enabled: false })
  t.match(manager.catalog.tasks.get('check_system'), { source: 'builtin:check_system.ts', timeoutMs: 180_000 })
  t.strictSame(manager.catalog.broken.filter(({ file }) => BUILT_IN.includes(file)), [])
  await manager.enable('heartbeat', true, { by: 'cli:ada' })
  t.match(JSON.parse(readFileSync(configFile, 'utf8')), { tasks: { heartbeat: { enabled: true } } })
})

t.test('a manager without task files has the built-in tasks and commands of its configuration', async t => {
  const config = { builtin: { heartbeat: {} }, tasks: { list: { command: ['ls'] } } }
  const manager = await createManager({ files: 'none', root: scratch(t), config, env: CALM })
  t.teardown(() => manager.stop())
  await manager.start()
  t.strictSame([...manager.catalog.tasks.keys()], ['list', 'heartbeat'])
  t.equal(manager.catalog.isWatching, true)
})

t.test('a task whose file was written just now is enabled and disabled in the section of that file', async t => {
  const { manager, write, configFile } = await home(t, { config: { builtin: { heartbeat: {} } } })
  await manager.start()
  write('config.json', '{ "tasks": { "heartbeat": { "enabled": true } } }')
  write('backgroundtask/heartbeat.ts', taskFile('heartbeat'))
  await manager.enable('heartbeat', false, { by: 'cli:ada' })
  t.match(manager.catalog.tasks.get('heartbeat'), { enabled: false, source: 'heartbeat.ts' })
  write('backgroundtask/fresh.ts', taskFile('fresh'))
  await manager.enable('fresh', false, { by: 'cli:ada' })
  t.strictSame(JSON.parse(readFileSync(configFile, 'utf8')), {
    tasks: { heartbeat: { enabled: false }, fresh: { enabled: false } }
  })
})

t.test('a built-in task is not changed while a file with its name is still being imported', {
  timeout: 240_000
}, async t => {
  const { manager, write, configFile } = await home(t, { config: { builtin: { heartbeat: {} } } })
  await manager.start()
  write('backgroundtask/heartbeat.ts', `await new Promise(r => setTimeout(r, 60_000))\n${taskFile('heartbeat')}`)
  await t.rejects(manager.enable('heartbeat', false, { by: 'cli:ada' }), {
    code: 'OFFPEAK_TASKS_LOADING',
    message: /heartbeat\.ts is still being imported/
  })
  t.strictSame(JSON.parse(readFileSync(configFile, 'utf8')), { builtin: { heartbeat: {} } })
})
