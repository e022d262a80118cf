import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync,
  writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import tap from 'tap'
import type { Test } from 'tap'
import { cleanUp } from '../../backgroundtask/_files/cleanup.ts'
import { TASK_DEFINITIONS } from '../../backgroundtask/cleanup_old_files.ts'
import { TASK_DEFINITIONS as LOGS } from '../../backgroundtask/cleanup_old_logs.ts'
import { Warned } from '../../core/model/run/outcome.ts'
import { fakeContext } from './context.ts'

const DAY = 24 * 3600

/** Writes files below a folder; those of `old` were changed a year ago. */
function fill (root: string, { old = [], fresh = [] }: { old?: string[], fresh?: string[] }) {
  for (const name of [...old, ...fresh]) {
    const path = join(root, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, name)
    if (!old.includes(name)) continue
    const then = Date.now() / 1000 - 365 * DAY
    utimesSync(path, then, then)
  }
}

function setup (t: Test, payload: object = {}) {
  const base = t.testdir({ root: {}, outside: {} })
  const root = join(base, 'root')
  const outside = join(base, 'outside')
  return { root, outside, ...fakeContext('cleanup_old_files', { root, dry_run: false, ...payload }) }
}

const run = (ctx: Parameters<typeof cleanUp>[0]) => TASK_DEFINITIONS[0]!.func(ctx) as Promise<unknown>

tap.test('old files are removed, new ones stay', async t => {
  const { root, ctx, recorded } = setup(t)
  fill(root, { old: ['a', 'deep/down/b'], fresh: ['c', 'deep/d', 'e'] })
  t.match(await run(ctx), { removed: 2, files: 5, bytes: 12 })
  t.strictSame([existsSync(join(root, 'a')), existsSync(join(root, 'deep/down/b'))], [false, false])
  t.strictSame([existsSync(join(root, 'c')), existsSync(join(root, 'deep/d')), existsSync(join(root, 'e'))], [true,
    true, true])
  t.match(recorded.progress, { current: 2, total: 2 })
})

tap.test('a run is a dry run by default [S25]', async t => {
  const { root, ctx } = setup(t, { dry_run: undefined })
  const { dry_run: _, ...payload } = ctx.payload as { dry_run: unknown }
  fill(root, { old: ['a'], fresh: ['b', 'c'] })
  t.match(await run({ ...ctx, payload }), { dry_run: true, would_remove: 1, first: ['a'] })
  t.ok(existsSync(join(root, 'a')))
})

tap.test('include and exclude select among the old files', async t => {
  const { root, ctx } = setup(t, { include: ['**/*.tmp', 'cache/**'], exclude: ['**/keep.*'] })
  fill(root, { old: ['a.tmp', 'x/b.tmp', 'x/keep.tmp', 'cache/c', 'd.txt'], fresh: ['1', '2', '3', '4'] })
  t.match(await run(ctx), { removed: 3 })
  t.strictSame(readdirSync(root).toSorted(), ['1', '2', '3', '4', 'cache', 'd.txt', 'x'])
  t.ok(existsSync(join(root, 'x/keep.tmp')))
})

tap.test('the clean-up of logs removes only logs by default', async t => {
  const { root, ctx } = setup(t)
  fill(root, { old: ['a.log', 'b.log.1', 'notes.txt'], fresh: ['1', '2', '3'] })
  t.match(await LOGS[0]!.func(ctx), { removed: 2 })
  t.ok(existsSync(join(root, 'notes.txt')))
})

tap.test('with remove_empty_folders, folders that the run has emptied are removed, others stay', async t => {
  const { root, ctx } = setup(t, { remove_empty_folders: true })
  fill(root, { old: ['x/y/a'], fresh: ['z/b', 'c'] })
  mkdirSync(join(root, 'new-and-empty'))
  t.match(await run(ctx), { removed: 1, folders_removed: 2 })
  t.strictSame(readdirSync(root).toSorted(), ['c', 'new-and-empty', 'z'])
})

tap.test('a run that would exceed a limit removes nothing and fails [S25]', async t => {
  for (const [payload, files] of [
    [{}, { old: ['a', 'b'], fresh: ['c'] }],
    [{ max_files: 1 }, { old: ['a', 'b'], fresh: ['c', 'd', 'e'] }],
    [{ max_size: '1' }, { old: ['a', 'b'], fresh: ['c', 'd', 'e'] }]
  ] as const) {
    const { root, ctx } = setup(t, payload)
    fill(root, { old: [...files.old], fresh: [...files.fresh] })
    await t.rejects(run(ctx), {
      name: 'Fatal',
      message: /nothing was removed.*builtin\.cleanup_old_files\.payload\.max_/
    })
    t.strictSame(readdirSync(root).length, files.old.length + files.fresh.length)
  }
})

tap.test('a clock that runs decades ahead removes nothing [F17, S25]', async t => {
  const { root, ctx } = setup(t)
  fill(root, { fresh: ['a', 'b', 'c'] })
  await t.rejects(cleanUp(ctx, { now: Date.UTC(2099, 0) }), { name: 'Fatal' })
  t.equal(readdirSync(root).length, 3)
})

tap.test('a dry run that would exceed a limit ends with a warning', async t => {
  const { root, ctx } = setup(t, { dry_run: true })
  fill(root, { old: ['a'] })
  t.type(await run(ctx), Warned)
})

tap.test('links are skipped, and their targets stay', async t => {
  const { root, outside, ctx } = setup(t, { max_share: 1, remove_empty_folders: true })
  fill(root, { old: ['a'] })
  fill(outside, { old: ['precious', 'dir/precious'] })
  symlinkSync(join(outside, 'precious'), join(root, 'link'))
  symlinkSync(join(outside, 'dir'), join(root, 'dirlink'))
  t.match(await run(ctx), { removed: 1, links_passed_over: 2 })
  t.ok(existsSync(join(outside, 'precious')) && existsSync(join(outside, 'dir/precious')))
  t.strictSame(readdirSync(root).toSorted(), ['dirlink', 'link'])
})

tap.test('system folders, home folders, links and files are refused as roots [S23]', async t => {
  const base = t.testdir({ root: {}, link: t.fixture('symlink', 'root'), file: '' })
  const bad = ['/', '//', '/etc/..', homedir(), dirname(homedir()), '.', '..', '/etc', '/usr/local', '/proc',
    '/dev/shm', '/tmp', '', '  ', 'a\0b', join(base, 'link'), join(base, 'file')]
  for (const root of bad) {
    const { ctx } = fakeContext('cleanup_old_files', { root, dry_run: false })
    await t.rejects(run(ctx), { name: 'Fatal', message: /builtin\.cleanup_old_files\.payload\.root in config\.json/ },
      root)
  }
})

const SYSTEM = /^\/(bin|boot|dev|etc|lib|lib32|lib64|proc|sbin|sys|usr)(\/|$)|^\/[^/]*$/
const mounts = () =>
  existsSync('/proc/self/mountinfo')
    ? readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map(line => line.split(' ')[4] ?? '').filter(path =>
      path !== '' && !SYSTEM.test(path) && !homedir().startsWith(path) && !process.cwd().startsWith(path) &&
      statSync(path, { throwIfNoEntry: false })?.isDirectory()
    )
    : []

tap.test('a mount point is refused as a root', {
  skip: mounts().length === 0 ? 'nothing is mounted outside the system folders' : false
}, async t => {
  for (const root of mounts()) {
    await t.rejects(run(fakeContext('cleanup_old_files', { root, dry_run: true }).ctx), {
      name: 'Fatal',
      message: /it is a mount point/
    })
  }
})

tap.test('a run without a root, or with a missing one, is skipped with the reason', async t => {
  await t.rejects(run(fakeContext('cleanup_old_files').ctx), {
    name: 'Skip',
    message: /builtin\.cleanup_old_files\.payload\.root/
  })
  const { ctx } = fakeContext('cleanup_old_files', { root: join(t.testdir(), 'missing') })
  await t.rejects(run(ctx), { name: 'Skip', message: /does not exist/ })
})

tap.test('invalid settings fail the run with their key', async t => {
  for (const payload of [{ older_than: 0 }, { max_share: 7 }, { older_then: '30d' }]) {
    await t.rejects(run(setup(t, payload).ctx), { name: 'Fatal', message: /builtin\.cleanup_old_files\.payload/ })
  }
})

tap.test('a file that was changed after it was listed stays', async t => {
  const { root, ctx } = setup(t, { max_share: 1 })
  fill(root, { old: ['a', 'dir/b'] })
  const advance = ctx.progress.advance
  ctx.progress.advance = by => {
    writeFileSync(join(root, 'dir/b'), 'news')
    advance(by)
  }
  t.match(await run(ctx), { removed: 1, changed: ['dir/b'] })
  t.ok(existsSync(join(root, 'dir/b')))
})

tap.test('a stop ends a run between two groups of files', async t => {
  const { root, ctx, stop } = setup(t, { max_share: 1 })
  fill(root, { old: Array.from({ length: 100 }, (_, index) => `${index < 10 ? 'a' : 'b'}/${index}`) })
  let groups = 0
  ctx.progress.advance = () => {
    if (++groups === 2) stop.abort(new Error('stopped'))
  }
  await t.rejects(run(ctx), { message: 'stopped' })
  t.equal(readdirSync(join(root, 'a')).length, 0)
  t.equal(readdirSync(join(root, 'b')).length, 90 - 32)
})

tap.test('no file outside is removed when a folder is replaced by a link at any step [S24]', async t => {
  const names = ['a', 'b', 'c']
  for (let step = 0; step < 14; step++) {
    const { root, outside, ctx } = setup(t, { max_share: 1, remove_empty_folders: true })
    fill(root, { old: names.map(name => `dir/${name}`) })
    fill(outside, { old: names })
    let calls = 0
    const breathe = async () => {
      if (calls++ !== step) return
      renameSync(join(root, 'dir'), join(root, '..', 'aside'))
      symlinkSync(outside, join(root, 'dir'))
    }
    await run({ ...ctx, breathe })
    t.strictSame(readdirSync(outside), names, `at step ${step}`)
    rmSync(join(root, '..', 'aside'), { recursive: true, force: true })
  }
})

const SWAPPER = `
const { workerData, parentPort } = require('node:worker_threads')
const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
const { dir, aside, outside, flag } = workerData
for (let turn = 0; Atomics.load(flag, 0) === 0; turn++) {
  renameSync(dir, aside); symlinkSync(outside, dir); unlinkSync(dir); renameSync(aside, dir)
  Atomics.store(flag, 1, turn)
}
parentPort.postMessage('done')`

tap.test('no file outside is removed when a thread replaces a folder by a link thousands of times [S24]', async t => {
  const { root, outside, ctx } = setup(t, { max_share: 1 })
  const names = Array.from({ length: 20 }, (_, index) => `f${index}`).toSorted()
  fill(outside, { old: names })
  mkdirSync(join(root, 'dir'))
  const flag = new Int32Array(new SharedArrayBuffer(8))
  const dir = join(root, 'dir')
  const worker = new Worker(SWAPPER, { eval: true, workerData: { dir, aside: join(root, 'aside'), outside, flag } })
  const done = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  for (let turn = 0; turn < 300 || Atomics.load(flag, 1) < 2000; turn++) await run(ctx).catch(() => null)
  Atomics.store(flag, 0, 1)
  await done
  await worker.terminate()
  t.strictSame(readdirSync(outside).toSorted(), names)
  t.ok(statSync(outside).isDirectory())
})
