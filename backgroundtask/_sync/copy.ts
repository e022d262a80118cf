import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { sameFile } from '../_files/folder.ts'
import type { Folder } from '../_files/folder.ts'
import { codeOf, messageOf } from '../_task/settings.ts'
import { dress } from '../_files/dress.ts'
import { bytesOfName, shown } from '../_files/names.ts'
import { inFolder, splitPath, makeFolder } from '../_files/walk.ts'

const CHUNK = 256 * 1024
/** After an interruption, at most this many bytes of a large file are copied again. */
const SAVE_EVERY = 64 * 1024 * 1024
const SAME_MS = 2
const FULL = ['ENOSPC', 'EDQUOT']

/** The position up to which a large file has been copied and synced. */
export interface Place {
  path: string
  size: number
  mtime: number
  offset: number
}

export interface MirrorAsk {
  source: Folder
  target: Folder
  breathe: () => Promise<void>
  /** Called with the number of bytes that were copied. */
  moved: (bytes: number) => void
  read: () => Promise<Place | null>
  save: (place: Place) => Promise<void>
}

/** The source could not be read. */
export class Unread extends Error {
  override readonly name = 'Unread'
}

const reading = async <T>(act: Promise<T>): Promise<T> =>
  await act.catch((error: unknown) => {
    throw new Unread(messageOf(error), { cause: error })
  })

/** The time of change in seconds, as text: `utimes` takes a negative number for the current time. */
const secondsIn = ({ mtimeMs }: Stats): string => String(mtimeMs / 1000)

/** True for equal times; file systems store them with different precision. */
export const sameTime = (a: Stats, b: Stats): boolean => Math.abs(a.mtimeMs - b.mtimeMs) <= SAME_MS

/** The stat of a path below an open folder; null when it does not exist. */
export async function statIn (root: Folder, path: string): Promise<Stats | null> {
  const [outer, name] = splitPath(path)
  try {
    return await inFolder(root, outer, folder => folder.stat(name))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return null
    throw error
  }
}

async function digest (root: Folder, path: string, breathe: () => Promise<void>): Promise<string> {
  const [outer, name] = splitPath(path)
  return await inFolder(root, outer, async folder => {
    const hash = createHash('sha256')
    await using file = await folder.read(name)
    const buffer = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      await breathe()
      const { bytesRead } = await file.read(buffer, 0, CHUNK)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  })
}

/** True when both have the same content. */
export async function sameContent ({ source, target, breathe }: MirrorAsk, path: string): Promise<boolean> {
  return await reading(digest(source, path, breathe)) === await digest(target, path, breathe)
}

/** Gives the copy the owner, mode and time of the original. Returns what the disk cannot store, or null. */
export async function redress ({ target }: MirrorAsk, path: string, stat: Stats): Promise<string | null> {
  const [outer, name] = splitPath(path)
  return await inFolder(target, outer, async folder => {
    await using file = await folder.read(name)
    return await dress(file, { mode: stat.mode, uid: stat.uid, gid: stat.gid, seconds: secondsIn(stat) })
  })
}

/** Gives a folder of the copy the mode and time of the original. The owner can always write to it, because the next run
 *  must. */
export async function redressFolder ({ target }: MirrorAsk, path: string, stat: Stats): Promise<string | null> {
  const mode = stat.mode & 0o7777 | 0o700
  return await inFolder(target, path, async folder => {
    const now = await folder.handle.stat()
    if ((now.mode & 0o7777) === mode && sameTime(now, stat)) return null
    return await dress(folder.handle, { mode, uid: stat.uid, gid: stat.gid, seconds: secondsIn(stat) })
  })
}

const partOf = (path: string) =>
  `.offpeak-${createHash('sha256').update(bytesOfName(path)).digest('hex').slice(0, 16)}.part`

/** Copies a link. Returns false when an equal one exists. */
export async function copyLink ({ source, target }: MirrorAsk, path: string, stat: Stats): Promise<boolean> {
  const [outer, name] = splitPath(path)
  const text = await reading(inFolder(source, outer, folder => folder.readLink(name)))
  return await makeFolder(target, outer, async folder => {
    const there = await folder.stat(name)
    if (there?.isSymbolicLink() && await folder.readLink(name) === text) return false
    const temp = partOf(path)
    await folder.remove(temp)
    try {
      await folder.makeLink(temp, text)
      await folder.mark(temp, { owner: process.getuid?.() === 0 ? stat : null, seconds: secondsIn(stat) })
      await folder.rename(temp, name)
    } finally {
      await folder.remove(temp)
    }
    return true
  })
}

interface Copy {
  ask: MirrorAsk
  path: string
  from: FileHandle
  stat: Stats
}

/** Opens the unfinished copy. `offset` is the position after the bytes that an earlier attempt has synced, 0 when the
 *  original is another one. */
async function openPart (folder: Folder, { ask, path, stat }: Copy): Promise<{ file: FileHandle, offset: number }> {
  const part = partOf(path)
  // Small files are always copied from the beginning.
  const known = stat.size > SAVE_EVERY ? await ask.read() : null
  const found = await folder.stat(part)
  const resumes = known?.path === path && known.size === stat.size && known.mtime === stat.mtimeMs && found?.isFile() &&
    found.size >= known.offset
  if (resumes) {
    const file = await folder.edit(part)
    await file.truncate(known.offset)
    return { file, offset: known.offset }
  }
  await folder.remove(part)
  return { file: await folder.create(part), offset: 0 }
}

async function fill (to: FileHandle, { ask, path, from, stat }: Copy, start: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK)
  let saved = start
  for (let offset = start;;) {
    await ask.breathe()
    const { bytesRead } = await reading(from.read(buffer, 0, CHUNK, offset))
    if (bytesRead === 0) return
    for (let at = 0; at < bytesRead;) at += (await to.write(buffer, at, bytesRead - at, offset + at)).bytesWritten
    offset += bytesRead
    ask.moved(bytesRead)
    if (offset - saved < SAVE_EVERY) continue
    await to.datasync()
    await ask.save({ path, size: stat.size, mtime: stat.mtimeMs, offset })
    saved = offset
  }
}

async function copyOpen (folder: Folder, copy: Copy): Promise<string | null> {
  const { ask, path, stat } = copy
  const { file, offset } = await openPart(folder, copy)
  try {
    if (offset > 0) ask.moved(offset)
    await fill(file, copy, offset)
    const lost = await dress(file, { mode: stat.mode, uid: stat.uid, gid: stat.gid, seconds: secondsIn(stat) })
    await file.sync()
    const part = await folder.stat(partOf(path))
    if (part === null || !sameFile(part, await file.stat())) {
      throw Object.assign(new Error('another run is copying it'), { code: 'EBUSY' })
    }
    await folder.rename(partOf(path), splitPath(path)[1])
    return lost
  } catch (error) {
    // The part would fill a full disk. It is of no use when the source cannot be read or the name is a folder's.
    if ([...FULL, 'EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error)) || error instanceof Unread) {
      await folder.remove(partOf(path))
    }
    throw error
  } finally {
    await file.close()
  }
}

/** The result of a copy. `changed`: the original changed meanwhile; the next run copies it again. `lost`: what the disk
 *  cannot store. */
interface Copied {
  changed: boolean
  lost: string | null
}

/** Copies one file under a temporary name and renames it when it is complete. Throws Unread. */
export async function copyFile (ask: MirrorAsk, path: string): Promise<Copied> {
  const [outer, name] = splitPath(path)
  return await inFolder(ask.source, outer, async source => {
    await using from = await reading(source.read(name))
    const stat = await reading(from.stat())
    if (!stat.isFile()) throw new Unread(`'${shown(path)}' is no longer a file`)
    const lost = await makeFolder(ask.target, outer, folder => copyOpen(folder, { ask, path, from, stat }))
    const after = await from.stat().catch(() => stat)
    return { changed: after.size !== stat.size || after.mtimeMs !== stat.mtimeMs, lost }
  })
}
