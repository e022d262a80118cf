import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import type { Folder, Identity } from '../_files/folder.ts'
import { sameFile } from '../_files/folder.ts'
import type { Excluded } from '../_files/match.ts'
import { shown } from '../_files/names.ts'
import { codeOf, messageOf } from '../_task/settings.ts'
import { walk } from '../_files/walk.ts'
import type { Found } from '../_files/walk.ts'
import { FORMAT, MANIFEST } from './manifest.ts'
import type { Manifest, PackedFile } from './manifest.ts'
import { END, headerOf, padding } from './tar.ts'
import type { Header } from './tar.ts'

const CHUNK = 256 * 1024
/** After this many unreadable chunks, the rest of a file is filled with zeros. */
const MOST_BAD = 16

interface PackAsk {
  source: Folder
  out: FileHandle
  about: Pick<Manifest, 'name' | 'source' | 'run_id' | 'created_at'>
  excluded: Excluded
  /** Folders that are left out, such as the one with the archives. */
  except: Identity[]
  level: number
  signal: AbortSignal
  breathe: () => Promise<void>
  /** Called with the number of bytes that were read. */
  onBytes: (bytes: number, path: string) => void
}

type Choice = Pick<PackAsk, 'source' | 'excluded' | 'except' | 'breathe'>

const choose = ({ source, excluded, except, breathe }: Choice) => walk(source, { breathe, except, excluded })

/** The number of files and bytes that an archive of the folder would contain. */
export async function measure (choice: Choice): Promise<{ files: number, bytes: number }> {
  const sum = { files: 0, bytes: 0 }
  for await (const found of choose(choice)) {
    if (found.kind !== 'file') continue
    sum.files++
    sum.bytes += found.stat.size
  }
  return sum
}

/** An instant in ISO 8601, with up to nine digits of a second. Instants beyond the range of Temporal become its
 *  ends. */
function isoOf (ns: bigint): string {
  const most = 8_640_000_000_000_000_000_000n
  return new Temporal.Instant(ns > most ? most : ns < -most ? -most : ns).toString()
}

interface Job {
  ask: PackAsk
  manifest: Manifest
  /** The first path of each file with several names, by device and inode. */
  first: Map<string, string>
}

const metaOf = (stat: BigIntStats): Pick<Header, 'mode' | 'uid' | 'gid' | 'mtime'> => ({
  mode: Number(stat.mode) & 0o7777,
  uid: Number(stat.uid),
  gid: Number(stat.gid),
  mtime: stat.mtimeNs
})

async function readAt (
  handle: FileHandle,
  { at, size }: { at: number, size: number }
): Promise<Buffer | { bad: string }> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, size - at))
  try {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
    return chunk.subarray(0, bytesRead)
  } catch (error) {
    return { bad: codeOf(error) || messageOf(error) }
  }
}

interface FileAsk {
  handle: FileHandle
  path: string
  before: BigIntStats
  ask: PackAsk
}
type Read = Pick<PackedFile, 'changed' | 'damaged'> & { sha256: string }

/** Yields exactly as many bytes as the header of a file says. Missing and unreadable ones are zeros, which the result
 *  reports. */
async function* contentOf (
  { handle, path, before, ask }: FileAsk,
  start: Buffer | { bad: string }
): AsyncGenerator<Buffer, Read> {
  const size = Number(before.size)
  const hash = createHash('sha256')
  const state = { bad: 0, damaged: '', short: false }
  for (let at = 0; at < size;) {
    await ask.breathe()
    const wanted = Math.min(CHUNK, size - at)
    const got = at === 0 ? start : state.bad < MOST_BAD ? await readAt(handle, { at, size }) : { bad: state.damaged }
    if ('bad' in got) {
      state.bad++
      state.damaged = got.bad
    } else if (got.length === 0) state.short = true
    const piece = 'bad' in got || got.length === 0 ? Buffer.alloc(wanted) : got
    hash.update(piece)
    yield piece
    at += piece.length
    ask.onBytes(piece.length, shown(path))
  }
  const after = await handle.stat({ bigint: true }).catch(() => before)
  const changed = state.short || after.size !== before.size || after.mtimeNs !== before.mtimeNs
  return {
    sha256: hash.digest('hex'),
    ...(changed ? { changed: true } : {}),
    ...(state.bad > 0 ? { damaged: state.damaged } : {})
  }
}

async function* packFile (file: FileAsk, { manifest, first }: Job): AsyncGenerator<Buffer> {
  const { path, before, handle } = file
  const size = Number(before.size)
  const key = `${before.dev}:${before.ino}`
  const other = before.nlink > 1n ? first.get(key) : undefined
  if (other !== undefined) {
    manifest.hard_links!.push({ path, to: other })
    yield headerOf({ path, kind: 'hard', size: 0, ...metaOf(before), to: other })
    file.ask.onBytes(size, shown(path))
    return
  }
  const start = size === 0 ? Buffer.alloc(0) : await readAt(handle, { at: 0, size })
  // Nothing of a file that fits into one read can be kept.
  if ('bad' in start && (size <= CHUNK || start.bad !== 'EIO')) {
    return void manifest.passed_over.push({ path, why: start.bad })
  }
  yield headerOf({ path, kind: 'file', size, ...metaOf(before) })
  const read = yield* contentOf(file, start)
  yield padding(size)
  const allocated = Number(before.blocks) * 512
  manifest.files.push({
    path,
    size,
    mode: Number(before.mode) & 0o7777,
    mtime: isoOf(before.mtimeNs),
    ...read,
    ...(allocated < size ? { allocated } : {})
  })
  manifest.bytes += size
  if (before.nlink > 1n) first.set(key, path)
}

async function* packOne (found: Found, job: Job): AsyncGenerator<Buffer> {
  const { path } = found
  const { ask, manifest } = job
  const passOver = (why: string) => void manifest.passed_over.push({ path, why })
  if (path === MANIFEST) return passOver('the name of the manifest')
  if (found.kind === 'unread') return passOver(found.code)
  if (found.kind === 'special') return passOver('special')
  if (found.kind === 'file') {
    const handle = await found.folder.read(found.name).catch((error: unknown) => codeOf(error) || messageOf(error))
    if (typeof handle === 'string') return passOver(handle)
    try {
      const before = await handle.stat({ bigint: true })
      if (!sameFile({ dev: Number(before.dev), ino: Number(before.ino) }, found.stat) || !before.isFile()) {
        return passOver('replaced')
      }
      return yield* packFile({ handle, path, before, ask }, job)
    } finally {
      await handle.close()
    }
  }
  const stat = await found.folder.exactStat(found.name).catch((error: unknown) => codeOf(error) || messageOf(error))
  if (stat === null || typeof stat === 'string') return passOver(stat ?? 'ENOENT')
  if (found.kind === 'folder') {
    manifest.folders.push(path)
    return yield headerOf({ path, kind: 'folder', size: 0, ...metaOf(stat) })
  }
  const to = await found.folder.readLink(found.name).catch((error: unknown) => ({
    code: codeOf(error) || messageOf(error)
  }))
  if (typeof to === 'object') return passOver(to.code)
  manifest.links!.push({ path, to })
  yield headerOf({ path, kind: 'link', size: 0, ...metaOf(stat), to })
}

async function* tarOf (job: Job): AsyncGenerator<Buffer> {
  const { ask, manifest } = job
  for await (const found of choose(ask)) yield* packOne(found, job)
  const body = Buffer.from(JSON.stringify(manifest))
  const mtime = BigInt(Date.parse(manifest.created_at)) * 1_000_000n
  yield headerOf({ path: MANIFEST, kind: 'file', size: body.length, mode: 0o600, uid: 0, gid: 0, mtime })
  yield body
  yield padding(body.length)
  yield END
}

/** Joins small pieces to chunks, and counts the bytes. */
async function* joined (source: AsyncIterable<Buffer>, sum: { bytes: number }): AsyncGenerator<Buffer> {
  let [pieces, length] = [[] as Buffer[], 0]
  for await (const piece of source) {
    sum.bytes += piece.length
    pieces.push(piece)
    length += piece.length
    if (length < CHUNK) continue
    yield Buffer.concat(pieces)
    pieces = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(pieces)
}

/** Writes a stream to an open file; `answer` returns its size and hash. */
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

/** Writes a folder as a tar archive, compressed with zstd, to an open file. Its last entry is the manifest with the
 *  hash of each file. Entries that cannot be read or are neither file, folder nor link are listed in `passed_over`. */
export async function pack (
  ask: PackAsk
): Promise<{ manifest: Manifest, bytes: number, sha256: string, unpacked: number }> {
  const stat = await ask.source.handle.stat({ bigint: true })
  const manifest: Manifest = {
    format: FORMAT,
    ...ask.about,
    bytes: 0,
    files: [],
    folders: [],
    links: [],
    hard_links: [],
    root: { mode: Number(stat.mode) & 0o7777, mtime: isoOf(stat.mtimeNs) },
    passed_over: []
  }
  const { take, answer } = writer(ask.out)
  const sum = { bytes: 0 }
  const zstd = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: ask.level, [constants.ZSTD_c_checksumFlag]: 1 }
  })
  const tar = tarOf({ ask, manifest, first: new Map() })
  await pipeline(Readable.from(joined(tar, sum), { objectMode: false }), zstd, take, { signal: ask.signal }).catch(
    (error: unknown) => {
      ask.signal.throwIfAborted()
      throw error
    }
  )
  return { manifest, ...answer(), unpacked: sum.bytes }
}
