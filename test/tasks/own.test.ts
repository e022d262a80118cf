import tap from 'tap'
import type { Test } from 'tap'
import { existsSync, linkSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { PathRefused } from '../../backgroundtask/_files/root.ts'
import { TASK_DEFINITIONS as BACKUP } from '../../backgroundtask/backup_data.ts'
import { TASK_DEFINITIONS as CLEANUP } from '../../backgroundtask/cleanup_old_files.ts'
import { TASK_DEFINITIONS as EXTERNAL } from '../../backgroundtask/sync_external_data.ts'
import { TASK_DEFINITIONS as RESTORE } from '../../backgroundtask/restore_backup.ts'
import { TASK_DEFINITIONS as ROTATE } from '../../backgroundtask/rotate_logs.ts'
import { TASK_DEFINITIONS as SYNC } from '../../backgroundtask/sync_folder.ts'
import { TASK_DEFINITIONS as WEBSITE } from '../../backgroundtask/check_website_status.ts'
import { checkFileToWrite, checkToWrite } from '../../backgroundtask/_files/own.ts'
import { fakeContext } from './context.ts'

/** The folders of an offpeak, a link to its code, and the service that reports them. */
function setup (t: Test) {
  const base = t.testdir({
    site: { tasks: { deep: {} }, data: { uploads: {} }, modules: {}, 'config.json': '{}' },
    source: { 'evil.js': 'evil' }
  })
  const site = join(base, 'site')
  symlinkSync(join(site, 'tasks'), join(base, 'link'))
  const own = { code: [join(site, 'tasks'), join(site, 'modules')], config: site, data: join(site, 'data') }
  const services = { offpeak: { folders: async () => own } }
  return { base, site, services, ctx: (task: string, payload: object) => fakeContext(task, payload, { services }).ctx }
}

tap.test('folders of offpeak, below its code and above are refused, by any path [S23, S36]', async t => {
  const { base, site, services } = setup(t)
  const refused = [
    site,
    base,
    '/',
    join(site, 'tasks'),
    join(site, 'tasks/deep'),
    join(site, 'tasks/not/there'),
    join(site, 'tasks/'),
    join(site, 'data/../tasks'),
    join(base, 'link'),
    join(base, 'link/deep'),
    join(base, 'link/new'),
    join(site, 'data'),
    join(site, 'modules/x'),
    'a\0b'
  ]
  for (const path of refused) await t.rejects(checkToWrite({ services }, path), PathRefused, path)
  for (const path of [join(site, 'backups'), join(site, 'data/kept'), join(base, 'source'), join(base, 'new/deep')]) {
    await t.resolves(checkToWrite({ services }, path), path)
  }
})

tap.test('single files of code, configuration and data are refused', async t => {
  const { base, site, services } = setup(t)
  const refused = [
    'tasks/x.js',
    'tasks/deep/x',
    'config.json',
    'CONFIG.JSON',
    'config.prod.json',
    'package.json',
    '.env',
    'x.mjs',
    'modules/x',
    'data/token',
    'data/offpeak.db',
    'data/server.json',
    'data/lock.db',
    'data'
  ]
  for (const path of refused) await t.rejects(checkFileToWrite({ services }, join(site, path)), PathRefused, path)
  await t.rejects(checkFileToWrite({ services }, join(base, 'link/x.js')), PathRefused)
  for (const path of ['feed.json', 'data/website_status.json', 'data/out.log', 'data/feeds/a.json']) {
    await t.resolves(checkFileToWrite({ services }, join(site, path)), path)
  }
})

tap.test('tasks that write refuse the folders of offpeak, even if they are configured', async t => {
  const { base, site, ctx } = setup(t)
  const tasks = join(site, 'tasks')
  const source = join(base, 'source')
  const before = readdirSync(tasks)
  const tries = [
    [BACKUP, { source, target: tasks }],
    [BACKUP, { source, target: join(base, 'link') }],
    [SYNC, { source, target: tasks }],
    [SYNC, { source, target: join(tasks, 'new') }],
    [SYNC, { source, target: site, delete: true }],
    [RESTORE, { archive: join(base, 'x.tar.zst'), into: tasks }],
    [RESTORE, { archive: join(base, 'x.tar.zst'), into: join(tasks, 'new') }],
    [EXTERNAL, { url: 'http://127.0.0.1:9/', file: join(tasks, 'x.js') }],
    [EXTERNAL, { url: 'http://127.0.0.1:9/', file: join(tasks, 'new/x.js') }],
    [WEBSITE, { url: 'http://127.0.0.1:9/', allow: ['127.0.0.1'], state_file: join(tasks, 'x.json') }],
    [CLEANUP, { root: tasks, dry_run: false, older_than: '1s', max_share: 1 }],
    [CLEANUP, { root: site, dry_run: false, older_than: '1s', max_share: 1 }]
  ] as const
  for (const [[task], payload] of tries) {
    await t.rejects(Promise.resolve().then(() => task!.func(ctx(task!.id, payload))), {
      message: /no built-in task writes/
    }, `${task!.id} ${JSON.stringify(payload)}`)
  }
  t.strictSame(readdirSync(tasks), before)
  t.ok(existsSync(join(site, 'config.json')))
})

tap.test('a log in the folder of task files is not rotated', async t => {
  const { site, ctx } = setup(t)
  const log = join(site, 'tasks', 'x.log')
  linkSync(join(site, 'config.json'), log)
  const result = await ROTATE[0]!.func(ctx('rotate_logs', { files: [log], max_size: '1' }))
  t.match(result, { result: { failed: [/no built-in task writes/] } })
})
