import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { packTar, unpackTar } from 'modern-tar'
import type { TarEntry } from 'modern-tar'
import tap from 'tap'
import type { Test } from 'tap'
import { kept } from '../../backgroundtask/_backups.ts'
import { TASK_DEFINITIONS, listBackups, restore } from '../../backgroundtask/backup_data.ts'
import { TASK_DEFINITIONS as RESTORE } from '../../backgroundtask/restore_backup.ts'
import type { TaskContext } from '../../core/model/context.ts'
import { Warned } from '../../core/model/outcome.ts'
import { fakeContext } from './context.ts'

const ARCHIVE = 'data-20260310T020000Z.tar.zst'
const LONG = `${'long/'.repeat(40)}${'n'.repeat(120)}-é-日本.txt`
const FILES: Record<string, string> = {
  'a.txt': 'alpha', 'empty.txt': '', 'deep/b.bin': 'b'.repeat(700_000), 'with space/ü.txt': 'ü', [LONG]: 'far down'
}

const sha = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

function setup (t: Test, payload: object = {}, given: Partial<TaskContext> = {}) {
  const base = t.testdir({ data: { void: {} } })
  const source = join(base, 'data')
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(source, name, '..'), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  const target = join(base, 'backups')
  return { base, source, target, ...fakeContext('backup_data', { source, target, ...payload }, given) }
}

type Result = { archive: string, files: number, bytes: number, forgotten: string[], made_by_earlier_attempt: boolean }
const run = async (ctx: TaskContext) => await TASK_DEFINITIONS[0]!.func(ctx) as Result

tap.test('a folder comes back from its archive byte for byte', async t => {
  const { base, target, ctx, said } = setup(t)
  const result = await run(ctx)
  const bytes = Object.values(FILES).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  t.match(result, { archive: ARCHIVE, files: 5, bytes, made_by_earlier_attempt: false })
  t.match(said.progress, { current: bytes, total: bytes, unit: 'bytes' })
  const into = join(base, 'back')
  t.match(await restore({ archive: join(target, ARCHIVE), into }), { files: 5, bytes })
  for (const [name, text] of Object.entries(FILES)) t.equal(readFileSync(join(into, name), 'utf8'), text, name)
  t.ok(statSync(join(into, 'void')).isDirectory())
})

tap.test('the manifest is inside the archive and beside it, and says the hash of each file', async t => {
  const { target, ctx } = setup(t)
  await run(ctx)
  const packed = readFileSync(join(target, ARCHIVE))
  const beside = JSON.parse(readFileSync(join(target, `${ARCHIVE}.json`), 'utf8'))
  t.equal(beside.archive.sha256, sha(packed))
  const entries = await unpackTar(zstdDecompressSync(packed))
  const inside = JSON.parse(Buffer.from(entries.at(-1)!.data!).toString())
  const { archive: _, ...rest } = beside
  t.strictSame(inside, rest)
  t.strictSame(inside.files.map((file: { path: string, sha256: string }) => [file.path, file.sha256]).toSorted(), Object.entries(FILES).map(([path, text]) => [path, sha(text)]).toSorted())
})

tap.test('archive and manifest are for their owner alone', async t => {
  const { target, ctx } = setup(t)
  await run(ctx)
  for (const name of readdirSync(target)) t.equal(statSync(join(target, name)).mode & 0o777, 0o600, name)
  t.equal(readdirSync(target).length, 2)
})

tap.test('tar and zstd of the machine can read it', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const plain = join(base, 'plain.tar')
  writeFileSync(plain, zstdDecompressSync(readFileSync(join(target, ARCHIVE))))
  const names = execFileSync('tar', ['-tf', plain], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  t.match(names, 'deep/b.bin')
})

tap.test('links, and the target inside the source, are left out and links are named', async t => {
  const { source, ctx } = setup(t)
  const payload = { source, target: join(source, 'backups') }
  symlinkSync('/etc/passwd', join(source, 'link'))
  const result = await run({ ...ctx, payload })
  t.match(result, { files: 5, passed_over: [{ path: 'link', why: 'link' }] })
})

tap.test('what is excluded is not packed', async t => {
  const { ctx } = setup(t, { exclude: ['**/*.bin', 'long/**'] })
  t.match(await run(ctx), { files: 3 })
})

tap.test('a link planted where the archive goes is refused and its target is untouched', async t => {
  const { base, target, ctx } = setup(t)
  mkdirSync(target)
  const precious = join(base, 'precious')
  writeFileSync(precious, 'mine')
  symlinkSync(precious, join(target, ARCHIVE))
  await t.rejects(run(ctx), { name: 'Fatal', message: /not a file/ })
  t.equal(readFileSync(precious, 'utf8'), 'mine')
  t.strictSame(readdirSync(target), [ARCHIVE])
})

tap.test('a link planted where the manifest or the temp goes is replaced, not written through', async t => {
  const { base, target, ctx } = setup(t)
  mkdirSync(target)
  const precious = join(base, 'precious')
  writeFileSync(precious, 'mine')
  symlinkSync(precious, join(target, `${ARCHIVE}.json`))
  symlinkSync(precious, join(target, `.data-20260310T020000Z.${ctx.run_id}.part`))
  await run(ctx)
  t.equal(readFileSync(precious, 'utf8'), 'mine')
  t.ok(lstatSync(join(target, `${ARCHIVE}.json`)).isFile())
})

tap.test('a file that shrinks while it is read is packed, named, and warned of', async t => {
  const { source, ctx } = setup(t)
  const advance = ctx.progress.advance
  ctx.progress.advance = (by, path) => {
    if (path === 'deep/b.bin') truncateSync(join(source, 'deep/b.bin'), 10)
    advance(by, path)
  }
  const answer = await run(ctx)
  t.type(answer, Warned)
  t.match((answer as unknown as Warned).result, { changed: ['deep/b.bin'], files: 5 })
})

tap.test('an archive that the disk has spoilt gets no name', async t => {
  const { target, ctx } = setup(t)
  ctx.progress.setMessage = message => {
    if (message !== 'reading back') return
    const part = join(target, readdirSync(target)[0]!)
    const bytes = readFileSync(part)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(part, bytes)
  }
  await t.rejects(run(ctx), { name: 'ArchiveRefused' })
  t.strictSame(readdirSync(target), [])
})

tap.test('a stop leaves nothing behind', async t => {
  const { target, ctx, stop } = setup(t)
  ctx.progress.advance = () => stop.abort(new Error('stopped'))
  await t.rejects(run(ctx), { message: 'stopped' })
  t.strictSame(readdirSync(target), [])
})

tap.test('the attempt after a crash removes the part the first one left', async t => {
  const { target, ctx } = setup(t)
  mkdirSync(target)
  writeFileSync(join(target, `.data-20260310T020000Z.${ctx.run_id}.part`), 'half an archive')
  await run(ctx)
  t.strictSame(readdirSync(target), [ARCHIVE, `${ARCHIVE}.json`])
})

tap.test('the attempt after a finished one makes no second archive', async t => {
  const { target, ctx } = setup(t)
  await run(ctx)
  const before = statSync(join(target, ARCHIVE)).mtimeMs
  t.match(await run(ctx), { made_by_earlier_attempt: true, archive: ARCHIVE })
  t.equal(statSync(join(target, ARCHIVE)).mtimeMs, before)
  const other = await run({ ...ctx, run_id: '0001a2b3c4e' })
  t.equal(other.archive, 'data-20260310T020000Z-0001a2b3c4e.tar.zst')
})

tap.test('old backups of this name and source go, all else in the folder stays', async t => {
  const { target, ctx } = setup(t, { keep_last: 2, keep_daily: 0, keep_weekly: 0 })
  for (const day of ['01', '02', '03']) await run({ ...ctx, due_at: `2026-03-${day}T02:00:00.000Z` })
  const alien = 'data-20200101T000000Z.tar.zst'
  writeFileSync(join(target, alien), 'not one of ours')
  const stale = join(target, '.data-20260101T020000Z.0000000000a.part')
  writeFileSync(stale, '')
  utimesSync(stale, 1e9, 1e9)
  const { forgotten } = await run(ctx)
  t.strictSame(forgotten, ['data-20260302T020000Z.tar.zst'])
  t.strictSame((await listBackups({ folder: target })).map(({ created_at }) => created_at), ['2026-03-10T02:00:00.000Z', '2026-03-03T02:00:00.000Z'])
  t.ok(existsSync(join(target, alien)))
  t.notOk(existsSync(stale))
})

tap.test('backups of another folder that has the same name are not removed', async t => {
  const { base, target, ctx } = setup(t, { keep_last: 1, keep_daily: 0, keep_weekly: 0 })
  const other = join(base, 'other', 'data')
  mkdirSync(other, { recursive: true })
  await run({ ...ctx, due_at: '2026-03-01T02:00:00.000Z', payload: { source: other, target } })
  t.strictSame((await run(ctx)).forgotten, [])
  t.equal((await listBackups({ folder: target, name: 'data' })).length, 2)
  t.strictSame(await listBackups({ folder: target, name: 'dat' }), [])
})

tap.test('the last of each day and week is kept', async t => {
  const instants = ['2026-03-11T20:00', '2026-03-11T10:00', '2026-03-10T02:00', '2026-03-09T00:00', '2026-03-08T23:00', '2026-03-02T00:00', '2026-02-20T00:00'].map(text => Date.parse(`${text}:00Z`))
  const keep = (ask: object) => [...kept(instants, { last: 0, daily: 0, weekly: 0, ...ask })].map(one => instants.indexOf(one))
  t.strictSame(keep({}), [0])
  t.strictSame(keep({ last: 2 }), [0, 1])
  t.strictSame(keep({ daily: 3 }), [0, 2, 3])
  t.strictSame(keep({ weekly: 3 }), [0, 4, 6], 'a week begins on Monday')
})

tap.test('without a source the run is skipped; with one that is missing, or the target itself, it fails', async t => {
  await t.rejects(run(fakeContext('backup_data').ctx), { name: 'Skip', message: /tasks\.backup_data\.payload\.source/ })
  const { source, ctx } = setup(t)
  await t.rejects(run({ ...ctx, payload: { source: `${source}-missing`, target: `${source}/../b` } }), { name: 'Fatal', message: /payload\.source/ })
  await t.rejects(run({ ...ctx, payload: { source, target: source } }), { name: 'Fatal', message: /payload\.target/ })
})

tap.test('a restore replaces nothing unless it is told to', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const into = join(base, 'back')
  mkdirSync(join(into, 'deep'), { recursive: true })
  writeFileSync(join(into, 'deep/b.bin'), 'newer')
  const ask = { archive: join(target, ARCHIVE), into }
  await t.rejects(restore(ask), { message: /already there/ })
  t.strictSame(readdirSync(into), ['deep'])
  await restore({ ...ask, existing: 'replace' })
  t.equal(readFileSync(join(into, 'deep/b.bin'), 'utf8'), FILES['deep/b.bin'])
})

tap.test('a restore can take a part', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const into = join(base, 'back')
  t.match(await restore({ archive: join(target, ARCHIVE), into, only: ['deep', '*.txt'] }), { files: 3 })
  t.strictSame(readdirSync(into).toSorted(), ['a.txt', 'deep', 'empty.txt'])
})

tap.test('a restore does not go through a link in the folder it unpacks to', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const into = join(base, 'back')
  const outside = join(base, 'outside')
  mkdirSync(into)
  mkdirSync(outside)
  symlinkSync(outside, join(into, 'deep'))
  await t.rejects(restore({ archive: join(target, ARCHIVE), into, existing: 'replace' }))
  t.strictSame(readdirSync(outside), [])
})

tap.test('a flipped or missing byte anywhere is noticed before anything is written', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const whole = readFileSync(join(target, ARCHIVE))
  const into = join(base, 'back')
  const broken = join(base, 'broken.tar.zst')
  for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 40)) {
    const bytes = Buffer.from(whole)
    bytes[at] = bytes[at]! ^ 0xff
    writeFileSync(broken, bytes)
    await t.rejects(restore({ archive: broken, into }), { name: 'ArchiveRefused' }, `byte ${at} flipped`)
    writeFileSync(broken, whole.subarray(0, at))
    await t.rejects(restore({ archive: broken, into }), { name: 'ArchiveRefused' }, `cut at ${at}`)
  }
  t.notOk(existsSync(into))
})

async function forge (path: string, entries: TarEntry[]) {
  const files = entries.filter(({ header }) => header.type !== 'directory').map(({ header, body }) => ({ path: header.name, size: header.size, mode: 0o644, mtime: new Date(0).toISOString(), sha256: sha(body as string | undefined ?? '') }))
  const manifest = JSON.stringify({ format: 'offpeak-backup-1', name: 'x', source: '/x', run_id: 'x', created_at: new Date(0).toISOString(), bytes: 0, files, folders: [], passed_over: [] })
  writeFileSync(path, zstdCompressSync(await packTar([...entries, { header: { name: '.offpeak-manifest.json', size: Buffer.byteLength(manifest) }, body: manifest }])))
}

tap.test('an archive that leads out of its folder, or holds links, is refused whole', async t => {
  const base = t.testdir({ in: {} })
  const archive = join(base, 'evil.tar.zst')
  const evil: TarEntry[] = [
    { header: { name: '../out', size: 1 }, body: 'x' },
    { header: { name: '/abs', size: 1 }, body: 'x' },
    { header: { name: 'a/../../out', size: 1 }, body: 'x' },
    { header: { name: './out', size: 1 }, body: 'x' },
    { header: { name: '../dir/', size: 0, type: 'directory' } },
    { header: { name: 'link', size: 0, type: 'symlink', linkname: '/etc/passwd' } },
    { header: { name: 'hard', size: 0, type: 'link', linkname: 'a.txt' } },
    { header: { name: 'pipe', size: 0, type: 'fifo' } }
  ]
  for (const entry of evil) {
    await forge(archive, [{ header: { name: 'a.txt', size: 1 }, body: 'a' }, entry])
    await t.rejects(restore({ archive, into: join(base, 'in') }), { name: 'ArchiveRefused' }, entry.header.name)
  }
  t.strictSame([readdirSync(base).toSorted(), readdirSync(join(base, 'in'))], [['evil.tar.zst', 'in'], []])
})

tap.test('an archive that grows past the caps is refused', async t => {
  const base = t.testdir()
  const archive = join(base, 'bomb.tar.zst')
  await forge(archive, [{ header: { name: 'zeros', size: 80_000_000 }, body: '0'.repeat(80_000_000) }])
  const ask = { archive, into: join(base, 'in') }
  await t.rejects(restore(ask), { message: /grows more than 1000 times/ })
  await t.rejects(restore({ ...ask, caps: { maxRatio: 1e9, maxBytes: 70_000_000 } }), { message: /larger than/ })
  t.match(await restore({ ...ask, caps: { maxRatio: 1e9 } }), { files: 1 })
})

tap.test('the restore task says what it needs and does what restore does', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const task = RESTORE[0]!
  await t.rejects(async () => task.func(fakeContext('restore_backup').ctx), { name: 'Fatal', message: /payload\.archive/ })
  const into = join(base, 'back')
  const payload = { archive: join(target, ARCHIVE), into }
  t.match(await task.func(fakeContext('restore_backup', payload).ctx), { files: 5, of: '2026-03-10T02:00:00.000Z' })
  await t.rejects(async () => task.func(fakeContext('restore_backup', payload).ctx), { name: 'Fatal', message: /already there/ })
})
