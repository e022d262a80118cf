import { createHash } from 'node:crypto'
import { lstat, mkdir, open, readdir, rename, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileHandle } from 'node:fs/promises'
import { DAY } from '../model/duration.ts'
import { requestInvalid } from '../model/errors.ts'

const FOLDER = 'uploads'
const MOST_BYTES = 1024 ** 3
/** So much stays free on the disk of the data folder. */
const LEAST_FREE = 512 * 1024 ** 2
const KEPT = 7 * DAY
const LONGEST_NAME = 100

/** `id`: what tells it from others of its name; letters and digits. `bytes`: as the sender says, null when it does not. `most`: bytes. */
export interface UploadAsk { folder: string, id: string, name: string, bytes: number | null, from: AsyncIterable<Uint8Array>, now: number, most?: number }

/** A file as it was stored, `path` absolute. */
export interface Upload { path: string, name: string, bytes: number, sha256: string }

const tooLarge = (most: number) =>
  requestInvalid({ code: 'OFFPEAK_UPLOAD_TOO_LARGE', status: 413, message: `A file may have at most ${most} bytes: put a larger one on the machine itself and name its path` })

/** A name that is one file in one folder, whatever was sent as one. */
export function fileName (sent: string): string {
  const last = sent.normalize('NFC').split(/[/\\]/).at(-1)!
  const name = last.replaceAll(/[^\p{L}\p{N}._-]/gu, '_').replace(/^[._-]+/, '')
  return [...name].slice(-LONGEST_NAME).join('') || 'file'
}

/** Writes what comes to disk as it comes, under a name of its own that its owner alone may read. Throws OFFPEAK_UPLOAD_TOO_LARGE,
 *  OFFPEAK_DISK_FULL, OFFPEAK_UPLOAD_BROKEN; nothing is left of what was refused. */
export async function storeUpload ({ folder, id, name: sent, bytes, from, now, most = MOST_BYTES }: UploadAsk): Promise<Upload> {
  const place = join(folder, FOLDER)
  await mkdir(place, { recursive: true, mode: 0o700 })
  if (bytes !== null && bytes > most) throw tooLarge(most)
  const { bavail, bsize } = await statfs(place)
  if (bavail * bsize < LEAST_FREE + (bytes ?? 0)) throw requestInvalid({ code: 'OFFPEAK_DISK_FULL', status: 507, message: 'There is no room for the file on the disk of the data folder' })
  await forget(place, now - KEPT)
  const name = fileName(sent)
  const path = join(place, `${id}-${name}`)
  const part = `${path}.part`
  try {
    const told = await write(part, from, most)
    if (bytes !== null && told.bytes !== bytes) throw broken()
    await rename(part, path)
    return { path, name, ...told }
  } catch (error) {
    await unlink(part).catch(() => undefined)
    throw error
  }
}

const broken = (cause?: unknown) => requestInvalid({ code: 'OFFPEAK_UPLOAD_BROKEN', message: 'The file broke off before its end', cause })

async function write (part: string, from: AsyncIterable<Uint8Array>, most: number): Promise<Pick<Upload, 'bytes' | 'sha256'>> {
  const handle = await open(part, 'wx', 0o600)
  try {
    const told = await copy(handle, from, most)
    await handle.sync()
    return told
  } finally {
    await handle.close()
  }
}

async function copy (handle: FileHandle, from: AsyncIterable<Uint8Array>, most: number): Promise<Pick<Upload, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of sound(from)) {
    if (bytes + chunk.length > most) throw tooLarge(most)
    hash.update(chunk)
    for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** What the other side does wrong is told apart from what the disk does. */
async function * sound (from: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield * from
  } catch (error) {
    throw broken(error)
  }
}

/** Removes uploads that nobody has touched for long. */
async function forget (place: string, before: number): Promise<void> {
  for (const name of await readdir(place)) {
    const path = join(place, name)
    const stat = await lstat(path).catch(() => null)
    if (stat?.isFile() && stat.mtimeMs < before) await unlink(path).catch(() => undefined)
  }
}
