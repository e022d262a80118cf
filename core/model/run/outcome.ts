import type { Json } from '../json/json.ts'
import type { Reason } from './reason.ts'

/** An error as it is stored: bounded text, no live object. */
export type Failure = {
  name: string
  message: string
  code?: string
  stack?: string
  cause?: Failure
}

/** What one attempt came to. */
export type Outcome =
  | { kind: 'completed', result: Json, warning?: string }
  /** `retry_at` null: no more retries, whatever is left of them; `reason` says why then. */
  | { kind: 'failed', error: Failure, retry_at: number | null, reason?: Reason }
  /** Ended by us: the attempt is given back. */
  | { kind: 'postponed', reason: Reason, due_at: number }
  | { kind: 'cancelled', reason: Reason }
  | { kind: 'skipped', reason: Reason }

export type OutcomeKind = Outcome['kind']

/** Why an attempt's signal was aborted. */
const STOP_CODES = ['cancelled', 'timeout', 'yield', 'stopping', 'lost'] as const
export type StopCode = typeof STOP_CODES[number]

/** The `reason` of an attempt's AbortSignal. */
export class StopReason extends Error {
  readonly code: StopCode
  readonly by: string | undefined

  constructor (code: StopCode, message: string, by?: string) {
    super(message)
    this.name = 'StopReason'
    this.code = code
    this.by = by
  }
}

/** Thrown by `ctx.skip`: the run ends as skipped, with the reason. */
export class Skip extends Error {
  override readonly name = 'Skip'
}

/** Thrown by `ctx.retryAfter`: a failed attempt that says itself when to try again. */
export class RetryAfter extends Error {
  override readonly name = 'RetryAfter'
  readonly ms: number

  constructor (ms: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.ms = ms
  }
}

/** Thrown by `ctx.fail`: a failed attempt after which no other is made. */
export class Fatal extends Error {
  override readonly name = 'Fatal'
}

/** Returned by `ctx.warn`: completed, with something that a person should look at. */
export class Warned {
  /** Text, or whatever the task has given in its place. */
  readonly message: unknown
  readonly result: unknown

  constructor (message: unknown, result: unknown) {
    this.message = message
    this.result = result
  }
}
