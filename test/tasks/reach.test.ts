import t from 'tap'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { TASK_DEFINITIONS as BACKUP } from '../../backgroundtask/backup_data.ts'
import { TASK_DEFINITIONS as CLEANUP } from '../../backgroundtask/cleanup_old_files.ts'
import { TASK_DEFINITIONS as PROCESS } from '../../backgroundtask/process_file.ts'
import { TASK_DEFINITIONS as RESTORE } from '../../backgroundtask/restore_backup.ts'
import { TASK_DEFINITIONS as SYNC } from '../../backgroundtask/sync_folder.ts'
import { Folder } from '../../backgroundtask/_files/folder.ts'
import { makeWithin, openWithin } from '../../backgroundtask/_files/reach.ts'
import { fakeContext } from './context.ts'

/** A folder that runs may use, with a link in it that leads outside. */
function setup (t: Test) {
  const base = t.testdir({ root: { in: { 'f.txt': 'a\n' } }, out: {}, secret: { in: { 'f.txt': 'a\nb\n' } } })
  symlinkSync(`${base}/secret`, `${base}/root/swapped`)
  const reach = (...settings: string[]) => ({
    reach: Object.fromEntries(settings.map(name => [`/payload/${name}`, [`${base}/root`]]))
  })
  return { base, reach }
}

const OUTSIDE = /is outside the configured folder/

t.test('a link that was created after a path was checked leads no task out of its folder [S23]', async t => {
  const { base, reach } = setup(t)
  const at = `${base}/root/swapped`
  const archive = `${at}/in/f.txt`
  const ways: [what: string, definitions: typeof BACKUP, payload: object, setting: string][] = [
    ['the source of a backup', BACKUP, { source: `${at}/in`, target: `${base}/out` }, 'source'],
    ['its target', BACKUP, { source: `${base}/root/in`, target: `${at}/in` }, 'target'],
    ['a target that is to be made', BACKUP, { source: `${base}/root/in`, target: `${at}/new` }, 'target'],
    ['what is cleaned up', CLEANUP, { root: `${at}/in`, older_than: 1, dry_run: false }, 'root'],
    ['a file', PROCESS, { path: archive }, 'path'],
    ['the source of a sync', SYNC, { source: `${at}/in`, target: `${base}/out` }, 'source'],
    ['its target', SYNC, { source: `${base}/root/in`, target: `${at}/in` }, 'target'],
    ['one that is to be made', SYNC, { source: `${base}/root/in`, target: `${at}/new` }, 'target'],
    ['an archive', RESTORE, { archive, into: `${base}/out` }, 'archive'],
    ['a folder of archives', RESTORE, { from: `${at}/in` }, 'from']
  ]
  for (const [what, [definition], payload, setting] of ways) {
    const { ctx } = fakeContext(definition!.id!, payload, reach(setting))
    await t.rejects(async () => await (definition!.func as (one: typeof ctx) => unknown)(ctx), { message: OUTSIDE },
      what)
  }
  t.same([readdirSync(`${base}/secret`), readdirSync(`${base}/secret/in`), readdirSync(`${base}/out`)], [['in'], [
    'f.txt'
  ], []])
})

t.test('a backup is restored only into the configured folder, and no folder is created elsewhere', async t => {
  const { base, reach } = setup(t)
  mkdirSync(`${base}/backups`)
  const made = fakeContext('backup_data', { source: `${base}/root/in`, target: `${base}/backups` })
  const { archive } = await BACKUP[0]!.func!(made.ctx) as { archive: string }
  const restore = (into: string) =>
    RESTORE[0]!.func!(fakeContext('restore_backup', { archive: `${base}/backups/${archive}`, into }, reach('into')).ctx)
  await t.rejects(async () => await restore(`${base}/root/swapped/in/deep/new`), { message: OUTSIDE })
  t.equal(existsSync(`${base}/secret/in/deep`), false)
  t.match(await restore(`${base}/root/deep/new`), { files: 1 })
})

t.test('folders inside are opened and created, also through a link that stays inside; without limit, all', async t => {
  const { base, reach } = setup(t)
  symlinkSync(`${base}/root/in`, `${base}/root/link`)
  const run = reach('root')
  const open = (path: string) => openWithin(run, { setting: 'root' }, () => Folder.open(path))
  for (const path of [`${base}/root`, `${base}/root/in`]) await (await open(path)).close()
  await t.rejects(open(`${base}/out`), { name: 'PathRefused', message: OUTSIDE })
  await (await openWithin(run, { setting: 'other' }, () => Folder.open(`${base}/out`))).close()
  t.equal(await makeWithin(run, { setting: 'root', path: `${base}/root/link/one`, mode: 0o700 }), true)
  t.equal(await makeWithin(run, { setting: 'root', path: `${base}/root/link/one`, mode: 0o700 }), false)
  await t.rejects(makeWithin(run, { setting: 'root', path: `${base}/root/no/two`, mode: 0o700 }), { code: 'ENOENT' })
  t.equal(await makeWithin(run, { setting: 'root', path: `${base}/root/no/two`, mode: 0o700, deep: true }), true)
  t.equal(await makeWithin(run, { setting: 'other', path: `${base}/out/x/y`, mode: 0o700, deep: true }), true)
  const gone = await Folder.open(`${base}/root/in`)
  writeFileSync(`${base}/root/in/g`, '')
  t.equal(await gone.place(), `${base}/root/in`)
  await gone.close()
})

t.test('the error of a missing archive shows the given path', async t => {
  const { base } = setup(t)
  const { ctx } = fakeContext('restore_backup', { archive: `${base}/root/none.tar.zst`, into: `${base}/out` })
  await t.rejects(async () => await RESTORE[0]!.func!(ctx), { message: `There is no file '${base}/root/none.tar.zst'` })
})
