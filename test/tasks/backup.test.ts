import { execFileSync } from '../child.ts'
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync,
  truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { unpackTar } from 'modern-tar'
import tap from 'tap'
import { kept } from '../../backgroundtask/_backup/backups.ts'
import { listBackups, restore } from '../../backgroundtask/backup_data.ts'
import { Warned } from '../../core/model/run/outcome.ts'
import { fakeContext } from './context.ts'
import { ARCHIVE, FILES, run, setup, sha } from './data.ts'

tap.test('a restored folder equals the source byte for byte', async t => {
  const { base, target, ctx, recorded } = setup(t)
  const result = await run(ctx)
  const bytes = Object.values(FILES).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  t.match(result, { archive: ARCHIVE, files: 5, bytes, made_by_earlier_attempt: false })
  t.match(recorded.progress, { current: bytes, total: bytes, unit: 'bytes' })
  const into = join(base, 'back')
  t.match(await restore({ archive: join(target, ARCHIVE), into }), { files: 5, bytes })
  for (const [name, text] of Object.entries(FILES)) t.equal(readFileSync(join(into, name), 'utf8'), text, name)
  t.ok(statSync(join(into, 'void')).isDirectory())
})

tap.test('the manifest is in the archive and beside it, with the hash of each file', async t => {
  const { target, ctx } = setup(t)
  await run(ctx)
  const packed = readFileSync(join(target, ARCHIVE))
  const beside = JSON.parse(readFileSync(join(target, `${ARCHIVE}.json`), 'utf8'))
  t.equal(beside.archive.sha256, sha(packed))
  const entries = await unpackTar(zstdDecompressSync(packed))
  const inside = JSON.parse(Buffer.from(entries.at(-1)!.data!).toString())
  const { archive: _, ...rest } = beside
  t.strictSame(inside, rest)
  t.strictSame(inside.files.map((file: { path: string, sha256: string }) => [file.path, file.sha256]).toSorted(),
    Object.entries(FILES).map(([path, text]) => [path, sha(text)]).toSorted())
})

tap.test('only the owner can read archive and manifest [S45]', async t => {
  const { target, ctx } = setup(t)
  await run(ctx)
  for (const name of readdirSync(target)) t.equal(statSync(join(target, name)).mode & 0o777, 0o600, name)
  t.equal(readdirSync(target).length, 2)
})

tap.test('the tar and zstd of the system can read an archive', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const plain = join(base, 'plain.tar')
  writeFileSync(plain, zstdDecompressSync(readFileSync(join(target, ARCHIVE))))
  const names = execFileSync('tar', ['-tf', plain], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  t.match(names, 'deep/b.bin')
})

tap.test('a target inside the source is left out, and a link is archived as a link', async t => {
  const { source, ctx } = setup(t)
  const payload = { source, target: join(source, 'backups') }
  symlinkSync('/etc/passwd', join(source, 'link'))
  t.match(await run({ ...ctx, payload }), { files: 5, passed_over: [] })
  const back = await restore({ archive: join(source, 'backups', ARCHIVE), into: join(source, '..', 'back') })
  t.equal(back.links, 1)
  t.equal(readlinkSync(join(source, '..', 'back', 'link')), '/etc/passwd')
})

tap.test('excluded paths are not archived', async t => {
  const { ctx } = setup(t, { exclude: ['**/*.bin', 'long/**'] })
  t.match(await run(ctx), { files: 3 })
})

tap.test('a link with the name of the archive is refused, and its target is not changed [S26]', async t => {
  const { base, target, ctx } = setup(t)
  mkdirSync(target)
  const precious = join(base, 'precious')
  writeFileSync(precious, 'mine')
  symlinkSync(precious, join(target, ARCHIVE))
  await t.rejects(run(ctx), { name: 'Fatal', message: /not a file/ })
  t.equal(readFileSync(precious, 'utf8'), 'mine')
  t.strictSame(readdirSync(target), [ARCHIVE])
})

tap.test('a link named like the manifest or the temporary file is replaced, and its target is not changed', async t => {
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

tap.test('a file that shrinks while it is read is archived, and the run ends with a warning', async t => {
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

tap.test('an archive that was damaged on disk is removed [S26]', async t => {
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

tap.test('a stop leaves no file behind', async t => {
  const { target, ctx, stop } = setup(t)
  ctx.progress.advance = () => stop.abort(new Error('stopped'))
  await t.rejects(run(ctx), { message: 'stopped' })
  t.strictSame(readdirSync(target), [])
})

tap.test('the attempt after a crash removes the unfinished archive [F12, S26]', async t => {
  const { target, ctx } = setup(t)
  mkdirSync(target)
  writeFileSync(join(target, `.data-20260310T020000Z.${ctx.run_id}.part`), 'half an archive')
  await run(ctx)
  t.strictSame(readdirSync(target), [ARCHIVE, `${ARCHIVE}.json`])
})

tap.test('an attempt makes no second archive if an earlier one has finished it', async t => {
  const { target, ctx } = setup(t)
  await run(ctx)
  const before = statSync(join(target, ARCHIVE)).mtimeMs
  t.match(await run(ctx), { made_by_earlier_attempt: true, archive: ARCHIVE })
  t.equal(statSync(join(target, ARCHIVE)).mtimeMs, before)
  const other = await run({ ...ctx, run_id: '0001a2b3c4e' })
  t.equal(other.archive, 'data-20260310T020000Z-0001a2b3c4e.tar.zst')
})

tap.test('old backups with this name and source are removed, other files stay', async t => {
  const { target, ctx } = setup(t, { keep_last: 2, keep_daily: 0, keep_weekly: 0 })
  for (const day of ['01', '02', '03']) await run({ ...ctx, due_at: `2026-03-${day}T02:00:00.000Z` })
  const alien = 'data-20200101T000000Z.tar.zst'
  writeFileSync(join(target, alien), 'not one of ours')
  const stale = join(target, '.data-20260101T020000Z.0000000000a.part')
  writeFileSync(stale, '')
  utimesSync(stale, 1e9, 1e9)
  const { forgotten } = await run(ctx)
  t.strictSame(forgotten, ['data-20260302T020000Z.tar.zst'])
  t.strictSame((await listBackups({ folder: target })).map(({ created_at }) => created_at), ['2026-03-10T02:00:00.000Z',
    '2026-03-03T02:00:00.000Z'])
  t.ok(existsSync(join(target, alien)))
  t.notOk(existsSync(stale))
})

const KEEP_ONE = { keep_last: 1, keep_daily: 1, keep_weekly: 1 }

tap.test('backups of a wrong clock do not displace current ones, and the new one is never removed', async t => {
  const { target, ctx } = setup(t, KEEP_ONE)
  const forgotten: string[] = []
  for (const day of ['2099-01-01', '2099-02-01', '2026-03-01', '2026-03-02', '1970-01-01']) {
    const result = await run({ ...ctx, run_id: `0001a2b3${day.slice(-2)}`, due_at: `${day}T02:00:00.000Z` })
    t.notOk(result.forgotten.includes(result.archive), day)
    forgotten.push(...result.forgotten)
  }
  t.same(forgotten, ['data-20990101T020000Z.tar.zst', 'data-20260301T020000Z.tar.zst'])
  t.same((await listBackups({ folder: target })).map(({ created_at }) => created_at.slice(0, 10)), ['2099-02-01',
    '2026-03-02', '1970-01-01'])
})

tap.test('a truncated archive does not replace a complete one', async t => {
  const { target, ctx } = setup(t, { keep_last: 2, keep_daily: 0, keep_weekly: 0 })
  const made = async (day: string) =>
    await run({ ...ctx, run_id: `0001a2b3c${day}`, due_at: `2026-03-${day}T02:00:00.000Z` })
  const { archive: whole } = await made('01')
  truncateSync(join(target, (await made('02')).archive), 100)
  t.same((await made('03')).forgotten, [])
  t.ok(existsSync(join(target, whole)))
  t.same((await listBackups({ folder: target })).map(({ partial }) => partial), [false, true, false])
})

tap.test('two simultaneous backups make two archives, each with its own manifest', async t => {
  const { target, ctx } = setup(t)
  const runs = ['0001a2b3c4d', '0001a2b3c4e']
  const results = await Promise.all(runs.map(run_id => run({ ...ctx, run_id })))
  t.not(results[0]!.archive, results[1]!.archive)
  for (const [index, { archive }] of results.entries()) {
    const manifest = JSON.parse(readFileSync(join(target, `${archive}.json`), 'utf8')) as { run_id: string,
      archive: { sha256: string, file: string } }
    t.match(manifest, {
      run_id: runs[index]!,
      archive: { file: archive, sha256: sha(readFileSync(join(target, archive))) }
    })
  }
  t.equal(readdirSync(target).length, 4)
})

tap.test('a manifest of another run without an archive is not changed', async t => {
  const { target, ctx } = setup(t)
  const { archive } = await run(ctx)
  rmSync(join(target, archive))
  const theirs = readFileSync(join(target, `${archive}.json`), 'utf8')
  t.equal((await run({ ...ctx, run_id: '0001a2b3c4e' })).archive, 'data-20260310T020000Z-0001a2b3c4e.tar.zst')
  t.equal(readFileSync(join(target, `${archive}.json`), 'utf8'), theirs)
  t.equal((await run(ctx)).archive, archive, 'it makes its own again')
})

tap.test('backups of another source with the same name are not removed', async t => {
  const { base, target, ctx } = setup(t, { keep_last: 1, keep_daily: 0, keep_weekly: 0 })
  const other = join(base, 'other', 'data')
  mkdirSync(other, { recursive: true })
  await run({ ...ctx, due_at: '2026-03-01T02:00:00.000Z', payload: { source: other, target } })
  t.strictSame((await run(ctx)).forgotten, [])
  t.equal((await listBackups({ folder: target, name: 'data' })).length, 2)
  t.strictSame(await listBackups({ folder: target, name: 'dat' }), [])
})

tap.test('the last backup of each day and week is kept', async t => {
  const instants = ['2026-03-11T20:00', '2026-03-11T10:00', '2026-03-10T02:00', '2026-03-09T00:00', '2026-03-08T23:00',
    '2026-03-02T00:00', '2026-02-20T00:00'].map(text => Date.parse(`${text}:00Z`))
  const keep = (ask: object) =>
    [...kept(instants, { last: 0, daily: 0, weekly: 0, ...ask })].map(one => instants.indexOf(one))
  t.strictSame(keep({}), [0])
  t.strictSame(keep({ last: 2 }), [0, 1])
  t.strictSame(keep({ daily: 3 }), [0, 2, 3])
  t.strictSame(keep({ weekly: 3 }), [0, 4, 6], 'a week begins on Monday')
})

tap.test('a run without a source is skipped; one with a missing source, or the source as target, fails', async t => {
  await t.rejects(run(fakeContext('backup_data').ctx), {
    name: 'Skip',
    message: /builtin\.backup_data\.payload\.source/
  })
  const { source, ctx } = setup(t)
  await t.rejects(run({ ...ctx, payload: { source: `${source}-missing`, target: `${source}/../b` } }), {
    name: 'Fatal',
    message: /payload\.source/
  })
  await t.rejects(run({ ...ctx, payload: { source, target: source } }), { name: 'Fatal', message: /payload\.target/ })
})
