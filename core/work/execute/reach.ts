import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { realpath } from 'node:fs/promises'
import { Fatal } from '../../model/run/outcome.ts'
import { below } from './path-below.ts'
import { boundFaults, boundPaths } from '../../model/task/payload-bounds.ts'
import { isAsked } from '../../model/run/run.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Reach } from '../context/context.ts'
import type { Task } from '../../model/task/task.ts'

/** The home folder of a user, or null. */
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

/** A folder of the configuration with `~`, `~user` and variables expanded, as the tasks expand them. */
const expanded = (path: string): string =>
  resolve(
    path.replace(/^~([^/]*)/, (text, user: string) => homeOf(user) ?? text).replaceAll(VARIABLE,
      (text, a?: string, b?: string) => valueOf(text, a ?? b ?? ''))
  )

/** The real path, symbolic links followed. For a path that does not exist, its nearest existing parent is resolved. */
async function placeOf (path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const up = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || up === path) throw error
    return join(await placeOf(up), basename(path))
  }
}

const holds = (outer: string, inner: string): boolean => {
  const rest = relative(outer, inner)
  return rest === '' || (rest !== '..' && !rest.startsWith(`..${sep}`))
}

const far = (pointer: string, detail: string) =>
  new Fatal(`The payload goes beyond what is configured: ${pointer} ${detail}`)

type Asked = Pick<Claimed, 'payload' | 'source' | 'task' | 'schedule'>

/** Throws Fatal when a requested run goes beyond the current configuration of its task: the configuration has changed
 *  since the request, or a link leads out of a folder. Returns null when there are no paths to check, else resolves to
 *  the real folders of each path, by JSON pointer. */
export function checkReach (task: Task, run: Asked, uploads: string): Promise<Reach> | null {
  if (task.input === null || !isAsked(run)) return null
  const ask = { task: task.id, input: task.input, configured: task.payload, payload: run.payload, uploads, below }
  const [fault] = boundFaults(ask)
  if (fault !== undefined) throw far(fault.pointer, fault.detail)
  const paths = boundPaths(ask)
  return paths.length === 0 ? null : checkPaths(paths)
}

async function checkPaths (paths: ReturnType<typeof boundPaths>): Promise<Reach> {
  const reach: Record<string, string[]> = {}
  for (const { pointer, path, folders } of paths) {
    const place = await placeOf(expanded(path))
    const roots = await Promise.all(folders.map(folder => placeOf(expanded(folder))))
    if (!roots.some(root => holds(root, place))) throw far(pointer, 'leads out of the folder that is configured')
    reach[pointer] = roots
  }
  return reach
}
