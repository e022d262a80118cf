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

/** A folder of the configuration, its `~`, `~user` and variables put in, as the tasks do. */
const expanded = (path: string): string =>
  resolve(
    path.replace(/^~([^/]*)/, (text, user: string) => homeOf(user) ?? text).replaceAll(VARIABLE,
      (text, a?: string, b?: string) => valueOf(text, a ?? b ?? ''))
  )

/** Where a path leads, links followed; what is not there yet lies where its first parent that is there leads. */
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

/** Throws when a run that somebody asked for reaches further than its task is configured now: the configuration was
 *  changed after it was asked for, or a link leads a path out of its folder. What is null needs no second look;
 *  otherwise the folders of each path, links followed. */
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
