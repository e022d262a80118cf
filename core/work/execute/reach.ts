import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { realpath } from 'node:fs/promises'
import { Fatal } from '../../model/run/outcome.ts'
import { below } from './path-below.ts'
import { boundFaults, boundPaths } from '../../model/task/payload-bounds.ts'
import { settingsKey } from '../../model/task/built-in.ts'
import { isAsked } from '../../model/run/run.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Reach } from '../context/context.ts'
import type { Task } from '../../model/task/task.ts'

/** The home folder of a user, or null when the user is unknown. */
function homeOf (user: string): string | null {
  if (user === '') return homedir()
  try {
    return readFileSync('/etc/passwd', 'utf8').split('\n').map(line => line.split(':')).find(([name]) => name === user)
      ?.[5] ?? null
  } catch {
    return null
  }
}

const VARIABLE = /\$\$|\$\{(\w+)\}|\$(\w+)/g
const valueOf = (text: string, name: string) =>
  text === '$$' ? '$' : name === 'HOME' ? homedir() : process.env[name] ?? text

/** Expands `~`, `~user` and variables in a configured folder, as tasks do. */
const expanded = (path: string): string =>
  resolve(
    path.replace(/^~([^/]*)/, (text, user: string) => homeOf(user) ?? text).replaceAll(VARIABLE,
      (text, a?: string, b?: string) => valueOf(text, a ?? b ?? ''))
  )

/** The real path with symbolic links resolved. Of a path that does not exist, the nearest existing parent is
 *  resolved. */
async function realPathOf (path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const up = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || up === path) throw error
    return join(await realPathOf(up), basename(path))
  }
}

const contains = (outer: string, inner: string): boolean => {
  const rest = relative(outer, inner)
  return rest === '' || (rest !== '..' && !rest.startsWith(`..${sep}`))
}

const outOfBounds = (pointer: string, detail: string) =>
  new Fatal(`The payload goes beyond what is configured: ${pointer} ${detail}`)

type Asked = Pick<Claimed, 'payload' | 'source' | 'task' | 'schedule'>

/** Checks a requested run against the current bounds of its task: the configuration may have changed since the request,
 *  and links may lead out of a folder. Throws Fatal, also as a rejection. Returns null when there are no paths to
 *  check, else a promise of the real folders of each path, by JSON pointer. */
export function checkReach (task: Task, run: Asked, uploads: string): Promise<Reach> | null {
  if (task.input === null || !isAsked(run)) return null
  const { input, payload: configured } = task
  const ask = { settings: settingsKey(task), input, configured, payload: run.payload, uploads, below }
  const [fault] = boundFaults(ask)
  if (fault !== undefined) throw outOfBounds(fault.pointer, fault.detail)
  const paths = boundPaths(ask)
  return paths.length === 0 ? null : checkPaths(paths)
}

async function checkPaths (paths: ReturnType<typeof boundPaths>): Promise<Reach> {
  const reach: Record<string, string[]> = {}
  for (const { pointer, path, folders } of paths) {
    const place = await realPathOf(expanded(path))
    const roots = await Promise.all(folders.map(folder => realPathOf(expanded(folder))))
    if (!roots.some(root => contains(root, place))) {
      throw outOfBounds(pointer, 'leads out of the folder that is configured')
    }
    reach[pointer] = roots
  }
  return reach
}
