import type { Stats } from 'node:fs'
import type { TaskContext } from '../../core/index.ts'
import { codeOf, messageOf } from '../_task/settings.ts'
import { sameFile } from '../_files/folder.ts'
import type { Folder } from '../_files/folder.ts'
import type { Excluded } from '../_files/match.ts'
import { Unread, copyFile, copyLink, redress, redressFolder, sameContent, sameTime, statIn } from './copy.ts'
import type { MirrorAsk } from './copy.ts'
import { shown } from '../_files/names.ts'
import { inFolder, splitPath, walk, makeFolder } from '../_files/walk.ts'

/** Errors of the whole disk: the next file would fail too. */
const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']
const SMALL = 1024 * 1024
/** The number of small files that are copied at the same time. */
const PARALLEL = 8
/** Up to this many files are removed regardless of their share. */
const FEW = 10

/** Everything below a folder that is not excluded. */
interface Found {
  files: Map<string, Stats>
  links: Map<string, Stats>
  folders: Map<string, Stats>
  special: string[]
  unread: string[]
}

/** Lists a folder, except for what is excluded. Paths are relative. */
export async function look (
  root: Folder,
  { excluded, breathe }: { excluded: Excluded, breathe: () => Promise<void> }
): Promise<Found> {
  const found: Found = { files: new Map(), links: new Map(), folders: new Map(), special: [], unread: [] }
  for await (const entry of walk(root, { breathe, excluded })) {
    if (entry.kind === 'file') found.files.set(entry.path, entry.stat)
    else if (entry.kind === 'link') found.links.set(entry.path, entry.stat)
    else if (entry.kind === 'folder') found.folders.set(entry.path, entry.stat)
    else if (entry.kind === 'unread') found.unread.push(`${shown(entry.path)}: ${entry.code}`)
    else found.special.push(shown(entry.path))
  }
  return found
}

/** The result of a run. `passed`: pipes, sockets and devices. `not_kept`: files and folders whose owner, mode or time
 *  the target disk cannot store. */
export interface Done {
  copied: number
  bytes: number
  touched: number
  unchanged: number
  linked: number
  removed: number
  passed: number
  not_kept: number
  troubles: string[]
}

export interface Sync {
  ctx: TaskContext
  ask: MirrorAsk
  done: Done
}

/** Records the error of one path. Throws when the run is being stopped or the target fails. */
function troubled ({ ctx, done }: Sync, path: string, error: unknown): void {
  ctx.signal.throwIfAborted()
  const fatal = !(error instanceof Unread) && (codeOf(error) === '' || DISK_ERRORS.includes(codeOf(error)))
  if (fatal) throw error
  done.troubles.push(`${shown(path)}: ${messageOf(error)}`)
}

const lose = ({ done }: Sync, lost: string | null): void => {
  if (lost !== null) done.not_kept++
}

/** Copies one file. A copy with the same size and content only gets the mode and time of the original. */
async function bring (sync: Sync, path: string, { stat, there }: { stat: Stats, there: Stats | null }): Promise<void> {
  const { ask, done } = sync
  if (there?.isFile() && there.size === stat.size && await sameContent(ask, path)) {
    lose(sync, await redress(ask, path, stat))
    done.touched++
    ask.moved(stat.size)
    return
  }
  const { changed, lost } = await copyFile(ask, path)
  if (changed) done.troubles.push(`${shown(path)}: changed while it was copied`)
  lose(sync, lost)
  done.copied++
  done.bytes += stat.size
}

/** Gives an equal copy the mode of its original. */
async function adopt (
  { ask, done }: Sync,
  path: string,
  { stat, there }: { stat: Stats, there: Stats }
): Promise<void> {
  const differs = ((stat.mode ^ there.mode) & 0o777) !== 0
  if (differs && await redress(ask, path, stat) === null) done.touched++
  else done.unchanged++
}

/** Paths that are the same name on a disk that ignores case, each with the first of them, which is copied. */
function twins (paths: Iterable<string>): Map<string, string> {
  const first = new Map<string, string>()
  const twice = new Map<string, string>()
  for (const path of paths) {
    const key = path.normalize('NFC').toLowerCase()
    const other = first.get(key)
    if (other === undefined) first.set(key, path)
    else twice.set(path, other)
  }
  return twice
}

type Wanted = [path: string, pair: { stat: Stats, there: Stats | null }]

/** Copies files: small ones in parallel, because they mostly wait for the disk; large ones one by one, because the
 *  checkpoint holds the position in one file. */
async function bringWanted (sync: Sync, wanted: Wanted[]): Promise<void> {
  const one = async ([path, pair]: Wanted) => {
    sync.ctx.progress.setMessage(shown(path))
    await bring(sync, path, pair).catch(error => troubled(sync, path, error))
  }
  const small = wanted.filter(([, { stat }]) => stat.size <= SMALL)
  const rest = small.values()
  const ends = await Promise.allSettled(Array.from({ length: PARALLEL }, async () => {
    for (const next of rest) await one(next)
  }))
  const failed = ends.find(end => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  for (const next of wanted) if (next[1].stat.size > SMALL) await one(next)
}

/** Copies new and changed files and links. `oneCase`: the target ignores case. */
export async function bringAll (sync: Sync, found: Found, { oneCase }: { oneCase: boolean }): Promise<void> {
  const { ctx, ask, done } = sync
  const twice = oneCase
    ? twins([...found.files.keys(), ...found.links.keys(), ...found.folders.keys()])
    : new Map<string, string>()
  for (const [path, other] of twice) {
    done.troubles.push(`${shown(path)}: on the target disk it is the same name as '${shown(other)}'`)
  }
  const wanted: Wanted[] = []
  for (const [path, stat] of found.files) {
    if (twice.has(path)) continue
    await ctx.breathe()
    const there = await statIn(ask.target, path)
    if (there?.isFile() && there.size === stat.size && sameTime(there, stat)) {
      await adopt(sync, path, { stat, there }).catch(error => troubled(sync, path, error))
    } else wanted.push([path, { stat, there }])
  }
  ctx.progress.setTotal(wanted.reduce((sum, [, { stat }]) => sum + stat.size, 0), 'bytes')
  for (const path of found.folders.keys()) {
    await makeFolder(ask.target, path, async () => undefined).catch(error => troubled(sync, path, error))
  }
  await bringWanted(sync, wanted)
  for (const [path, stat] of found.links) {
    if (twice.has(path)) continue
    await ctx.breathe()
    await copyLink(ask, path, stat).then(made => {
      done.linked += made ? 1 : 0
    }, error => troubled(sync, path, error))
  }
}

/** Syncs the folders of the target and gives them the modes and times of the source, inner folders first. */
export async function finishFolders (sync: Sync, { folders }: Found): Promise<void> {
  const { ask } = sync
  for (const [path, stat] of folders) {
    await inFolder(ask.target, path, folder => folder.sync())
      .then(() => redressFolder(ask, path, stat)).then(lost => lose(sync, lost), error => troubled(sync, path, error))
  }
  await ask.target.sync()
}

interface RemoveSettings {
  excluded: Excluded
  max_delete: number
  max_delete_share: number
}

/** The reason why nothing is removed, or null. */
function refusal (
  { from, there, extra, settings }: { from: Found, there: Found, extra: number, settings: RemoveSettings }
): string | null {
  const all = there.files.size + there.links.size
  if (from.unread.length > 0) return 'parts of the source could not be read'
  if (from.files.size + from.links.size === 0 && all > 0) return 'the source is empty'
  if (extra > settings.max_delete) return `${extra} files would be removed, and max_delete is ${settings.max_delete}`
  if (extra > FEW && extra > all * settings.max_delete_share) {
    return `${extra} of ${all} files would be removed, and max_delete_share is ${settings.max_delete_share}`
  }
  return null
}

/** Removes files, links and empty folders from the target that the source does not have. */
export async function removeRest (sync: Sync, from: Found, settings: RemoveSettings): Promise<void> {
  const { ctx, ask, done } = sync
  const there = await look(ask.target, { excluded: settings.excluded, breathe: () => ctx.breathe() })
  const extra = [...there.files, ...there.links].filter(([path]) => !from.files.has(path) && !from.links.has(path))
  const why = refusal({ from, there, extra: extra.length, settings })
  if (why !== null) return void (extra.length > 0 && done.troubles.push(`nothing was removed: ${why}`))
  done.troubles.push(...there.unread.map(one => `${one} (in the target)`))
  for (const [path, stat] of extra) {
    await ctx.breathe()
    const [outer, name] = splitPath(path)
    const gone = await inFolder(ask.target, outer, async folder => {
      const now = await folder.stat(name)
      if (now === null || !sameFile(now, stat) || now.mtimeMs !== stat.mtimeMs) return false
      await folder.remove(name)
      return true
    }).catch(error => troubled(sync, path, error))
    if (gone === true) done.removed++
  }
  // Folders with excluded or special files are not empty, and stay.
  for (const path of there.folders.keys()) {
    if (from.folders.has(path)) continue
    const [outer, name] = splitPath(path)
    await inFolder(ask.target, outer, folder => folder.removeFolder(name)).catch(() => undefined)
  }
}
