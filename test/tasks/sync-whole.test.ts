import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync,
  writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { Folder } from '../../backgroundtask/_files/folder.ts'
import { TASK_DEFINITIONS } from '../../backgroundtask/sync_folder.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { fakeContext } from './context.ts'
import { NAMES, addSpecial, at, hostile, numbers, pathsIn, pictureOf, removeTree } from './hostile.ts'

const sync = async (ctx: TaskContext) => await TASK_DEFINITIONS[0]!.func(ctx) as Record<string, unknown>

function pair (t: Test, payload: object = {}) {
  const base = t.testdir()
  const [source, target] = [join(base, 'source'), join(base, 'target')]
  return {
    base,
    source,
    target,
    again: (more: object = {}) => fakeContext('sync_folder', { source, target, ...payload, ...more }).ctx
  }
}

/** A picture without hard links and without the outermost folder, which a sync does not keep. */
const plainPicture = (root: string) =>
  Object.fromEntries(
    Object.entries(pictureOf(root, { except: [''] })).map(([path, text]) => [path, text.replace(/ #\d+/, '')])
  )

tap.test('a tree with unusual files is copied completely, and a second run copies nothing [F37]', {
  skip: process.platform !== 'linux'
}, async t => {
  for (const seed of [11, 12, 13]) {
    const { source, target, again } = pair(t, { delete: true })
    hostile(source, seed)
    const before = plainPicture(source)
    const first = await sync(again())
    t.match(first, { removed: 0, passed: 0 }, `seed ${seed}`)
    t.same(plainPicture(target), before)
    t.match(await sync(again()), { copied: 0, touched: 0, linked: 0, removed: 0 })
    t.same(plainPicture(source), before)
    for (const root of [source, target]) removeTree(root)
  }
})

tap.test('nothing at or below an excluded path is copied or removed', {
  skip: process.platform !== 'linux'
}, async t => {
  for (const seed of [21, 22, 23, 24]) {
    const { source, target, again } = pair(t, { delete: true, max_delete: 100_000, max_delete_share: 1 })
    hostile(source, seed)
    hostile(target, seed + 100)
    const random = numbers(seed)
    const pick = () => NAMES[Math.floor(random() * NAMES.length)]!
    // A pattern that matches a name literally.
    const literal = (name: string) => name.replaceAll(/[\\*?[\]{}!#]/g, String.raw`\$&`)
    const [one, folder, top, deep] = [pick(), pick(), pick(), pick()]
    const exclude = [literal(one), `${literal(folder)}/`, `/${literal(top)}`, `**/${literal(deep)}/**`, './keep',
      'Kee?']
    const out = (root: string) =>
      pathsIn(root).filter(path => {
        const parts = path.normalize('NFC').split('/')
        const inside = parts.slice(0, lstatSync(at(root, path)).isDirectory() ? parts.length : -1)
        const is = (name: string) => (part: string | undefined) => part === name.normalize('NFC')
        return parts.some(is(one)) || inside.some(is(folder)) || is(top)(parts[0]) || parts.some(is(deep)) ||
          parts[0] === 'keep' || parts.some(part => /^Kee.$/u.test(part))
      })
    const [kept, left] = [out(target), new Set(out(source))]
    await sync(again({ exclude }))
    const now = new Set(pathsIn(target))
    t.same(kept.filter(path => !now.has(path)), [], `kept, seed ${seed}`)
    t.same([...left].filter(path => now.has(path) && !kept.includes(path)), [], `not copied, seed ${seed}`)
    for (const root of [source, target]) removeTree(root)
  }
})

tap.test('an unreadable file is reported, and the others are copied', async t => {
  const { source, target, again } = pair(t)
  mkdirSync(source)
  for (const name of ['a', 'b', 'c']) writeFileSync(join(source, name), name)
  const own = Folder.prototype.read
  t.teardown(() => {
    Folder.prototype.read = own
  })
  Folder.prototype.read = async function (this: Folder, name) {
    if (name === 'b' && this.path === source) throw Object.assign(new Error('EIO: i/o error, open'), { code: 'EIO' })
    return await own.call(this, name)
  }
  t.match(await sync(again()), { message: /1 problems: b: EIO/, result: { copied: 2 } })
  t.same(readdirSync(target), ['a', 'c'])
})

tap.test('pipes are skipped and listed', { skip: process.platform === 'win32' }, async t => {
  const { source, again } = pair(t)
  mkdirSync(source)
  addSpecial(source)
  t.match(await sync(again()), {
    message: /1 pipes, sockets or devices are not copied: a pipe/,
    result: { passed: 1, passed_over: ['a pipe'] }
  })
})

tap.test('more than half of the target is not removed by default', async t => {
  const { source, target, again } = pair(t, { delete: true })
  mkdirSync(source)
  const names = Array.from({ length: 40 }, (_, index) => `f${index}`)
  for (const name of names) writeFileSync(join(source, name), name)
  await sync(again())
  for (const name of names.slice(5)) rmSync(join(source, name))
  t.match(await sync(again()), {
    message: /nothing was removed: 35 of 40 files would be removed, and max_delete_share is 0\.5/
  })
  t.equal(readdirSync(target).length, 40)
  t.match(await sync(again({ max_delete_share: 1 })), { removed: 35 })
})

tap.test('a source with only links is not empty, and an empty one removes nothing', async t => {
  const { source, target, again } = pair(t, { delete: true })
  mkdirSync(source)
  symlinkSync('nowhere', join(source, 'link'))
  await sync(again())
  rmSync(join(source, 'link'))
  t.match(await sync(again()), { message: /nothing was removed: the source is empty/ })
  t.same(readdirSync(target), ['link'])
})

tap.test('a changed mode is applied without copying, and times before 1970 are kept', async t => {
  const { source, target, again } = pair(t)
  mkdirSync(source)
  writeFileSync(join(source, 'a'), 'a')
  utimesSync(join(source, 'a'), '-446774400', '-446774400')
  await sync(again())
  t.equal(statSync(join(target, 'a')).mtimeMs, -446_774_400_000)
  chmodSync(join(source, 'a'), 0o600)
  t.match(await sync(again()), { copied: 0, touched: 1 })
  t.equal(statSync(join(target, 'a')).mode & 0o777, 0o600)
  t.notOk(existsSync(join(target, '.offpeak-case.part')))
})
