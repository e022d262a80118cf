import { createHash } from 'node:crypto'
import { lstat, open, readdir, rename, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileHandle } from 'node:fs/promises'
import { SECOND, milliseconds } from '../../model/base/duration.ts'
import { diskFull, uploadBroken, uploadStalled, uploadTooLarge } from '../../model/errors/upload-errors.ts'
import { makeFolder, syncName } from '../../load/file/atomic-write.ts'
import type { UploadLimits } from '../../model/config/upload.ts'

const FOLDER = 'uploads'
const LONGEST_NAME = 100
/** File systems allow 255 bytes for a name; the id and the `.part` suffix need some of them. */
const LONGEST_BYTES = 200
/** Free space is checked again after this many bytes, because other processes use the disk too. */
const CHECK_EVERY = 64 * 1024 ** 2
/** The longest delay of a Node timer, ms: a longer one fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1
const NO_ROOM = ['ENOSPC', 'EDQUOT']

/** `id`: letters and digits, makes the file name unique. `bytes`: the announced size, or null. `now`: epoch ms; stored
 *  files that are older than `max_age` at that instant are removed. */
export interface UploadAsk {
  folder: string
  id: string
  name: string
  bytes: number | null
  from: AsyncIterable<Uint8Array>
  now: number
  limits: UploadLimits
}

/** A stored file; `path` is absolute. */
export interface Upload {
  path: string
  name: string
  bytes: number
  sha256: string
}

/** The folder of uploaded files, in the data folder. */
export const uploadsIn = (folder: string): string => join(folder, FOLDER)

/** A safe file name, derived from the name that was sent. */
export function fileName (sent: string): string {
  const last = sent.normalize('NFC').split(/[/\\]/).at(-1)!
  const name = last.replaceAll(/[^\p{L}\p{N}._-]/gu, '_').replace(/^[._-]+/, '')
  const characters = [...name].slice(-LONGEST_NAME)
  while (Buffer.byteLength(characters.join('')) > LONGEST_BYTES) characters.shift()
  return characters.join('') || 'file'
}

/** Streams an upload to a new file of mode 0600. Throws OFFPEAK_UPLOAD_TOO_LARGE, OFFPEAK_UPLOAD_BROKEN,
 *  OFFPEAK_UPLOAD_STALLED, OFFPEAK_DISK_FULL; a refused upload leaves no file. */
export async function storeUpload ({ folder, id, name: sent, bytes, from, now, limits }: UploadAsk): Promise<Upload> {
  const place = uploadsIn(folder)
  await makeFolder(place)
  if (bytes !== null && bytes > limits.max_bytes) throw uploadTooLarge(limits.max_bytes)
  await forgetUploads(folder, now - milliseconds(limits.max_age))
  await checkRoom(place, limits, bytes ?? 0)
  const name = fileName(sent)
  const path = join(place, `${id}-${name}`)
  const part = `${path}.part`
  try {
    const written = await write({ place, part, from, limits })
    if (bytes !== null && written.bytes !== bytes) throw uploadBroken()
    await rename(part, path)
    await syncName(path)
    return { path, name, ...written }
  } catch (error) {
    await unlink(part).catch(() => undefined)
    throw NO_ROOM.includes((error as NodeJS.ErrnoException).code ?? '') ? diskFull(limits.disk_reserve) : error
  }
}

async function checkRoom (place: string, { disk_reserve: reserve }: UploadLimits, more: number): Promise<void> {
  const { bavail, bsize } = await statfs(place)
  if (bavail * bsize < reserve + more) throw diskFull(reserve)
}

interface Writing {
  place: string
  part: string
  from: AsyncIterable<Uint8Array>
  limits: UploadLimits
}

async function write (writing: Writing): Promise<Pick<Upload, 'bytes' | 'sha256'>> {
  const handle = await open(writing.part, 'wx', 0o600)
  try {
    const written = await copy(handle, writing)
    await handle.sync()
    return written
  } finally {
    await handle.close()
  }
}

async function copy (handle: FileHandle, { place, from, limits }: Writing): Promise<Pick<Upload, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of receivedChunks(from, milliseconds(limits.idle_timeout))) {
    if (bytes + chunk.length > limits.max_bytes) throw uploadTooLarge(limits.max_bytes)
    if (Math.floor((bytes + chunk.length) / CHECK_EVERY) > Math.floor(bytes / CHECK_EVERY)) {
      await checkRoom(place, limits, chunk.length)
    }
    hash.update(chunk)
    for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Yields the chunks; errors of the sender become OFFPEAK_UPLOAD_BROKEN or OFFPEAK_UPLOAD_STALLED. */
async function* receivedChunks (from: AsyncIterable<Uint8Array>, idleMs: number): AsyncGenerator<Uint8Array> {
  const chunks = from[Symbol.asyncIterator]()
  try {
    for (;;) {
      const chunk = await within(idleMs, chunks.next().catch(error => {
        throw uploadBroken(error)
      }))
      if (chunk.done) return
      yield chunk.value
    }
  } finally {
    // Not awaited: it settles after the pending chunk, which may never arrive.
    void chunks.return?.().catch(() => undefined)
  }
}

async function within<T> (ms: number, next: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(uploadStalled(ms / SECOND)), Math.min(ms, LONGEST_TIMER))
  return await Promise.race([next, promise]).finally(() => clearTimeout(timer))
}

/** Removes files that were last modified before `before`, epoch ms. */
export async function forgetUploads (folder: string, before: number): Promise<void> {
  const place = join(folder, FOLDER)
  for (const name of await readdir(place).catch(() => [])) {
    const path = join(place, name)
    const stat = await lstat(path).catch(() => null)
    if (stat?.isFile() && stat.mtimeMs < before) await unlink(path).catch(() => undefined)
  }
}
