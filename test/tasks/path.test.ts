import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { NotMounted, checkDisk, checkDisks, pointOf } from '../../backgroundtask/_files/mount.ts'
import { expandPath } from '../../backgroundtask/_files/path.ts'
import { PathRefused } from '../../backgroundtask/_files/root.ts'
import { TASK_DEFINITIONS as BACKUP } from '../../backgroundtask/backup_data.ts'
import { TASK_DEFINITIONS as CLEANUP } from '../../backgroundtask/cleanup_old_files.ts'
import { TASK_DEFINITIONS as PROCESS } from '../../backgroundtask/process_file.ts'
import { TASK_DEFINITIONS as RESTORE } from '../../backgroundtask/restore_backup.ts'
import { TASK_DEFINITIONS as ROTATE } from '../../backgroundtask/rotate_logs.ts'
import { TASK_DEFINITIONS as SYNC } from '../../backgroundtask/sync_folder.ts'
import { fakeContext } from './context.ts'

const ENVIRONMENT = {
  home: '/home/me',
  env: { HOME: '/elsewhere', USER: 'me', XDG_DATA_HOME: '/home/me/.data', TMPDIR: '', SECRET: 'hunter2' },
  passwd: () => 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n'
}
const expand = (path: string) => expandPath(path, ENVIRONMENT)

tap.test('a path is expanded as a shell does [S23]', async t => {
  const read = {
    '~': '/home/me',
    '~/a/~b': '/home/me/a/~b',
    '~ann/x': '/home/ann/x',
    '~root': '/root',
    '$HOME/a': '/home/me/a',
    '${HOME}': '/home/me',
    '/mnt/$USER/${USER}x': '/mnt/me/mex',
    '$XDG_DATA_HOME/a': '/home/me/.data/a',
    './~': './~',
    '/a/~/b': '/a/~/b',
    'cost$5': 'cost$5',
    'a$': 'a$',
    '/a/$$HOME': '/a/$HOME',
    '/plain/a': '/plain/a'
  }
  for (const [path, place] of Object.entries(read)) t.equal(expand(path), place, path)
})

tap.test('unknown variables and users are refused, and no value is shown', async t => {
  for (const path of ['~nobody-here/x', '~+', '$SECRET/x', '/a/${SECRET}', '$OTHER', '${TMPDIR}/x', '${}', '${HOME']) {
    if (path === '${HOME') t.equal(expand(path), path)
    else t.throws(() => expand(path), { name: 'PathRefused', message: /is refused: (?!.*hunter2)/ }, path)
  }
  t.ok(PathRefused)
})

tap.test('every task with a path expands the home folder, or refuses the path [S23]', async t => {
  const base = t.testdir({ home: { docs: { a: 'words' }, back: {} } })
  const [home, before, there] = [process.env.HOME, process.cwd(), join(base, 'home')]
  process.env.HOME = there
  process.chdir(base)
  t.teardown(() => {
    process.chdir(before)
    process.env.HOME = home
  })
  const run = async ([task]: typeof BACKUP, payload: object) =>
    await task!.func(fakeContext(task!.id, payload).ctx) as Record<string, unknown>
  t.match(await run(BACKUP, { source: '~/docs', target: '$HOME/backups' }), {
    files: 1,
    folder: join(there, 'backups')
  })
  t.match(await run(SYNC, { source: '${HOME}/docs', target: '~/copy' }), { copied: 1 })
  t.match(await run(CLEANUP, { root: '~/docs' }), { would_remove: 0, files: 1 })
  t.match(await run(PROCESS, { path: '~/docs/a' }), { bytes: 5 })
  t.match(await run(ROTATE, { files: ['~/docs/a', '~/docs/*'] }), { small: 1, failed: [] })
  const [archive] = readdirSync(join(there, 'backups'))
  t.match(await run(RESTORE, { archive: `~/backups/${archive}`, into: '~/back' }), { files: 1 })
  for (const [task, payload] of [[BACKUP, { source: '~/docs', target: '$NAME/x' }], [SYNC, {
    source: '~/docs',
    target: '~nobody-here'
  }], [CLEANUP, { root: '$X' }], [PROCESS, { path: '$X' }], [RESTORE, { archive: '$X', into: 'x' }]] as const) {
    await t.rejects(run(task, payload), { name: 'Fatal', message: /is refused/ }, task[0]!.id)
  }
  t.same(readdirSync(base), ['home'])
})

const CTX = { task: 'x', services: {} }
const MOUNTS = { points: new Set(['/', '/mnt/usb', '/home']), meant: ['/mnt/usb', '/srv/photos'] }

tap.test('a path on a disk that is not mounted is refused', async t => {
  const check = async (path: string, require?: boolean | string | string[]) =>
    await checkDisk(CTX, path, { require, mounts: MOUNTS }).then(() => 'fine', (error: unknown) =>
      error instanceof NotMounted ? error.message : `${error}`)
  t.equal(pointOf('/mnt/usb/a/b', MOUNTS), '/mnt/usb')
  t.equal(pointOf('/mnt/usbstick', MOUNTS), '/')
  t.equal(await check('/mnt/usb/backups'), 'fine')
  t.match(await check('/srv/photos/2025'), /in \/etc\/fstab, and nothing is mounted there.*require_mount to false/)
  t.equal(await check('/srv/photos/2025', false), 'fine')
  t.equal(await check('/srv/other'), 'fine')
  t.match(await check('/srv/other', true), /on the system disk, and require_mount is true/)
  t.equal(await check('/mnt/usb/x', true), 'fine')
  t.match(await check('/mnt/usb/x', ['/mnt/usb', '/mnt/nas']),
    /require_mount names '\/mnt\/nas', and nothing is mounted there/)
  await t.rejects(checkDisk(CTX, '/a', { require: true, mounts: { points: new Set(), meant: [] } }), {
    message: /does not report mounts/
  })
})

tap.test('a required disk that is not mounted fails the run before any folder is created', async t => {
  const base = t.testdir({ source: { a: 'a' }, usb: {} })
  const [source, target] = [join(base, 'source'), join(base, 'usb', 'backups')]
  for (const [task] of [BACKUP, SYNC]) {
    const { ctx } = fakeContext(task!.id, { source, target, require_mount: join(base, 'usb') })
    await t.rejects(async () => await task!.func(ctx), { name: 'NotMounted', message: /nothing is mounted there/ })
  }
  t.same(readdirSync(join(base, 'usb')), [])
  await t.rejects(checkDisks(CTX, [source, target], [join(base, 'nas')]), NotMounted)
})
