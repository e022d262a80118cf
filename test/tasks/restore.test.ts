import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import type { TarEntry } from 'modern-tar'
import tap from 'tap'
import { restore } from '../../backgroundtask/backup_data.ts'
import { TASK_DEFINITIONS as RESTORE } from '../../backgroundtask/restore_backup.ts'
import { fakeContext } from './context.ts'
import { ARCHIVE, FILES, run, setup, sha } from './data.ts'

tap.test('a restore replaces existing files only with existing: replace', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const into = join(base, 'back')
  mkdirSync(join(into, 'deep'), { recursive: true })
  writeFileSync(join(into, 'deep/b.bin'), 'newer')
  const ask = { archive: join(target, ARCHIVE), into }
  await t.rejects(restore(ask), { message: /exists; nothing was restored/ })
  t.strictSame(readdirSync(into), ['deep'])
  await restore({ ...ask, existing: 'replace' })
  t.equal(readFileSync(join(into, 'deep/b.bin'), 'utf8'), FILES['deep/b.bin'])
})

tap.test('a restore can select entries', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const into = join(base, 'back')
  t.match(await restore({ archive: join(target, ARCHIVE), into, only: ['deep', '*.txt'] }), { files: 3 })
  t.strictSame(readdirSync(into).toSorted(), ['a.txt', 'deep', 'empty.txt'])
})

tap.test('a restore does not follow links in the target folder', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const into = join(base, 'back')
  const outside = join(base, 'outside')
  mkdirSync(into)
  mkdirSync(outside)
  symlinkSync(outside, join(into, 'deep'))
  t.match(await restore({ archive: join(target, ARCHIVE), into, existing: 'replace' }), {
    files: 4,
    troubles: [/^deep\/b\.bin: /, /^deep: /]
  })
  t.strictSame(readdirSync(outside), [])
})

tap.test('a changed or missing byte is detected before any file is written, unless it is padding', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const whole = readFileSync(join(target, ARCHIVE))
  const into = join(base, 'back')
  const broken = join(base, 'broken.tar.zst')
  const harmless: number[] = []
  const survives = async (at: number, bytes: Uint8Array, what: string) => {
    writeFileSync(broken, bytes)
    const error = await restore({ archive: broken, into }).then(() => null, (refused: Error) => refused)
    if (error !== null) {
      t.match({ name: error.name, written: existsSync(into) }, { name: 'ArchiveRefused', written: false },
        `${what} at ${at}`)
      return
    }
    harmless.push(at)
    for (const [name, text] of Object.entries(FILES)) {
      t.equal(readFileSync(join(into, name), 'utf8'), text, `${what} at ${at}, ${name}`)
    }
    rmSync(into, { recursive: true })
  }
  for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 40)) {
    await survives(at, whole.map((byte, place) => place === at ? byte ^ 0xff : byte), 'flipped')
    await survives(at, whole.subarray(0, at), 'cut')
  }
  // The last frames contain only the zeros at the end of a tar.
  t.ok(harmless.every(at => at > whole.length - 150), `harmless at ${harmless.join(', ')} of ${whole.length}`)
})

async function forge (path: string, entries: TarEntry[]) {
  const files = entries.filter(({ header }) => header.type !== 'directory').map(({ header, body }) => ({
    path: header.name,
    size: header.size,
    mode: 0o644,
    mtime: new Date(0).toISOString(),
    sha256: sha(body as string | undefined ?? '')
  }))
  const manifest = JSON.stringify({
    format: 'offpeak-backup-1',
    name: 'x',
    source: '/x',
    run_id: 'x',
    created_at: new Date(0).toISOString(),
    bytes: 0,
    files,
    folders: [],
    passed_over: []
  })
  writeFileSync(path, zstdCompressSync(
    await packTar([...entries, {
      header: { name: '.offpeak-manifest.json', size: Buffer.byteLength(manifest) },
      body: manifest
    }])
  ))
}

tap.test('an archive that leads out of its folder, or contains unlisted links, is refused [S27]', async t => {
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

tap.test('an archive that expands beyond the limits is refused [S27]', async t => {
  const base = t.testdir()
  const archive = join(base, 'bomb.tar.zst')
  await forge(archive, [{ header: { name: 'zeros', size: 80_000_000 }, body: '0'.repeat(80_000_000) }])
  const ask = { archive, into: join(base, 'in') }
  await t.rejects(restore(ask), { message: /expands more than 1000 times/ })
  await t.rejects(restore({ ...ask, caps: { maxRatio: 1e9, maxBytes: 70_000_000 } }), { message: /larger than/ })
  t.match(await restore({ ...ask, caps: { maxRatio: 1e9 } }), { files: 1 })
})

tap.test('the restore task names missing settings, and restores an archive', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const task = RESTORE[0]!
  await t.rejects(async () => task.func(fakeContext('restore_backup').ctx), {
    name: 'Fatal',
    message: /payload\.archive/
  })
  const into = join(base, 'back')
  const payload = { archive: join(target, ARCHIVE), into }
  t.match(await task.func(fakeContext('restore_backup', payload).ctx), { files: 5, of: '2026-03-10T02:00:00.000Z' })
  await t.rejects(async () => task.func(fakeContext('restore_backup', payload).ctx), {
    name: 'Fatal',
    message: /exists; nothing was restored/
  })
})

tap.test('a file that appears during a restore is not replaced, except with existing: replace', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  for (const existing of ['refuse', 'replace'] as const) {
    const into = join(base, existing)
    // Called while the first file is written, after the check for existing files.
    const onBytes = (_bytes: number, path: string) => {
      if (path === 'a.txt') writeFileSync(join(into, 'a.txt'), 'of another')
    }
    const { files, troubles } = await restore({ archive: join(target, ARCHIVE), into, existing, onBytes })
    t.same([files, troubles], existing === 'refuse' ? [4, ['a.txt: the name exists, and is not replaced']] : [5, []])
    t.equal(readFileSync(join(into, 'a.txt'), 'utf8'), existing === 'refuse' ? 'of another' : 'alpha')
  }
})
