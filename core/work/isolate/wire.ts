import { Fatal, RetryAfter, Skip, Warned } from '../../model/run/outcome.ts'
import { failureOf } from '../../model/run/failure.ts'
import { storable } from '../../model/base/json.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Failure, StopCode } from '../../model/run/outcome.ts'
import type { Hints } from '../../model/machine/hints.ts'
import type { Home, Used } from '../../model/task/isolation.ts'
import type { Json } from '../../model/base/json.ts'
import type { TaskLog } from '../../model/task/context.ts'

/** What a thread or process is told to execute: plain data. `version`: of the definition in force; `calls`: the functions of ctx.services.offpeak. */
export interface Job { home: Home, run: Claimed, version: string, hints: Hints, config: Json, calls: string[] }

export const ASKS = ['save', 'enqueue', 'breathe', 'call'] as const
/** What a task asks of the manager. */
export type Ask = typeof ASKS[number]

/** A part of a log call. Errors go as their words. */
export type Packed = { plain: Json } | { error: Failure } | { fields: Record<string, Packed> }

/** What has changed in the progress since it was last told. */
export interface Moved { stage?: string, total?: number, unit?: string, current?: number, message?: string }

/** What the function came to. */
export type Ended =
  | { kind: 'returned', result: Json, warning?: string }
  | { kind: 'threw', as: 'skip' | 'retry' | 'fatal' | 'error', error: Failure, ms?: number }

/** What the place where a task is executed says. `cpu`: what its thread has taken by then. `worn`: it is not to be used again. */
export type Up =
  | { say: 'began', thread: number, cpu: NodeJS.CpuUsage }
  | { say: 'log', level: keyof TaskLog, words: Packed[] }
  | { say: 'progress', moved: Moved }
  | { say: 'ask', id: number, what: Ask, words: unknown[] }
  | { say: 'late', error: Failure }
  | { say: 'ended', ended: Ended, used: Used, worn: boolean }

/** What it is told. */
export type Down =
  | { say: 'start', job: Job }
  | { say: 'stop', code: StopCode, message: string, by: string | undefined }
  | { say: 'hints', hints: Hints }
  | { say: 'answer', id: number, value?: unknown, error?: Failure }

/** One end of the line between the two. What a task sends of its own is not heard. */
export interface Port<Out, In> {
  post (message: Out): void
  listen (hear: (message: In) => void): void
}

/** True for a message of ours. */
export const isOurs = (message: unknown): message is { say: string } => typeof message === 'object' && message !== null && 'say' in message

export const UNBOUNDED = { bytes: Infinity, depth: 64 }
const LOGGED = { bytes: 64 * 1024, depth: 8 }

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)

const brief = (value: unknown) => storable(typeof value === 'string' ? value.slice(0, LOGGED.bytes / 4) : value, LOGGED)

/** A part of a log call as plain data, bounded. */
export function packed (value: unknown, depth = 1): Packed {
  if (value instanceof Error) return { error: failureOf(value) }
  if (depth === 0 || !isPlain(value)) return { plain: brief(value) }
  return { fields: Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, packed(inner, depth - 1)])) }
}

/** The part that was packed. */
export function unpacked (part: Packed): unknown {
  if ('plain' in part) return part.plain
  if ('error' in part) return revived(part.error)
  return Object.fromEntries(Object.entries(part.fields).map(([key, inner]) => [key, unpacked(inner)]))
}

/** An error with the words of one that was thrown elsewhere. */
export function revived ({ name, message, code, stack, cause }: Failure): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: revived(cause) })
  return dressed(error, { name, code, stack })
}

const hidden = (value: unknown): PropertyDescriptor => ({ value, enumerable: false, configurable: true, writable: true })

function dressed<E extends Error> (error: E, { name, code, stack }: Partial<Failure>): E {
  // Loggers read the kind of an error off its constructor, and only without one off its name.
  if (name !== undefined && error.name !== name) Object.defineProperties(error, { name: hidden(name), constructor: hidden(undefined) })
  Object.defineProperty(error, 'stack', hidden(stack))
  return code === undefined ? error : Object.assign(error, { code })
}

/** What a function that has returned came to, as plain data. */
export const returned = (value: unknown): Ended =>
  value instanceof Warned ? { kind: 'returned', result: storable(value.result ?? null), warning: value.message } : { kind: 'returned', result: storable(value ?? null) }

/** What a function that has thrown came to, as plain data. */
export function threw (error: unknown): Ended {
  const failure = failureOf(error)
  if (error instanceof Skip) return { kind: 'threw', as: 'skip', error: failure }
  if (error instanceof RetryAfter) return { kind: 'threw', as: 'retry', error: failure, ms: error.ms }
  return { kind: 'threw', as: error instanceof Fatal ? 'fatal' : 'error', error: failure }
}

/** Returns or throws what the function has returned or thrown elsewhere. */
export function answerOf (ended: Ended): unknown {
  if (ended.kind === 'returned') return ended.warning === undefined ? ended.result : new Warned(ended.warning, ended.result)
  const { as, error, ms = 0 } = ended
  if (as === 'skip') throw new Skip(error.message)
  const cause = error.cause === undefined ? undefined : revived(error.cause)
  if (as === 'retry') throw dressed(new RetryAfter(ms, error.message, cause), { stack: error.stack })
  if (as === 'fatal') throw dressed(new Fatal(error.message), { stack: error.stack })
  throw revived(error)
}
