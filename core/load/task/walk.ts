import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import type { Dirent, Stats } from 'node:fs'
import { join, sep } from 'node:path'
import type { OffpeakError } from '../../model/errors/errors.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import { changedBy, isRefused } from '../file/modes.ts'
import type { Account } from '../file/modes.ts'
import { exposed, exposures, ownAccount } from '../file/exposures.ts'

/** A regular file below a tasks directory. */
export interface FoundFile {
  /** Below the tasks directory, with `/`; with several, below the name of its directory. */
  path: string
  /** The file itself, with every link resolved. */
  real: string
  /** Changes whenever the file may have: its identity, size, mode and time. */
  stamp: string
  mtimeMs: number
  size: number
  executable: boolean
}

/** What lies in the tasks directory, and what of it cannot be used. */
interface Walked {
  root: string
  files: FoundFile[]
  faults: Map<string, OffpeakError>
  /** The targets of links out of the directory, with every link resolved. */
  outside: string[]
}

interface WalkLimits {
  depth: number
  files: number
}

const LIMITS: WalkLimits = { depth: 8, files: 20_000 }
const EXECUTABLE = 0o111

interface Walk extends Walked {
  /** The path of the directory itself: `.`, or its name when there are several. */
  top: string
  account: Account | null
  limits: WalkLimits
  seen: Set<string>
  links: string[]
  full: boolean
}

/** True for names that are never tasks: hidden ones, helpers that begin with `_`, tests, declarations, installed
 *  packages. */
const passedOver = (name: string): boolean =>
  /^[._]/.test(name) || name === 'node_modules' || /\.test\.[^.]+$/.test(name) || /\.d\.[mc]?ts$/.test(name)

/** A path without the name of its directory. */
const relative = ({ top }: Pick<Walk, 'top'>, path: string): string =>
  top === '.' ? path : path.slice(top.length + 1) || '.'

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read',
  EPERM: 'may not be read',
  ELOOP: 'is a link that leads to itself',
  ENOTDIR: 'is not a folder'
}

/** A file or folder that is there and cannot be read. */
export function unreadable (path: string, cause: unknown): OffpeakError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const fix = code === 'EACCES' || code === 'EPERM' ? 'Let the user that offpeak runs as read it.' : undefined
  return taskFileBroken({ file: path, message: `${path} ${REASONS[code] ?? `cannot be read (${code})`}`, fix, cause })
}

/** Records a file or folder that other users can change: they could have their code executed. */
async function isExposed (
  state: Walk,
  path: string,
  { real, stats }: { real: string, stats: Stats }
): Promise<boolean> {
  if (state.account === null) return false
  const found = changedBy(stats, state.account)
  if (found === null || !isRefused(found)) return false
  const { message, fix } = await exposed({ path, at: real, found, kind: 'end' }, state.account)
  state.faults.set(path, taskFileBroken({ file: path, message: `${message}: it is not loaded`, fix }))
  return true
}

/** A file with what tells one version of it from another. */
export const stampOf = ({ path, real, stats }: { path: string, real: string, stats: Stats }): FoundFile => ({
  path,
  real,
  stamp: [real, stats.ino, stats.size, stats.mode, stats.mtimeMs].join('-'),
  mtimeMs: stats.mtimeMs,
  size: stats.size,
  executable: (stats.mode & EXECUTABLE) !== 0
})

async function addFile (state: Walk, path: string, found: { real: string, stats: Stats }): Promise<void> {
  if (await isExposed(state, path, found)) return
  if (state.files.length >= state.limits.files) {
    state.full = true
    return
  }
  state.files.push(stampOf({ path, ...found }))
}

async function readFile (state: Walk, path: string, real: string): Promise<void> {
  if (state.seen.has(real)) return
  state.seen.add(real)
  try {
    const stats = await lstat(real)
    if (stats.isFile()) await addFile(state, path, { real, stats })
  } catch (cause) {
    // It was removed after the folder was listed.
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') state.faults.set(path, unreadable(path, cause))
  }
}

async function listing (state: Walk, path: string, real: string): Promise<Dirent[]> {
  try {
    if (await isExposed(state, path, { real, stats: await stat(real) })) return []
    return await readdir(real, { withFileTypes: true })
  } catch (cause) {
    state.faults.set(path, unreadable(path === state.top ? state.root : path, cause))
    return []
  }
}

async function readFolder (state: Walk, path: string, real: string): Promise<void> {
  if (state.seen.has(real) || state.full) return
  state.seen.add(real)
  if (relative(state, path).split('/').length > state.limits.depth) {
    state.faults.set(path,
      taskFileBroken({ file: path, message: `${path} lies deeper than ${state.limits.depth} folders: it is not read` }))
    return
  }
  const entries = (await listing(state, path, real)).filter(({ name }) => !passedOver(name)).toSorted((a, b) =>
    a.name < b.name ? -1 : 1
  )
  const below = (name: string) => path === '.' ? name : `${path}/${name}`
  await Promise.all(
    entries.filter(entry => entry.isFile()).map(({ name }) => readFile(state, below(name), join(real, name)))
  )
  state.links.push(...entries.filter(entry => entry.isSymbolicLink()).map(({ name }) => below(name)))
  for (const entry of entries.filter(item => item.isDirectory())) {
    await readFolder(state, below(entry.name), join(real, entry.name))
  }
}

/** Notes what others can put in the place of a folder or file, by a folder or a link on the way to it. */
async function refuseWay (state: Walk, path: string, full: string): Promise<boolean> {
  if (state.account === null) return false
  const found = (await exposures(full, state.account)).find(({ weight, at }) => weight === 'refused' && at !== full)
  if (found === undefined) return false
  state.faults.set(path, taskFileBroken({ file: path, message: `${found.message}: it is not read`, fix: found.fix }))
  return true
}

/** Why a link out of the tasks directory is not followed; null when it and its target belong to the same user. */
async function outsideFault (state: Walk, path: string, real: string): Promise<OffpeakError | null> {
  if (state.root.startsWith(real.endsWith(sep) ? real : real + sep)) {
    return taskFileBroken({
      file: path,
      message: `${path} is a link to a folder that contains the tasks directory: it is not followed`,
      fix: 'Link to the folder that holds the tasks.'
    })
  }
  const [link, target] = await Promise.all([lstat(join(state.root, relative(state, path))), stat(real)])
  if (link.uid === target.uid) return null
  return taskFileBroken({
    file: path,
    message: `${path} is a link of user ${link.uid} to a file of user ${target.uid}: it is not followed`,
    fix: 'Let both belong to the same user, or put the file itself there.'
  })
}

/** A link into the tasks directory counts, and one out of it when it and its target belong to the same user. */
async function readLink (state: Walk, path: string): Promise<void> {
  const full = join(state.root, relative(state, path))
  try {
    const real = await realpath(full)
    if (await refuseWay(state, path, full)) return
    if (real === state.root) return
    const isOutside = !real.startsWith(state.root + sep)
    const fault = isOutside ? await outsideFault(state, path, real) : null
    if (fault !== null) return void state.faults.set(path, fault)
    if (isOutside) state.outside.push(real)
    await ((await stat(real)).isDirectory() ? readFolder(state, path, real) : readFile(state, path, real))
  } catch (cause) {
    state.faults.set(path, unreadable(path, cause))
  }
}

interface WalkAsk {
  /** The name of the directory, which the paths of its files begin with. */
  name?: string
  limits?: WalkLimits
  /** Who reads: what another but root can change is not taken; null takes everything. */
  account?: Account | null
}

/** Every regular file below the tasks directory in the order of its path. Never throws and never hangs: what cannot be
 *  read is a fault by its path. */
export async function walk (
  directory: string,
  { name: top = '.', limits = LIMITS, account = ownAccount() }: WalkAsk = {}
): Promise<Walked> {
  const root = await realpath(directory).catch(() => directory)
  const found: Walked = { root, files: [], faults: new Map(), outside: [] }
  const state: Walk = { ...found, top, account, limits, seen: new Set(), links: [], full: false }
  if (await refuseWay(state, top, directory)) return found
  await readFolder(state, top, root)
  for (let path = state.links.shift(); path !== undefined; path = state.links.shift()) await readLink(state, path)
  if (state.full) {
    found.faults.set(top, taskFileBroken({
      file: top,
      message: `More than ${limits.files} files lie in the tasks directory: the rest is not read`
    }))
  }
  return { ...found, files: state.files.toSorted((a, b) => a.path < b.path ? -1 : 1) }
}
