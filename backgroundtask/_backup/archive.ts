import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import { createTarPacker } from 'modern-tar'
import type { TarPackController } from 'modern-tar'
import type { Folder, Identity } from '../_files/folder.ts'
import { sameFile } from '../_files/folder.ts'
import type { Excluded } from '../_files/match.ts'
import { codeOf } from '../_task/settings.ts'
import { walk } from '../_files/walk.ts'
import type { Found } from '../_files/walk.ts'

export const FORMAT = 'offpeak-backup-1'
/** The last entry of an archive: what is in it. */
export const MANIFEST = '.offpeak-manifest.json'
const CHUNK = 256 * 1024

/** One file of an archive. `changed`: it was written to while it was read, so what is kept may be half old, half new. */
export interface PackedFile { path: string, size: number, mode: number, mtime: string, sha256: string, changed?: true }

/** What is in an archive. Times are ISO instants, paths are relative with `/`. */
export interface Manifest {
  format: typeof FORMAT
  name: string
  source: string
  run_id: string
  created_at: string
  bytes: number
  files: PackedFile[]
  folders: string[]
  passed_over: { path: string, why: string }[]
}

/** A manifest as it lies beside its archive. */
export interface SideManifest extends Manifest { archive: { file: string, bytes: number, sha256: string } }

export interface PackAsk {
  source: Folder
  out: FileHandle
  about: Pick<Manifest, 'name' | 'source' | 'run_id' | 'created_at'>
  excluded: Excluded
  /** Folders that are left out: the one the archive is written to. */
  except: Identity[]
  level: number
  signal: AbortSignal
  breathe: () => Promise<void>
  /** Told the bytes that were read. */
  onBytes: (bytes: number, path: string) => void
}

type Choice = Pick<PackAsk, 'source' | 'excluded' | 'except' | 'breathe'>

async function * choose ({ source, excluded, except, breathe }: Choice): AsyncGenerator<Found> {
  for await (const found of walk(source, { breathe, except, excluded })) {
    if (found.path !== MANIFEST) yield found
  }
}

/** The files and bytes that an archive of the folder would hold. */
export async function measure (choice: Choice): Promise<{ files: number, bytes: number }> {
  const sum = { files: 0, bytes: 0 }
  for await (const found of choose(choice)) {
    if (found.kind !== 'file') continue
    sum.files++
    sum.bytes += found.stat.size
  }
  return sum
}

async function packFile (tar: TarPackController, { handle, path, ask }: { handle: FileHandle, path: string, ask: PackAsk }): Promise<PackedFile> {
  const before = await handle.stat()
  const mtime = new Date(Math.max(0, before.mtimeMs))
  const mode = before.mode & 0o777
  const entry = tar.add({ name: path, size: before.size, mode, mtime, type: 'file' }).getWriter()
  const hash = createHash('sha256')
  let short = false
  for (let at = 0; at < before.size;) {
    await ask.breathe()
    const chunk = new Uint8Array(Math.min(CHUNK, before.size - at))
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
    // The header has promised a size: what a shrunken file lacks is filled with zeros, and said.
    if (bytesRead === 0) short = true
    const piece = bytesRead === 0 ? chunk : chunk.subarray(0, bytesRead)
    hash.update(piece)
    await entry.write(piece)
    at += piece.length
    ask.onBytes(piece.length, path)
  }
  await entry.close()
  const after = await handle.stat()
  const packed: PackedFile = { path, size: before.size, mode, mtime: mtime.toISOString(), sha256: hash.digest('hex') }
  return short || after.size !== before.size || after.mtimeMs !== before.mtimeMs ? { ...packed, changed: true } : packed
}

async function packOne (tar: TarPackController, found: Found, { ask, manifest }: { ask: PackAsk, manifest: Manifest }): Promise<void> {
  const { path } = found
  const passOver = (why: string) => { manifest.passed_over.push({ path, why }) }
  if (found.kind === 'unread') return passOver(found.code)
  if (found.kind === 'link' || found.kind === 'special') return passOver(found.kind)
  if (found.kind === 'folder') {
    manifest.folders.push(path)
    return tar.add({ name: `${path}/`, size: 0, mode: found.stat.mode & 0o777, mtime: new Date(Math.max(0, found.stat.mtimeMs)), type: 'directory' }).close()
  }
  const handle = await found.folder.read(found.name).catch((error: unknown) => codeOf(error))
  if (typeof handle === 'string') return passOver(handle)
  try {
    if (!sameFile(await handle.stat(), found.stat)) return passOver('replaced')
    const packed = await packFile(tar, { handle, path, ask })
    manifest.files.push(packed)
    manifest.bytes += packed.size
  } finally {
    await handle.close()
  }
}

async function fill (tar: TarPackController, ask: PackAsk): Promise<Manifest> {
  const manifest: Manifest = { format: FORMAT, ...ask.about, bytes: 0, files: [], folders: [], passed_over: [] }
  for await (const found of choose(ask)) await packOne(tar, found, { ask, manifest })
  const body = Buffer.from(JSON.stringify(manifest))
  const entry = tar.add({ name: MANIFEST, size: body.length, mode: 0o600, mtime: new Date(manifest.created_at), type: 'file' }).getWriter()
  await entry.write(new Uint8Array(body))
  await entry.close()
  tar.finalize()
  return manifest
}

/** Writes what comes into an open file, counting and hashing it. */
function writer (out: FileHandle) {
  const hash = createHash('sha256')
  const sum = { bytes: 0 }
  const take = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      hash.update(chunk)
      sum.bytes += chunk.length
      await out.writeFile(chunk)
    }
  }
  return { take, answer: () => ({ bytes: sum.bytes, sha256: hash.digest('hex') }) }
}

/** Writes a folder as tar through zstd into an open file, with the hash of each file in a manifest at its end. Links
 *  and what cannot be read are passed over and named. */
export async function pack (ask: PackAsk): Promise<{ manifest: Manifest, bytes: number, sha256: string }> {
  const { readable, controller } = createTarPacker()
  const { take, answer } = writer(ask.out)
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: ask.level, [constants.ZSTD_c_checksumFlag]: 1 } })
  const written = pipeline(Readable.fromWeb(readable), zstd, take, { signal: ask.signal }).then(() => null, (error: unknown) => ({ error }))
  const filled = await fill(controller, ask).catch((error: unknown) => {
    controller.error(error)
    return { error }
  })
  const failed = await written
  ask.signal.throwIfAborted()
  if ('error' in filled) throw failed === null || codeOf(failed.error) === '' ? filled.error : failed.error
  if (failed !== null) throw failed.error
  return { manifest: filled, ...answer() }
}
