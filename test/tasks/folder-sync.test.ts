import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync,
  writeFileSync, chmodSync, openSync, writeSync, closeSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { TASK_DEFINITIONS } from '../../backgroundtask/sync_folder.ts'
import { fakeContext } from './context.ts'
import type { TaskContext } from '../../core/model/task/context.ts'

const FILES: Record<string, string> = {
  'a.txt': 'alpha',
  'deep/er/b.bin': 'b'.repeat(600_000),
  'deep/ü.txt': 'ü',
  'empty': ''
}

function setup (t: Test, payload: object = {}, given: Partial<TaskContext> = {}) {
  const base = t.testdir({ source: { void: {} } })
  const [source, target] = [join(base, 'source'), join(base, 'target')]
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(source, name, '..'), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  const again = (more: object = {}, other: Partial<TaskContext> = {}) =>
    fakeContext('sync_folder', { source, target, ...payload, ...more }, other)
  return { base, source, target, again, ...again({}, given) }
}

const sync = async (ctx: TaskContext) =>
  await TASK_DEFINITIONS[0]!.func(ctx) as { message?: string, result?: Record<string, unknown> }
const textOf = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')

t.test('the target becomes equal to the source, with times and modes', async t => {
  const { ctx, recorded, source, target } = setup(t)
  chmodSync(join(source, 'a.txt'), 0o640)
  const total = Object.values(FILES).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  t.same(await sync(ctx), {
    copied: 4,
    bytes: total,
    touched: 0,
    unchanged: 0,
    linked: 0,
    removed: 0,
    passed: 0,
    not_kept: 0
  })
  for (const [name, text] of Object.entries(FILES)) {
    t.equal(textOf(target, name), text)
    t.ok(Math.abs(statSync(join(target, name)).mtimeMs - statSync(join(source, name)).mtimeMs) <= 2, name)
  }
  t.equal(statSync(join(target, 'a.txt')).mode & 0o777, 0o640)
  t.ok(statSync(join(target, 'void')).isDirectory())
  t.match(recorded.progress, { current: total, total, unit: 'bytes' })
  t.same(readdirSync(target).filter(name => name.endsWith('.part')), [])
})

t.test('a second run copies only changed files', async t => {
  const { ctx, again, source, target } = setup(t)
  await sync(ctx)
  t.match(await sync(again().ctx), { copied: 0, unchanged: 4 })
  writeFileSync(join(source, 'a.txt'), 'ALPHA')
  utimesSync(join(source, 'a.txt'), 1000, 1000)
  utimesSync(join(source, 'deep/ü.txt'), 2000, 2000)
  t.match(await sync(again().ctx), { copied: 1, touched: 1, unchanged: 2 },
    'equal size with other content is copied, other time with equal content is not')
  t.equal(textOf(target, 'a.txt'), 'ALPHA')
  t.match(await sync(again().ctx), { copied: 0, touched: 0, unchanged: 4 })
})

t.test('files are removed only with delete, and within its limits', async t => {
  const { ctx, again, source, target } = setup(t)
  await sync(ctx)
  rmSync(join(source, 'deep'), { recursive: true })
  writeFileSync(join(target, 'mine'), 'of the target')
  t.match(await sync(again().ctx), { removed: 0 })
  t.ok(existsSync(join(target, 'mine')) && existsSync(join(target, 'deep/er/b.bin')))
  t.match(await sync(again({ delete: true, max_delete: 2 }).ctx), {
    message: /nothing was removed: 3 files would be removed, and max_delete is 2/
  })
  t.ok(existsSync(join(target, 'mine')))
  t.match(await sync(again({ delete: true, exclude: ['mine'] }).ctx), { removed: 2 })
  t.same(readdirSync(target).toSorted(), ['a.txt', 'empty', 'mine', 'void'], 'excluded files stay')
  rmSync(source, { recursive: true })
  mkdirSync(source)
  t.match(await sync(again({ delete: true }).ctx), { message: /nothing was removed: the source is empty/ },
    'an empty source removes nothing')
  t.equal(textOf(target, 'a.txt'), 'alpha')
})

t.test('links are copied as links and never followed', async t => {
  const { ctx, again, base, source, target } = setup(t)
  mkdirSync(join(base, 'outside/er'), { recursive: true })
  writeFileSync(join(base, 'outside/er/kept'), 'kept')
  symlinkSync(join(base, 'outside'), join(source, 'link'))
  mkdirSync(target)
  symlinkSync(join(base, 'outside'), join(target, 'deep'))
  symlinkSync(join(base, 'outside/er/kept'), join(target, 'a.txt'))
  t.match(await sync(ctx), { message: /^\d problems: deep/, result: { linked: 1, copied: 2 } })
  t.equal(readlinkSync(join(target, 'link')), join(base, 'outside'))
  t.match(await sync(again().ctx), { result: { linked: 0 } })
  t.same(readdirSync(join(base, 'outside')), ['er'])
  t.same(readdirSync(join(base, 'outside/er')), ['kept'])
  t.equal(textOf(base, 'outside/er/kept'), 'kept',
    'a link at the path of a file is replaced, and its target is not changed')
  t.equal(textOf(target, 'a.txt'), 'alpha')
  rmSync(join(source, 'link'))
  t.match(await sync(again({ delete: true }).ctx), { result: { removed: 2 } },
    'the removed link, and the link at the path of a folder')
  t.match(await sync(again().ctx), { copied: 2 })
  t.equal(textOf(base, 'outside/er/kept'), 'kept')
})

t.test('an interrupted copy of a large file is resumed', async t => {
  const { source, target, again } = setup(t)
  const size = 80 * 1024 * 1024
  const big = openSync(join(source, 'big'), 'w')
  truncateSync(join(source, 'big'), size)
  writeSync(big, 'the end', size - 7)
  closeSync(big)
  const first = again()
  Object.assign(first.ctx, {
    breathe: async () => {
      if (first.recorded.progress.current > 70 * 1024 * 1024) throw Object.assign(new Error('cut off'), { code: '' })
    }
  })
  await t.rejects(sync(first.ctx), { message: 'cut off' })
  t.notOk(existsSync(join(target, 'big')), 'an incomplete file does not get its name')
  t.match(first.recorded.saved, [{ path: 'big', size, offset: 64 * 1024 * 1024 }])
  const reads: number[] = []
  const second = again({}, {
    checkpoint: { changed: false, read: async () => first.recorded.saved[0] as never, save: async () => undefined }
  })
  const advance = second.ctx.progress.advance
  Object.assign(second.ctx.progress, {
    advance: (by: number) => {
      reads.push(by)
      advance(by)
    }
  })
  await sync(second.ctx)
  t.ok(reads.includes(64 * 1024 * 1024), 'the first part is not copied again')
  t.ok(readFileSync(join(target, 'big')).equals(readFileSync(join(source, 'big'))))
})

t.test('folders that contain each other are refused, and missing ones are named', async t => {
  const { source, again, base } = setup(t)
  const fails = async (payload: object, message: RegExp) =>
    await t.rejects(sync(again(payload).ctx), { name: 'Fatal', message })
  await fails({ target: source }, /contains the other/)
  await fails({ target: join(source, 'inner') }, /contains the other/)
  await fails({ target: base }, /contains the other/)
  await fails({ source: join(base, 'gone') }, /payload\.source: there is no folder/)
  await fails({ target: join(base, 'gone/too') }, /payload\.target: there is no folder/)
  await fails({ target: '/usr', delete: true }, /belongs to the system/)
  await t.rejects(sync(fakeContext('sync_folder').ctx), { name: 'Skip' })
  t.match(TASK_DEFINITIONS[0], { type: 'sync', queue: 'sync', max_retries: 2, enabled: false })
})

t.test('an exclusion may be an absolute path in the target', async t => {
  const { source, target, again } = setup(t)
  for (const folder of ['mine', 'gone']) {
    mkdirSync(join(target, folder), { recursive: true })
    writeFileSync(join(target, folder, 'x'), 'x')
  }
  t.match(await sync(again({ delete: true, exclude: [join(target, 'mine')] }).ctx), { removed: 1 })
  t.strictSame(readdirSync(target).filter(name => !readdirSync(source).includes(name)), ['mine'])
})

t.test('two simultaneous copies of a file never leave an incomplete file', async t => {
  const { source, target, again } = setup(t)
  writeFileSync(join(source, 'big'), 'x'.repeat(2_000_000))
  const [going, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow = again()
  const { advance } = slow.ctx.progress
  const seen = { bytes: 0 }
  slow.ctx.progress.advance = (by = 0) => {
    advance(seen.bytes += by)
  }
  slow.ctx.breathe = async () => {
    if (seen.bytes <= 1_000_000) return
    going.resolve()
    await gate.promise
  }
  const first = sync(slow.ctx)
  await going.promise
  t.match(await sync(again().ctx), { copied: 1 })
  const whole = textOf(target, 'big')
  gate.resolve()
  t.match(await first, { message: /big: another run is copying it/ })
  t.ok(textOf(target, 'big') === whole && whole.length === 2_000_000)
  t.strictSame(readdirSync(target).filter(name => name.startsWith('.')), [])
})

t.test('a folder at the path of a file stays and is reported, and no temporary file is left', async t => {
  const { target, again } = setup(t)
  mkdirSync(join(target, 'a.txt', 'mine'), { recursive: true })
  t.match(await sync(again().ctx), { message: /^1 problems: a\.txt: EISDIR/, result: { copied: 3 } })
  t.strictSame(readdirSync(join(target, 'a.txt')), ['mine'])
  t.strictSame(readdirSync(target).filter(name => name.startsWith('.')), [])
})
