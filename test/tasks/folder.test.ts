import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { Folder } from '../../backgroundtask/_files/folder.ts'
import { readWhole, writeWhole } from '../../backgroundtask/_files/whole.ts'
import { bytesOf, sizeWords } from '../../backgroundtask/_task/settings.ts'
import { inFolder, walk } from '../../backgroundtask/_files/walk.ts'

async function setup (t: Test) {
  const base = t.testdir({ root: { dir: { file: 'ours' } }, outside: { file: 'theirs' } })
  const folder = await Folder.open(join(base, 'root'))
  t.teardown(() => folder.close())
  return { base, folder, outside: join(base, 'outside') }
}

tap.test('a link is opened neither as a folder nor as a file [S23, S24]', async t => {
  const { base, folder, outside } = await setup(t)
  symlinkSync(outside, join(base, 'root', 'link'))
  symlinkSync(join(outside, 'file'), join(base, 'root', 'filelink'))
  await t.rejects(folder.enter('link'))
  await t.rejects(Folder.open(join(base, 'root', 'link')))
  await t.rejects(inFolder(folder, 'link', async () => 'in'))
  await t.rejects(folder.read('filelink'), { code: 'ELOOP' })
  await t.rejects(folder.edit('filelink'), { code: 'ELOOP' })
  await t.rejects(folder.create('filelink'), { code: 'EEXIST' })
  t.equal(await readWhole(folder, 'filelink'), null)
})

tap.test('an open folder stays the same when its name is taken', {
  skip: process.platform === 'linux' ? false : 'needs /proc'
}, async t => {
  const { base, folder, outside } = await setup(t)
  const dir = await folder.enter('dir')
  t.teardown(() => dir.close())
  await dir.check()
  renameSync(join(base, 'root', 'dir'), join(base, 'aside'))
  symlinkSync(outside, join(base, 'root', 'dir'))
  t.equal(await readWhole(dir, 'file'), 'ours')
  await dir.remove('file')
  t.strictSame([existsSync(join(base, 'aside', 'file')), existsSync(join(outside, 'file'))], [false, true])
  await t.rejects(dir.check(), { code: 'ESTALE' })
})

tap.test('a name with more than one part is refused', async t => {
  const { folder } = await setup(t)
  for (const name of ['..', '.', '', 'dir/file', '../outside/file', 'a\0b']) {
    await t.rejects(async () => folder.remove(name), /is not the name of a file/)
  }
})

tap.test('a file is written as a whole, and not through a link', async t => {
  const { base, folder, outside } = await setup(t)
  symlinkSync(join(outside, 'file'), join(base, 'root', 'state.json'))
  symlinkSync(join(outside, 'file'), join(base, 'root', `.state.json.${process.pid}.part`))
  await writeWhole(folder, 'state.json', '{}')
  t.strictSame([readFileSync(join(outside, 'file'), 'utf8'), await readWhole(folder, 'state.json')], ['theirs', '{}'])
  t.equal(await readWhole(folder, 'state.json', 1), null)
  t.equal(await readWhole(folder, 'missing'), null)
})

tap.test('unfinished files of a killed process are removed, and no others [F12]', async t => {
  const { base, folder } = await setup(t)
  const long = Date.now() / 1000 - 2 * 3600
  const put = (name: string, at = long) => {
    writeFileSync(join(base, 'root', name), '')
    utimesSync(join(base, 'root', name), at, at)
  }
  const gone = 4194400
  for (const name of [`.a.${gone}.part`, `.a.${process.ppid}.part`, `.b.${gone}.part`, '.a.x.part', '.a.part',
    'a.1.part']) put(name)
  put(`.a.${gone + 1}.part`, Date.now() / 1000)
  await writeWhole(folder, 'a', 'new')
  const left = [`.a.${gone + 1}.part`, `.a.${process.ppid}.part`, '.a.part', '.a.x.part', `.b.${gone}.part`, 'a',
    'a.1.part', 'dir']
  t.strictSame((await folder.entries()).map(({ name }) => name), left.toSorted())
})

tap.test('a walk yields every entry once, folders after their contents, without excepted folders', async t => {
  const { base, folder, outside } = await setup(t)
  mkdirSync(join(base, 'root', 'a', 'b'), { recursive: true })
  writeFileSync(join(base, 'root', 'a', 'b', 'c'), '')
  symlinkSync(outside, join(base, 'root', 'link'))
  const list = async (except: { dev: number, ino: number }[] = []) => {
    const found: string[] = []
    for await (const { kind, path } of walk(folder, { breathe: async () => {}, except })) found.push(`${kind} ${path}`)
    return found
  }
  t.strictSame(await list(), ['file a/b/c', 'folder a/b', 'folder a', 'file dir/file', 'folder dir', 'link link'])
  const a = await folder.stat('a')
  t.strictSame(await list([a!]), ['file dir/file', 'folder dir', 'link link'])
})

tap.test('sizes are parsed and formatted', async t => {
  t.strictSame(['1', '1 KB', '1.5k', '2MiB', '3 G'].map(bytesOf), [1, 1024, 1536, 2 * 1024 ** 2, 3 * 1024 ** 3])
  t.strictSame([0, 1, 1023, 1024, 1536, 10 * 1024 ** 2, 5 * 1024 ** 4].map(sizeWords), ['0 bytes', '1 bytes',
    '1023 bytes', '1 KB', '1.5 KB', '10 MB', '5 TB'])
})
