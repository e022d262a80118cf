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

/** What a thread or process is told to execute: plain data. `version`: of the definition in force; `calls`: the
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
/** What a task asks of the manager. */
export type Ask = typeof ASKS[number]

/** What has changed in the progress since the last report. */
export interface Moved {
  stage?: string
  total?: number
  unit?: string
  current?: number
  message?: string
}

/** What the function came to. */
export type Ended =
  | { kind: 'returned' } & Result
  | { kind: 'threw' } & Thrown

/** Where a function is executed. `cpu`: what its thread has taken by then; `held`: bytes of memory that the place holds
 *  while it is empty; `task`: the thread as /proc names it, and `children` what it has started before. */
export interface Place {
  thread: number
  cpu: NodeJS.CpuUsage
  held: number
  task: string | null
  children: number[]
}

/** Messages from the place where a task is executed. `worn`: it must not be used again. */
export type Up =
  | { say: 'began', place: Place }
  | { say: 'log', level: keyof TaskLog, words: LogPart[] }
  | { say: 'progress', moved: Moved }
  | { say: 'ask', id: number, what: Ask, words: unknown[] }
  | { say: 'uncaught', error: Failure }
  /** How long a call to the file system has not come back, ms; null: it has. */
  | { say: 'waits', ms: number | null }
  | { say: 'ended', ended: Ended, used: Usage, worn: boolean }

/** Messages to that place. */
export type Down =
  | { say: 'start', job: Job }
  | { say: 'stop', code: StopCode, message: string, by: string | undefined }
  | { say: 'hints', hints: Hints }
  | { say: 'answer', id: number, value?: unknown, error?: Failure }

/** One end of the line between the two. What a task sends of its own is not heard. */
export interface Port<Out, In> {
  post(message: Out): void
  listen(hear: (message: In) => void): void
}

/** True for a message of ours. */
export const isOurs = (message: unknown): message is { say: string } =>
  typeof message === 'object' && message !== null && 'say' in message

/** What a function that has returned came to, as plain data. */
export const returned = (value: unknown): Ended => ({ kind: 'returned', ...resultOf(value) })

/** What a function that has thrown came to, as plain data. */
export const threw = (error: unknown): Ended => ({ kind: 'threw', ...thrownOf(error) })

/** Returns or throws what the function has returned or thrown elsewhere. */
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
