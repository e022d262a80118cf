import { Fatal, RetryAfter, Skip, StopReason, Warned } from '../../model/run/outcome.ts'
import { SECOND } from '../../model/base/duration.ts'
import { after } from '../../model/base/clock.ts'
import { failureOf } from '../../model/run/failure.ts'
import { retryAt } from '../../model/run/retry.ts'
import { storable } from '../../model/base/json.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Outcome } from '../../model/run/outcome.ts'
import type { Run } from '../../model/run/run.ts'
import type { Stop } from '../context/stop.ts'
import type { Task } from '../../model/task/task.ts'

export interface AttemptOptions {
  task: Task
  run: Pick<Run, 'id' | 'attempt' | 'due_at'>
  stop: Stop
  work: () => unknown
  clock: Clock
  random: () => number
  /** How long a stopped task may take to end before its slot is freed. */
  graceMs: number
  /** Told when the work ends after its slot has been freed. */
  overdue: (ms: number) => void
}

type Ending = { kind: 'returned', value: unknown } | { kind: 'threw', error: unknown } | { kind: 'abandoned' }

const ABANDONED: Ending = { kind: 'abandoned' }

/** One execution, as an outcome; never throws. A stopped task is given the grace to end by itself, then its slot is freed whatever it does. */
export async function attempt (options: AttemptOptions): Promise<Outcome> {
  const limit = timeLimit(options)
  const ending = await ended(options)
  limit?.()
  return outcomeOf(ending, options)
}

/** Asks the task to stop when its timeout is over; 0 is no limit. The answer takes that back. */
function timeLimit ({ task: { timeoutMs: ms }, stop, clock }: AttemptOptions): (() => void) | null {
  if (ms === 0 || !Number.isFinite(ms)) return null
  return after(clock, ms, () => stop.ask(new StopReason('timeout', `took longer than its timeout of ${ms / SECOND} s`)))
}

/** Resolves when the work has ended, or the grace after it was asked to stop is over. */
function ended (options: AttemptOptions): Promise<Ending> {
  const { stop, clock, graceMs, overdue } = options
  return new Promise(resolve => {
    let cancel: (() => void) | null = null
    let since: number | null = null
    const abandon = () => {
      since = clock.monotonic()
      resolve(ABANDONED)
    }
    stop.listen(() => { cancel = after(clock, graceMs, abandon) })
    void worked(options).then(ending => {
      stop.listen(null)
      cancel?.()
      if (since !== null) overdue(clock.monotonic() - since)
      resolve(ending)
    })
  })
}

async function worked ({ work }: AttemptOptions): Promise<Ending> {
  try {
    return { kind: 'returned', value: await work() }
  } catch (error) {
    return { kind: 'threw', error }
  }
}

function outcomeOf (ending: Ending, options: AttemptOptions): Outcome {
  const stop = options.stop.reason
  if (stop?.code === 'timeout') return failed(stop, options)
  if (stop?.code === 'cancelled') return { kind: 'cancelled', reason: reasonOf(stop) }
  if (ending.kind === 'returned') return completed(ending.value)
  // Whoever is asked to stop and throws has stopped for us: the attempt is given back, and with it its place and its deadline.
  if (stop !== null) return { kind: 'postponed', reason: reasonOf(stop), due_at: options.run.due_at }
  return failed((ending as { error: unknown }).error, options)
}

const reasonOf = ({ code, message, by }: StopReason) => ({ code, message, ...by === undefined ? {} : { by } })

function completed (value: unknown): Outcome {
  if (value instanceof Warned) return { kind: 'completed', result: storable(value.result ?? null), warning: value.message.slice(0, 1000) }
  return { kind: 'completed', result: storable(value ?? null) }
}

function failed (error: unknown, { task, run, clock, random }: AttemptOptions): Outcome {
  if (error instanceof Skip) return { kind: 'skipped', reason: { code: 'skipped_by_task', message: error.message.slice(0, 1000) } }
  const now = clock.now()
  if (error instanceof Fatal) return { kind: 'failed', error: failureOf(error), retry_at: null }
  if (error instanceof RetryAfter) return { kind: 'failed', error: failureOf(error), retry_at: now + error.ms }
  const at = retryAt({ attempt: run.attempt, now, random: random(), backoff: task.backoff })
  return { kind: 'failed', error: failureOf(error), retry_at: at }
}
