import { Fatal, RetryAfter, Skip, Warned } from '../../model/run/outcome.ts'
import { dressed, revived } from '../../model/run/log-part.ts'
import { resultOf } from '../../model/run/result.ts'
import { thrownOf } from '../../model/run/failure.ts'
import type { Reach } from '../context/context.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Failure, StopCode } from '../../model/run/outcome.ts'
import type { Hints } from '../../model/machine/hints.ts'
import type { FunctionSource } from '../../model/task/isolation.ts'
import type { Usage } from '../../model/run/usage.ts'
import type { Json } from '../../model/json/json.ts'
import type { LogPart } from '../../model/run/log-part.ts'
import type { Result } from '../../model/run/result.ts'
import type { Thrown } from '../../model/run/failure.ts'
import type { TaskLog } from '../../model/task/context.ts'

/** The run that a thread or process executes, as plain data. `version`: of the definition; `calls`: the names of the
 *  functions of ctx.services.offpeak. */
export interface Job {
  home: FunctionSource
  run: Claimed
  version: string
  hints: Hints
  config: Json
  calls: string[]
  reach: Reach
}

const ASKS = ['begin', 'save', 'enqueue', 'breathe', 'call'] as const
/** The requests of a task to the manager. */
export type Ask = typeof ASKS[number]

/** The changes of the progress since the last report. */
export interface Moved {
  stage?: string
  total?: number
  unit?: string
  current?: number
  message?: string
}

/** The end of the function. */
export type Ended =
  | { kind: 'returned' } & Result
  | { kind: 'threw' } & Thrown

/** The place where a function is executed, before it begins. `cpu`: the processor time that the thread has used;
 *  `held`: the memory that it holds, bytes; `task`: the id of the thread in /proc; `children`: the processes that it
 *  has started. */
export interface Place {
  thread: number
  cpu: NodeJS.CpuUsage
  held: number
  task: string | null
  children: number[]
}

/** Messages from the place where a task is executed. `worn`: the thread must not be used again. */
export type Up =
  | { say: 'began', place: Place }
  | { say: 'log', level: keyof TaskLog, words: LogPart[] }
  | { say: 'progress', moved: Moved }
  | { say: 'ask', id: number, what: Ask, words: unknown[] }
  | { say: 'uncaught', error: Failure }
  /** How long a file system call has not returned, ms; null when it has. */
  | { say: 'waits', ms: number | null }
  | { say: 'ended', ended: Ended, used: Usage, worn: boolean }

/** Messages to that place. */
export type Down =
  | { say: 'start', job: Job }
  | { say: 'stop', code: StopCode, message: string, by: string | undefined }
  | { say: 'hints', hints: Hints }
  | { say: 'answer', id: number, value?: unknown, error?: Failure }

/** One end of the connection. Messages that a task sends itself are ignored. */
export interface Port<Out, In> {
  post(message: Out): void
  listen(receive: (message: In) => void): void
}

/** True for a message of this protocol. */
export const isOurs = (message: unknown): message is { say: string } =>
  typeof message === 'object' && message !== null && 'say' in message

/** The end of a function that has returned, as plain data. */
export const returned = (value: unknown): Ended => ({ kind: 'returned', ...resultOf(value) })

/** The end of a function that has thrown, as plain data. */
export const threw = (error: unknown): Ended => ({ kind: 'threw', ...thrownOf(error) })

/** Returns the result of a function that was executed elsewhere, or throws its error. */
export function answerOf (ended: Ended): unknown {
  if (ended.kind === 'returned') {
    return ended.warning === undefined
      ? ended.result
      : new Warned(ended.warning, ended.result)
  }
  const { as, error, ms = NaN } = ended
  if (as === 'skip') throw new Skip(error.message)
  const cause = error.cause === undefined ? undefined : revived(error.cause)
  if (as === 'retry') throw dressed(new RetryAfter(ms, error.message, cause), { stack: error.stack })
  if (as === 'fatal') throw dressed(new Fatal(error.message), { stack: error.stack })
  throw revived(error)
}
