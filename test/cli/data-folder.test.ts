import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkDataFolder, dataFolderFix } from '../../core/cli/serve/data-folder.ts'
import { cli, place } from './setup.ts'

t.test('a start whose data folder cannot be used says why and what to do', async t => {
  const cwd = place(t)
  writeFileSync(join(cwd, 'data'), '')
  t.match(await cli(['start'], { cwd }), {
    code: 78,
    err: /^offpeak: \S+ cannot write to the data folder \S+data: it is not a folder\n {2}Rename or remove .*--data\.\n$/
  })
})

t.test('a folder is checked, or the nearest one above that exists', async t => {
  const folder = t.testdir({ file: '' })
  await t.resolves(checkDataFolder(folder))
  await t.resolves(checkDataFolder(join(folder, 'not/yet')))
  for (const path of [join(folder, 'file'), join(folder, 'file/below')]) {
    await t.rejects(checkDataFolder(path), { code: 'OFFPEAK_START_REFUSED', message: /it is not a folder$/ })
  }
})

const asRoot = process.getuid?.() === 0 && 'root may write everywhere'

t.test('a folder of another user is refused with the command that gives it away', { skip: asRoot }, async t => {
  const folder = join(t.testdir(), 'closed')
  mkdirSync(folder)
  chmodSync(folder, 0o500)
  for (const path of [folder, join(folder, 'not/yet')]) {
    await t.rejects(checkDataFolder(path), { message: /its permissions do not allow it$/, fix: /^Run: chown -R / })
  }
})

t.test('the fix fits the reason', t => {
  const fix = (code: string) => dataFolderFix(code, { user: 'ann', folder: '/srv/data' })
  t.equal(fix('ENOENT'), 'Run: mkdir -p /srv/data')
  t.equal(fix('EACCES'), 'Run: chown -R ann /srv/data, or run offpeak as the user that owns it.')
  t.match(fix('EROFS'), /^Mount it writable/)
  t.match(fix('ENOSPC'), /^Free some of it/)
  t.end()
})
