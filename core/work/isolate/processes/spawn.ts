import { accessSync, constants } from 'node:fs'
import { setPriority } from 'node:os'
import { delimiter, join } from 'node:path'
import { after } from '../../../model/base/clock.ts'
import { SECOND } from '../../../model/base/duration.ts'
import type { Child } from '../../../model/run/run.ts'
import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../../../model/base/clock.ts'
import type { Niceness } from '../../../model/task/isolation.ts'

/** Called with the process that executes a run. */
export type ChildSink = (child: Child) => Promise<unknown>

/** The end of a process. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL'] as const

/** The environment variables that a child process inherits. */
export function minimalEnvironment (): NodeJS.ProcessEnv {
  const inherited = INHERITED.flatMap(name => process.env[name] === undefined ? [] : [[name, process.env[name]]])
  return Object.fromEntries(inherited) as NodeJS.ProcessEnv
}

const CLASSES = { idle: ['-c', '3'], low: ['-c', '2', '-n', '7'] } as const
const known = new Map<string, boolean>()

/** True when the program is in the PATH. */
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

/** A command prefixed with nice and ionice, as far as the system has them. Each of them executes the next, so that the
 *  process keeps its id. */
export function withNiceness (command: readonly string[], { nice, ionice }: Niceness): [string, ...string[]] {
  const words = [...command]
  if (ionice !== undefined && exists('ionice')) words.unshift('ionice', ...CLASSES[ionice])
  if (nice !== undefined && exists('nice')) words.unshift('nice', '-n', String(nice))
  return words as [string, ...string[]]
}

/** Sets the niceness of a started process where the system has no nice. */
export function setNiceness ({ pid }: ChildProcess, { nice }: Niceness): void {
  if (nice === undefined || pid === undefined || exists('nice')) return
  try {
    setPriority(pid, nice)
  } catch {}
}

/** Resolves when the process has ended and its output was read. Rejects when it could not be started. */
export function exited (child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
    // A grandchild that keeps the pipes open must not delay the end of the run for longer than this.
    child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), SECOND).unref())
  })
}

interface Step {
  ms: number
  act: () => void
}

/** Runs each step its `ms` after the signal is aborted. Returns a function that cancels the remaining steps. */
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
