import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { home, taskFile } from './home.ts'
import { until } from '../clock.ts'
import { CALM } from '../calm.ts'

const FILES = { 'beat.ts': taskFile('heartbeat') }

t.test('a section for a task that does not exist is a warning with its line and the nearest id, once', async t => {
  const { manager, noticesOf, write, root } = await home(t, {
    files: FILES,
    config: { tasks: { heartbaet: { enabled: false } } }
  })
  await manager.start()
  const file = join(root, 'config.json')
  t.match(manager.warnings, [{
    code: 'unknown_task',
    file,
    line: 3,
    message: "No task has the id 'heartbaet'",
    fix: "Did you mean 'heartbeat'?"
  }])
  t.match((await manager.health()).config, { ok: true, warnings: [{ where: /config\.json:3:\d+/ }] })
  t.match(noticesOf('config_warning'), [{ message: /config\.json:3:\d+.*: No task has the id 'heartbaet'/ }])
  manager.addTask({ id: 'another', func: () => 1 })
  t.equal(noticesOf('config_warning').length, 1)
  write('config.json', '{}')
  await manager.settings.rescan()
  await until('the warning is gone', () => manager.warnings.length === 0)
  t.match((await manager.health()).config.warnings, [])
})

t.test('without a similar id the fix says what to do', async t => {
  const { manager } = await home(t, { files: FILES, config: { tasks: { photos: {} } } })
  await manager.start()
  t.match(manager.warnings, [{ fix: 'Remove the section, or restore the task file.' }])
})

t.test('a setting that is read only at the start is a warning after its change, until it is changed back', async t => {
  const { manager, noticesOf, write } = await home(t, { config: { server: { port: 7420 } } })
  await manager.start()
  t.strictSame(manager.warnings, [])
  write('config.json', '{ "server": { "port": 7421 } }')
  await manager.settings.rescan()
  await until('it is noticed', () => noticesOf('config_warning').length > 0)
  t.match(noticesOf('config_warning'), [{
    code: 'restart_needed',
    message: /config\.json:1:\d+.*: server\.port is now 7421, and 7420 is in force/,
    fix: /^Restart offpeak/
  }])
  write('config.json', '{ "server": { "port": 7420 } }')
  await manager.settings.rescan()
  t.strictSame(manager.warnings, [])
})

t.test('an environment without a file is a warning that names the nearest one', async t => {
  const { manager, write } = await home(t, { environment: 'prodution', env: CALM })
  write('config.production.json', '{}')
  t.match(manager.warnings, [{ code: 'no_overlay', message: /'prodution', and there is no config\.prodution\.json/ }])
  await manager.settings.start()
  t.teardown(() => manager.settings.stop())
  write('config.json', '{ "retention": { "max_runs": 5 } }')
  await manager.settings.rescan()
  t.match(manager.warnings, [{ fix: "Did you mean 'production'?" }])
})

t.test('a deleted configuration is reported, and the last good one stays in force', async t => {
  const { manager, noticesOf, root, write } = await home(t, {
    files: FILES,
    config: { tasks: { heartbeat: { enabled: false } } }
  })
  await manager.start()
  rmSync(join(root, 'config.json'))
  await manager.settings.rescan()
  await until('it is noticed', () => noticesOf('config_refused').length > 0)
  t.match(noticesOf('config_refused'), [{ message: /config\.json was deleted/ }])
  t.equal(manager.catalog.tasks.get('heartbeat')!.enabled, false)
  t.match((await manager.health()).config, { ok: false, error: { message: /was deleted/, fix: /Restore it/ } })
  await t.rejects(manager.enable('heartbeat', true, { by: 'me' }), {
    code: 'OFFPEAK_CONFIG_INVALID',
    message: /was deleted/
  }, 'and no change makes a file of that change alone')
  write('config.json', '{}')
  await manager.settings.rescan()
  t.equal((await manager.health()).config.ok, true)
})

t.test('a change that an overlay or a variable defeats is refused with the place that defeats it', async t => {
  const { manager, write, root } = await home(t, {
    files: FILES,
    environment: 'lab',
    env: { ...CALM, OFFPEAK_TASKS__OTHER__ENABLED: 'false' }
  })
  write('config.lab.json', '{ "tasks": { "heartbeat": { "enabled": false } } }')
  write('backgroundtask/other.ts', taskFile('other'))
  await manager.start()
  await manager.settings.rescan()
  await until('it is disabled', () => !manager.catalog.tasks.get('heartbeat')!.enabled)
  const refused = { code: 'OFFPEAK_CONFIG_OVERRIDDEN', statusCode: 409, fix: /^Change it there/ }
  await t.rejects(manager.enable('heartbeat', true, { by: 'me' }), {
    ...refused,
    message: /config\.lab\.json:1:\d+.* sets tasks\.heartbeat\.enabled, which overrides config\.json/
  })
  await t.rejects(manager.enable('other', true, { by: 'me' }), {
    ...refused,
    message: /OFFPEAK_TASKS__OTHER__ENABLED.* sets tasks\.other\.enabled/
  })
  t.strictSame(manager.settings.files, [join(root, 'config.json'), join(root, 'config.lab.json')])
  await manager.enable('heartbeat', false, { by: 'me' })
  t.match(await manager.engine.records({ limit: 1 }), [{ action: 'disable' }], 'one that changes nothing is accepted')
})
