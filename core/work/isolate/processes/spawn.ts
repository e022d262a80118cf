import { accessSync, constants } from 'node:fs'
import { setPriority } from 'node:os'
import { delimiter, join } from 'node:path'
import { after } from '../../../model/base/clock.ts'
import { SECOND } from '../../../model/base/duration.ts'
import type { Child } from '../../../model/run/run.ts'
import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../../../model/base/clock.ts'
import type { Niceness } from '../../../model/task/isolation.ts'

/** Told of the process that does the work. */
export type ChildSink = (child: Child) => Promise<unknown>

/** How a process has ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL'] as const

/** The variables that a child process gets from this one. */
export function minimalEnvironment (): NodeJS.ProcessEnv {
  const inherited = INHERITED.flatMap(name => process.env[name] === undefined ? [] : [[name, process.env[name]]])
  return Object.fromEntries(inherited) as NodeJS.ProcessEnv
}

const CLASSES = { idle: ['-c', '3'], low: ['-c', '2', '-n', '7'] } as const
const known = new Map<string, boolean>()

/** True when there is such a program. */
function exists (program: string): boolean {
  const before = known.get(program)
  if (before !== undefined) return before
  const found = (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  known.set(program, found)
  return found
}

/** A command with the words before it that make it kind; a system without nice or ionice goes without. Each of them
 *  becomes the next, so that the process keeps its id. */
export function mannered (command: readonly string[], { nice, ionice }: Niceness): [string, ...string[]] {
  const words = [...command]
  if (ionice !== undefined && exists('ionice')) words.unshift('ionice', ...CLASSES[ionice])
  if (nice !== undefined && exists('nice')) words.unshift('nice', '-n', String(nice))
  return words as [string, ...string[]]
}

/** Makes a process kind that could not be started so. */
export function calm ({ pid }: ChildProcess, { nice }: Niceness): void {
  if (nice === undefined || pid === undefined || exists('nice')) return
  try {
    setPriority(pid, nice)
  } catch {}
}

/** Resolves when the process has ended and all that it has said was read; rejects when it could not be started. */
export function exited (child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
    // A grandchild that keeps the pipes open must not keep the run: the exit counts, a moment later.
    child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), SECOND).unref())
  })
}

interface Step {
  ms: number
  act: () => void
}

/** Runs each step its number of ms after the signal is aborted; returns a function that cancels those that are left. */
export function onceAborted (signal: AbortSignal, clock: Pick<Clock, 'after'>, steps: readonly Step[]): () => void {
  const cancels: (() => void)[] = []
  const begin = () => cancels.push(...steps.map(({ ms, act }) => after(clock, ms, act)))
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  return () => {
    signal.removeEventListener('abort', begin)
    for (const cancel of cancels) cancel()
  }
}
