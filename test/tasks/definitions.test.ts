import { execFileSync, spawnSync } from '../child.ts'
import { cpSync, globSync } from 'node:fs'
import { join, resolve } from 'node:path'
import tap from 'tap'
import { faultsOf } from '../../core/model/base/check.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import { BUILT_IN, SHARED, isUsers, ofBuiltIn } from '../built-in.ts'
import { loadTasks } from '../../core/load/task/task-folder.ts'

const DIRECTORY = resolve(import.meta.dirname, '../../backgroundtask')
// process_file has no trigger, and reads uploaded files.
const ENABLED = ['check_system', 'cleanup_old_runs', 'heartbeat', 'process_file']

tap.test('the built-in tasks load, and only those that change no files of a user are enabled', async t => {
  const { tasks, broken } = ofBuiltIn(
    await loadTasks({ directories: [{ path: DIRECTORY, name: '.' }], dataFolder: t.testdir(), config: defaultsOf() })
  )
  t.strictSame(broken, [])
  t.strictSame([...tasks.values()].map(({ source }) => source).toSorted(), BUILT_IN)
  t.strictSame([...tasks.keys()].toSorted(), [
    'backup_data',
    'check_system',
    'check_website_status',
    'cleanup_old_files',
    'cleanup_old_logs',
    'cleanup_old_runs',
    'disk_report',
    'heartbeat',
    'process_file',
    'restore_backup',
    'rotate_logs',
    'send_daily_reports',
    'send_email',
    'sync_external_data',
    'sync_folder'
  ])
  t.strictSame([...tasks.values()].filter(({ enabled }) => enabled).map(({ id }) => id).toSorted(), ENABLED)
})

tap.test('the default payload of each task matches its schema, and each task has a description', async t => {
  const { tasks } = ofBuiltIn(
    await loadTasks({ directories: [{ path: DIRECTORY, name: '.' }], dataFolder: t.testdir(), config: defaultsOf() })
  )
  for (const { id, input, payload, description, source } of tasks.values()) {
    t.ok(description.length > 20, id)
    t.ok(input === null || faultsOf(input, payload ?? {}).length === 0, `${id} of ${source}`)
  }
})

tap.test('config.json may override one setting and keeps the others', async t => {
  const config = { ...defaultsOf(), tasks: { cleanup_old_logs: { enabled: true, payload: { root: 'logs' } } } }
  const { tasks } = ofBuiltIn(
    await loadTasks({ directories: [{ path: DIRECTORY, name: '.' }], dataFolder: t.testdir(), config })
  )
  t.match(tasks.get('cleanup_old_logs'), {
    enabled: true,
    payload: { root: 'logs', dry_run: true, include: ['**/*.log', '**/*.log.*'] }
  })
})

tap.test('every file is a task, or its name says that it is not', t => {
  const named = /^_[a-z]+(\/[a-z-]+\.ts)?$|^[a-z_]+\.(ts|sh)$/
  const files = globSync('**/*', { cwd: DIRECTORY }).filter(file => !isUsers(join('backgroundtask', file)))
  t.strictSame(files.filter(file => !named.test(file)), [])
  t.end()
})

tap.test('every tracked file of the folder is listed as built-in or shared', t => {
  const { stdout, status } = spawnSync('git', ['ls-files', '-z', '--', DIRECTORY], { cwd: DIRECTORY, encoding: 'utf8' })
  // A copy without git history lists no files.
  const known = status === 0 ? stdout.split('\0').filter(Boolean) : []
  t.strictSame(known.map(file => file.split('/')[0]!).filter(name => ![...BUILT_IN, ...SHARED].includes(name)), [])
  t.end()
})

tap.test('the shell task reports its progress and its result', t => {
  const script = join(t.testdir(), 'disk_report.sh')
  cpSync(join(DIRECTORY, 'disk_report.sh'), script)
  const lines = execFileSync('/bin/sh', [script], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } }).trim().split(
    '\n'
  )
  t.ok(lines.includes('50%'))
  const result = JSON.parse(lines.at(-1)!.replace('::result ', ''))
  t.match(result, { disks: Number, fullest: /^\//, percent: Number })
  t.end()
})

/** Settings that give access to nothing beyond the configuration. */
const FREE: Record<string, string[]> = {
  backup_data: ['name', 'level'],
  check_system: ['max_cpu', 'max_memory', 'max_disk'],
  check_website_status: ['timeout', 'expect_status', 'expect_text', 'slow_after', 'on_down'],
  heartbeat: ['ping_timeout'],
  restore_backup: ['only'],
  rotate_logs: ['compress'],
  send_daily_reports: ['subject'],
  send_email: ['subject', 'text', 'html']
}

tap.test('a setting of a built-in task is limited by the configuration or gives no access [S25, S28, S30]', async t => {
  const { tasks } = ofBuiltIn(
    await loadTasks({ directories: [{ path: DIRECTORY, name: '.' }], dataFolder: t.testdir(), config: defaultsOf() })
  )
  for (const { id, input } of tasks.values()) {
    const { properties = {} } = (input ?? {}) as { properties?: Record<string, { configured?: unknown }> }
    t.strictSame(Object.keys(properties).filter(name => properties[name]!.configured === undefined), FREE[id] ?? [], id)
  }
})
