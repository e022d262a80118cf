import type { Json } from '../json/json.ts'
import type { Reason } from './reason.ts'

/** An error as it is stored: bounded text, not a live object. */
export type Failure = {
  name: string
  message: string
  code?: string
  /** The first frame of the stack in the code of the task, such as `throws.ts:1:120`. */
  at?: string
  stack?: string
  cause?: Failure
}

/** The outcome of one attempt. */
export type Outcome =
  | { kind: 'completed', result: Json, warning?: string }
  /** `retry_at` null: no more retries, even if some are left; `reason` says why. */
  | { kind: 'failed', error: Failure, retry_at: number | null, reason?: Reason }
  /** Ended by offpeak: the attempt does not count. */
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

/** Thrown by `ctx.retryAfter`: the attempt fails, the next one starts after `ms`. */
export class RetryAfter extends Error {
  override readonly name = 'RetryAfter'
  readonly ms: number

  constructor (ms: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.ms = ms
  }
}

/** Thrown by `ctx.fail`: the attempt fails, and no other follows. */
export class Fatal extends Error {
  override readonly name = 'Fatal'
}

/** Returned by `ctx.warn`: the run completes with a warning. */
export class Warned {
  /** Text, or any other value that the task passed. */
  readonly message: unknown
  readonly result: unknown

  constructor (message: unknown, result: unknown) {
    this.message = message
    this.result = result
  }
}
