import type { Stats } from 'node:fs'
import { codeOf, messageOf } from '../_task/settings.ts'
import type { Folder, Identity } from './folder.ts'
import { sameFile } from './folder.ts'
import type { Excluded } from './match.ts'

/** The largest number of folders that are open at the same time. */
const DEPTH = 512
const AHEAD = 31

/** One entry. `folder` is open until the next entry is requested. */
export type Found =
  | { kind: 'file' | 'link' | 'special', path: string, name: string, folder: Folder, stat: Stats }
  /** Comes after its contents. */
  | { kind: 'folder', path: string, name: string, folder: Folder, stat: Stats }
  /** Could not be read. `code`: a system error, OTHER_DEVICE or TOO_DEEP. */
  | { kind: 'unread', path: string, code: string }

interface WalkAsk {
  breathe: () => Promise<void>
  /** Folders that are skipped. */
  except?: Identity[]
  /** Paths that are skipped, with everything below them. */
  excluded?: Excluded
}

const kindOf = (stat: Stats) =>
  stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'special'

/** A folder that is being read. `names`: the remaining names, last one first. `ahead`: pending stats of the next
 *  ones. */
interface Level {
  folder: Folder
  prefix: string
  names: string[]
  ahead: Map<string, Promise<Stats | string | null>>
  found: Extract<Found, { kind: 'folder' }> | null
}

const namesIn = async (folder: Folder) => (await folder.entries()).map(({ name }) => name).toReversed()

async function enter (
  { folder, prefix }: Level,
  { name, stat }: { name: string, stat: Stats }
): Promise<Level | string> {
  let inner: Folder | null = null
  try {
    inner = await folder.enter(name)
    const path = prefix + name
    return {
      folder: inner,
      prefix: `${path}/`,
      names: await namesIn(inner),
      ahead: new Map(),
      found: { kind: 'folder', path, name, folder, stat }
    }
  } catch (error) {
    await inner?.close()
    return codeOf(error) || messageOf(error)
  }
}

/** Yields everything below an open folder, in the order of names. Does not follow links or enter other devices. Entries
 *  that cannot be read are yielded as `unread`; removed ones are left out. */
export async function* walk (root: Folder, ask: WalkAsk): AsyncGenerator<Found> {
  const levels: Level[] = [{ folder: root, prefix: '', names: await namesIn(root), ahead: new Map(), found: null }]
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names.pop()
      if (name === undefined) {
        levels.pop()
        if (level.found === null) continue
        await level.folder.close()
        yield level.found
        continue
      }
      if (!level.ahead.has(name)) await ask.breathe()
      const next = await step(level, { name, ask, depth: levels.length })
      if (next === null) continue
      if ('kind' in next) yield next
      else levels.push(next)
    }
  } finally {
    for (const { folder, found } of levels) if (found !== null) await folder.close()
  }
}

/** How a name is. Of names that come soon it is asked at once, as a look waits for the disk most of the time. */
async function statOf ({ folder, names, ahead }: Level, name: string): Promise<Stats | string | null> {
  const ask = (one: string) => folder.stat(one).catch((error: unknown) => codeOf(error) || messageOf(error))
  if (!ahead.has(name)) {
    ahead.clear()
    for (const one of [name, ...names.slice(-AHEAD)]) ahead.set(one, ask(one))
  }
  return await ahead.get(name)!
}

async function step (
  level: Level,
  { name, ask, depth }: { name: string, ask: WalkAsk, depth: number }
): Promise<Found | Level | null> {
  const path = level.prefix + name
  const unread = (code: string): Found => ({ kind: 'unread', path, code })
  const stat = await statOf(level, name)
  if (typeof stat === 'string') return ask.excluded?.(path, 'folder') === true ? null : unread(stat)
  if (stat === null) return null
  const kind = kindOf(stat)
  if (ask.excluded?.(path, kind === 'folder' ? 'folder' : 'other') === true) return null
  if (kind !== 'folder') return { kind, path, name, folder: level.folder, stat }
  if (ask.except?.some(one => sameFile(one, stat))) return null
  if (depth > DEPTH) return unread('TOO_DEEP')
  if (stat.dev !== level.folder.identity.dev) return unread('OTHER_DEVICE')
  const next = await enter(level, { name, stat })
  return next === 'ENOENT' ? null : typeof next === 'string' ? unread(next) : next
}

const entered = (folder: Folder, part: string) => folder.enter(part)

async function made (folder: Folder, part: string): Promise<Folder> {
  await folder.make(part).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  return await folder.enter(part)
}

/** Does something in the folder at a path below an open one, entering part by part and through no link. */
export async function inFolder<T> (
  root: Folder,
  path: string,
  act: (folder: Folder) => Promise<T>,
  into = entered
): Promise<T> {
  let folder = root
  try {
    for (const part of path.split('/')) {
      if (part === '') continue
      const inner = await into(folder, part)
      if (folder !== root) await folder.close()
      folder = inner
    }
    return await act(folder)
  } finally {
    if (folder !== root) await folder.close()
  }
}

/** The same, making what is missing on the way. */
export const makeFolder = <T>(root: Folder, path: string, act: (folder: Folder) => Promise<T>): Promise<T> =>
  inFolder(root, path, act, made)

/** The folder and the name of a path. */
export const splitPath = (path: string): [folder: string, name: string] => {
  const cut = path.lastIndexOf('/')
  return [path.slice(0, Math.max(0, cut)), path.slice(cut + 1)]
}
