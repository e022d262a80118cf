import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { SideManifest } from './manifest.ts'
import { FORMAT, isPartial } from './manifest.ts'
import type { Folder } from '../_files/folder.ts'
import { readWhole } from '../_files/whole.ts'
import { openFolder } from '../_files/root.ts'

const ENDING = '.tar.zst'
const DAY = 24 * 60 * 60 * 1000
const WEEK = 7 * DAY

/** An archive, as its manifest describes it. */
interface Backup {
  file: string
  name: string
  source: string
  run_id: string
  created_at: string
  /** The size of the archive. */
  bytes: number
  files: number
  sha256: string
  /** Something could not be read, or the archive does not have the size in its manifest. */
  partial: boolean
}

/** The backups to keep: the number of last ones, and of days and weeks (UTC) of which the last one is kept. */
interface Keep {
  last: number
  daily: number
  weekly: number
}

/** `photos-20260310T020000Z`: the name of a backup without its ending. */
export const stemOf = (name: string, at: Date): string =>
  `${name}-${at.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}`

export const archiveOf = (stem: string): string => stem + ENDING
export const manifestOf = (archive: string): string => `${archive}.json`

/** The manifest beside an archive, or null when the file is not a backup. */
export async function sideManifest (folder: Folder, archive: string): Promise<SideManifest | null> {
  const text = await readWhole(folder, manifestOf(archive), 256 * 1024 * 1024)
  if (text === null) return null
  try {
    const manifest = JSON.parse(text) as SideManifest
    return manifest.format === FORMAT && manifest.archive.file === archive ? manifest : null
  } catch {
    return null
  }
}

/** The SHA-256 of an open archive, in hex. */
export async function archiveHash (handle: FileHandle, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(256 * 1024)
  for (let at = 0;;) {
    signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

/** The backups in an open folder, newest first. Files without a valid manifest are left out. */
export async function backupsIn (
  folder: Folder,
  { name, source }: { name?: string, source?: string } = {}
): Promise<Backup[]> {
  const backups: Backup[] = []
  for (const entry of await folder.entries()) {
    if (!entry.isFile() || !/-\d{8}T\d{6}Z(-\w+)?\.tar\.zst$/.test(entry.name)) continue
    const manifest = await sideManifest(folder, entry.name)
    if (manifest === null || manifest.name !== (name ?? manifest.name) ||
      manifest.source !== (source ?? manifest.source)) continue
    const { archive, created_at, files, run_id } = manifest
    const whole = (await folder.stat(entry.name))?.size === archive.bytes
    backups.push({
      file: join(folder.path, entry.name),
      name: manifest.name,
      source: manifest.source,
      run_id,
      created_at,
      bytes: archive.bytes,
      files: files.length,
      sha256: archive.sha256,
      partial: !whole || isPartial(manifest)
    })
  }
  return backups.toSorted((a, b) => a.created_at < b.created_at ? 1 : -1)
}

/** The backups in a folder, newest first. Throws ENOENT when the folder does not exist. */
export async function listBackups (
  { folder, name, open: opens = openFolder }: { folder: string, name?: string,
    open?: (path: string) => Promise<Folder> }
): Promise<Backup[]> {
  const open = await opens(folder)
  try {
    return await backupsIn(open, name === undefined ? {} : { name })
  } finally {
    await open.close()
  }
}

function lastOfEach (instants: number[], { span, count }: { span: number, count: number }): number[] {
  // Weeks begin on Monday; day 0 of the epoch was a Thursday.
  const shift = span === WEEK ? 3 * DAY : 0
  const newest = new Map<number, number>()
  for (const at of instants) {
    const slot = Math.floor((at + shift) / span)
    if (!newest.has(slot)) newest.set(slot, at)
  }
  return [...newest.values()].slice(0, count)
}

/** The instants to keep, of those given (epoch ms, newest first). The newest is always kept. */
export function kept (instants: number[], keep: Keep): Set<number> {
  return new Set([
    ...instants.slice(0, Math.max(1, keep.last)),
    ...lastOfEach(instants, { span: DAY, count: keep.daily }),
    ...lastOfEach(instants, { span: WEEK, count: keep.weekly })
  ])
}

/** The backups to remove after one was made at `made`, newest first. Complete and partial backups are counted
 *  separately. Backups with a later time are kept and not counted, because one of the two clocks was wrong. */
export function spare (backups: Backup[], keep: Keep, made: string): Backup[] {
  const past = backups.filter(one => Date.parse(one.created_at) <= Date.parse(made))
  return [true, false].flatMap(partial => {
    const kind = past.filter(one => one.partial === partial)
    const instants = kind.map(({ created_at }) => Date.parse(created_at))
    const stay = kept(instants, keep)
    return kind.filter((_, index) => !stay.has(instants[index]!))
  })
}
