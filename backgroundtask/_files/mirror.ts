import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import type { FileHandle } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import type { Folder } from './folder.ts'
import { codeOf } from '../_task/settings.ts'
import { inFolder } from './walk.ts'

const CHUNK = 256 * 1024
/** How much of a large file may have to be copied again. */
const SAVE_EVERY = 64 * 1024 * 1024
const SAME_MS = 2

/** How far a large file was copied when that was last known to be on disk. */
export interface Place { path: string, size: number, mtime: number, offset: number }

export interface MirrorAsk {
  source: Folder
  target: Folder
  breathe: () => Promise<void>
  /** Told of bytes as they are copied. */
  moved: (bytes: number) => void
  read: () => Promise<Place | null>
  save: (place: Place) => Promise<void>
}

/** True for two times that are one: what a file system keeps of them differs. */
export const sameTime = (a: Stats, b: Stats): boolean => Math.abs(a.mtimeMs - b.mtimeMs) <= SAME_MS

/** Does something in a folder below an open one, making what is missing on the way; through no link. */
export async function makeFolder<T> (root: Folder, path: string, act: (folder: Folder) => Promise<T>): Promise<T> {
  const [first, ...rest] = path.split('/').filter(part => part !== '' && part !== '.')
  if (first === undefined) return await act(root)
  if (await root.stat(first) === null) await root.make(first)
  const inner = await root.enter(first)
  try {
    return await makeFolder(inner, rest.join('/'), act)
  } finally {
    await inner.close()
  }
}

const folderOf = (path: string) => path.includes('/') ? dirname(path) : ''

/** What has a path below an open folder; null when nothing does. */
export async function statIn (root: Folder, path: string): Promise<Stats | null> {
  try {
    return await inFolder(root, folderOf(path), folder => folder.stat(basename(path)))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return null
    throw error
  }
}

async function digest (root: Folder, path: string, breathe: () => Promise<void>): Promise<string> {
  return await inFolder(root, folderOf(path), async folder => {
    const hash = createHash('sha256')
    await using file = await folder.read(basename(path))
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
  return await digest(source, path, breathe) === await digest(target, path, breathe)
}

/** Gives the copy the time of the original. */
export async function touch ({ target }: MirrorAsk, path: string, { mtimeMs }: Stats): Promise<void> {
  await inFolder(target, folderOf(path), async folder => {
    await using file = await folder.edit(basename(path))
    await file.utimes(mtimeMs / 1000, mtimeMs / 1000)
  })
}

const partOf = (path: string) => `.offpeak-${createHash('sha256').update(path).digest('hex').slice(0, 16)}.part`

interface Copy { ask: MirrorAsk, path: string, from: FileHandle, stat: Stats }

/** The unfinished copy, open, and where to go on: behind what an earlier attempt has put on disk of the same original. */
async function openPart (folder: Folder, { ask, path, stat }: Copy): Promise<{ file: FileHandle, offset: number }> {
  const part = partOf(path)
  const [known, found] = [await ask.read(), await folder.stat(part)]
  const goesOn = known?.path === path && known.size === stat.size && known.mtime === stat.mtimeMs && found?.isFile() && found.size >= known.offset
  if (goesOn) {
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
  for (let offset = start; ;) {
    await ask.breathe()
    const { bytesRead } = await from.read(buffer, 0, CHUNK, offset)
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

async function copyOpen (folder: Folder, copy: Copy): Promise<void> {
  const { ask, path, stat } = copy
  const { file, offset } = await openPart(folder, copy)
  try {
    if (offset > 0) ask.moved(offset)
    await fill(file, copy, offset)
    await file.chmod(stat.mode & 0o777)
    await file.utimes(stat.mtimeMs / 1000, stat.mtimeMs / 1000)
    await file.sync()
  } finally {
    await file.close()
  }
  await folder.rename(partOf(path), basename(path))
  await folder.sync()
}

/** Copies one file beside its place and moves it there when it is whole; false: the original was changed meanwhile, and the next run copies it again. */
export async function copyFile (ask: MirrorAsk, path: string): Promise<boolean> {
  return await inFolder(ask.source, folderOf(path), async source => {
    await using from = await source.read(basename(path))
    const stat = await from.stat()
    if (!stat.isFile()) throw Object.assign(new Error(`'${path}' is no file any more`), { code: 'ESTALE' })
    await makeFolder(ask.target, folderOf(path), folder => copyOpen(folder, { ask, path, from, stat }))
    const after = await from.stat()
    return after.size === stat.size && after.mtimeMs === stat.mtimeMs
  })
}
