import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { home, taskFile } from './home.ts'
import { until } from '../clock.ts'
import { healthOf } from '../../core/health.ts'
import { createManager } from '../../core/manager.ts'
import { Security, isContained, refuseLoosePlugins, rootFinding } from '../../core/security.ts'

const open = { skip: process.platform === 'win32' && 'needs file modes' }
const foreign = { skip: process.getuid?.() !== 0 && 'needs root to change owners' }
const modeOf = (path: string) => statSync(path).mode & 0o777

t.test('a configuration that others can write loads no code at the start until it is fixed [F40]', open, async t => {
  const { root, configFile, write } = await home(t, { files: { 'hello.ts': taskFile('hello') } })
  chmodSync(configFile, 0o666)
  const kinds: string[] = []
  const manager = await createManager({
    configFile,
    env: {},
    onNotice: notice => {
      if (notice.kind === 'config_refused' || notice.kind === 'config_loaded') kinds.push(notice.kind)
    }
  })
  t.teardown(() => manager.stop())
  await manager.start()
  t.same([...manager.catalog.tasks.keys()], [])
  const health = await healthOf(manager)
  t.match(health, {
    status: 'degraded',
    config: { ok: false, error: { code: 'OFFPEAK_CONFIG_EXPOSED', fix: `chmod o-w '${configFile}'` } },
    broken: [{ message: 'No task file is loaded' }]
  })
  write('other/evil.ts', taskFile('evil'))
  write('config.json', JSON.stringify({ manager: { tasks_directory: join(root, 'other') } }))
  await manager.settings.rescan()
  t.same([...manager.catalog.tasks.keys()], [])
  write('config.json', '{}')
  chmodSync(configFile, 0o644)
  await manager.settings.rescan()
  await until('the task is found', () => manager.catalog.tasks.has('hello'))
  t.same(kinds, ['config_refused', 'config_loaded'])
  t.match(await healthOf(manager), { config: { ok: true }, broken: [] })
})

t.test('a configuration that becomes writable by others is not read again [F40]', open, async t => {
  const { manager, configFile, write, noticesOf } = await home(t, { files: { 'hello.ts': taskFile('hello') } })
  await manager.start()
  chmodSync(configFile, 0o646)
  write('config.json', JSON.stringify({ manager: { tasks_directory: 'other' } }))
  await manager.settings.rescan()
  await until('it is refused', () => noticesOf('config_refused').length > 0)
  t.ok(manager.catalog.tasks.has('hello'), 'the last good one stays in force')
  t.match((await healthOf(manager)).config, { ok: false, error: { code: 'OFFPEAK_CONFIG_EXPOSED' } })
})

t.test('files that offpeak made in its data folder are closed to others, with a notice [S35]', open, async t => {
  const { root, manager, noticesOf } = await home(t)
  await manager.start()
  await manager.stop()
  const data = join(root, 'data')
  writeFileSync(join(data, 'token'), 'x'.repeat(43))
  chmodSync(join(data, 'token'), 0o644)
  writeFileSync(join(data, 'imports.json'), '{}')
  chmodSync(join(data, 'imports.json'), 0o640)
  chmodSync(data, 0o777)
  await manager.start()
  t.strictSame([data, join(data, 'token'), join(data, 'imports.json')].map(modeOf), [0o700, 0o600, 0o640])
  t.equal(noticesOf('insecure').filter(notice => 'message' in notice && notice.message.includes('is now')).length, 2,
    'one notice for each')
  t.match(noticesOf('insecure').find(notice => 'fix' in notice && notice.fix !== null && /token/.test(notice.fix)), {
    fix: 'remove the file'
  })
})

t.test('a link target and a file of another user keep their modes', foreign, async t => {
  const { root, manager } = await home(t)
  await manager.start()
  await manager.stop()
  const [data, outside] = [join(root, 'data'), join(root, 'outside')]
  writeFileSync(outside, '')
  writeFileSync(join(data, 'theirs'), '')
  chownSync(join(data, 'theirs'), 65_534, 65_534)
  for (const path of [outside, join(data, 'theirs')]) chmodSync(path, 0o666)
  symlinkSync(outside, join(data, 'link'))
  await manager.start()
  t.same([outside, join(data, 'theirs')].map(modeOf), [0o666, 0o666])
})

t.test('a folder that offpeak did not make keeps its mode', open, async t => {
  const { root, manager } = await home(t)
  mkdirSync(join(root, 'data'))
  writeFileSync(join(root, 'data/letters.txt'), '')
  chmodSync(join(root, 'data'), 0o755)
  await manager.start()
  t.equal(modeOf(join(root, 'data')), 0o755)
})

t.test('a token file of another user refuses the start [S35]', foreign, async t => {
  const { root, manager } = await home(t)
  mkdirSync(join(root, 'data'))
  writeFileSync(join(root, 'data/token'), 'x'.repeat(43))
  chownSync(join(root, 'data/token'), 65_534, 65_534)
  await t.rejects(manager.start(), { code: 'OFFPEAK_START_REFUSED', fix: 'chown 0' })
  t.notOk(existsSync(join(root, 'data/offpeak.db')))
})

t.test('a link to a token of another user refuses the start', foreign, async t => {
  const { root, manager } = await home(t)
  mkdirSync(join(root, 'data'))
  writeFileSync(join(root, 'theirs'), 'x'.repeat(43))
  chownSync(join(root, 'theirs'), 65_534, 65_534)
  symlinkSync(join(root, 'theirs'), join(root, 'data/token'))
  await t.rejects(manager.start(), { code: 'OFFPEAK_START_REFUSED' })
})

t.test('a token that others can read and a task file that a group can write are reported with a fix', open, async t => {
  const { root, manager } = await home(t, {
    config: { server: { token_file: 'secret' } },
    files: { 'hello.ts': taskFile('hello') }
  })
  writeFileSync(join(root, 'secret'), 'x'.repeat(43))
  chmodSync(join(root, 'secret'), 0o604)
  await manager.start()
  t.match(manager.security.findings.find(({ subject }) => subject === 'token'), {
    fix: `chmod 600 '${join(root, 'secret')}'`
  })
  const { settings, catalog } = manager
  const notices: object[] = []
  const security = new Security({
    settings,
    folder: () => join(root, 'data'),
    directories: () => catalog.directories,
    fileOf: source => catalog.fileOf(source),
    tasks: () => catalog.tasks,
    env: {},
    notice: notice => void notices.push(notice),
    account: { uid: process.getuid!(), gid: 4711 }
  })
  chmodSync(join(root, 'backgroundtask/hello.ts'), 0o664)
  // The group of root has no other members.
  if (process.getgid!() === 0) chownSync(join(root, 'backgroundtask/hello.ts'), 0, 50)
  await security.look()
  await security.look()
  t.match(notices.filter(notice => 'subject' in notice && notice.subject === 'tasks'), [{
    message: 'every member of the group',
    fix: 'chmod g-w'
  }])
  t.equal(notices.length, new Set(notices.map(notice => JSON.stringify(notice))).size, 'each is reported once')
})

t.test('running as root is reported once, with a fix that fits a container or not [S37]', async t => {
  const config = (accept: string | null) => ({ security: { accept_root: accept, accept_loose_files: null } })
  t.match(rootFinding({ uid: 0, gid: 0 }, config(null), false), { message: 'as root', fix: 'User=' })
  t.match(rootFinding({ uid: 0, gid: 0 }, config(null), true), { message: 'in this container', fix: 'runAsUser' })
  t.equal(rootFinding({ uid: 0, gid: 0 }, config('an appliance'), false), null)
  t.equal(rootFinding({ uid: 5, gid: 0 }, config(null), false), null)
  t.equal(rootFinding(null, config(null), false), null)
  t.equal(isContained(path => path === '/.dockerenv', {}), true)
  t.equal(isContained(() => false, {}), false)
  const { manager, noticesOf } = await home(t)
  await manager.start()
  await manager.beat('rescan')
  t.equal(noticesOf('insecure').filter(notice => 'subject' in notice && notice.subject === 'root').length,
    process.getuid?.() === 0 ? 1 : 0)
})

t.test('a plugin that others can write is not executed [S35]', open, async t => {
  const folder = t.testdir({ 'a.ts': '', 'b.ts': '' })
  await refuseLoosePlugins(folder, ['a.ts', 'b.ts'])
  chmodSync(join(folder, 'b.ts'), 0o646)
  await t.rejects(refuseLoosePlugins(folder, ['a.ts', 'b.ts']), { code: 'OFFPEAK_START_REFUSED', message: /b\.ts/ })
  chmodSync(join(folder, 'b.ts'), 0o644)
  chmodSync(folder, 0o777)
  await t.rejects(refuseLoosePlugins(folder, []), { code: 'OFFPEAK_START_REFUSED' })
})
