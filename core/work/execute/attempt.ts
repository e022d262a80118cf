import { StopReason } from '../../model/run/outcome.ts'
import { SECOND } from '../../model/base/duration.ts'
import { after } from '../../model/base/clock.ts'
import { executed, resultOf } from '../../model/run/result.ts'
import { retryAt } from '../../model/run/retry.ts'
import { thrownOf } from '../../model/run/failure.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Outcome } from '../../model/run/outcome.ts'
import type { Run } from '../../model/run/run.ts'
import type { Stop } from '../context/stop.ts'
import type { Task } from '../../model/task/task.ts'

interface AttemptOptions {
  task: Task
  run: Pick<Run, 'id' | 'attempt' | 'due_at'>
  stop: Stop
  work: () => unknown
  clock: Clock
  random: () => number
  /** How long a task that was asked to stop may take to end before its slot is freed, ms. */
  graceMs: number
  /** Called when the work ends after its slot was freed, with the delay in ms. */
  overdue: (ms: number) => void
}

type Ending = { kind: 'returned', value: unknown } | { kind: 'threw', error: unknown } | { kind: 'abandoned' }

const ABANDONED: Ending = { kind: 'abandoned' }

/** Executes a task once and resolves to its outcome; never rejects. A task that is asked to stop has the grace to end,
 *  then the attempt ends without it. */
export async function attempt (options: AttemptOptions): Promise<Outcome> {
  const limit = timeLimit(options)
  const ending = await ended(options)
  limit?.()
  return outcomeOf(ending, options)
}

/** Asks the task to stop after its timeout; 0 means no limit. Returns a function that removes the limit, or null. */
function timeLimit ({ task: { timeoutMs: ms }, stop, clock }: AttemptOptions): (() => void) | null {
  if (ms === 0 || !Number.isFinite(ms)) return null
  return after(clock, ms, () => stop.ask(new StopReason('timeout', `took longer than its timeout of ${ms / SECOND} s`)))
}

/** Resolves when the work has ended, or when the grace after a request to stop has passed. */
function ended (options: AttemptOptions): Promise<Ending> {
  const { stop, clock, graceMs, overdue } = options
  return new Promise(resolve => {
    let cancel: (() => void) | null = null
    let since: number | null = null
    const abandon = () => {
      since = clock.monotonic()
      resolve(ABANDONED)
    }
    stop.listen(() => {
      cancel = after(clock, graceMs, abandon)
    })
    void worked(options).then(ending => {
      stop.listen(null)
      cancel?.()
      if (since !== null) overdue(clock.monotonic() - since)
      resolve(ending)
    })
  })
}

async function worked ({ work, stop }: AttemptOptions): Promise<Ending> {
  // A run that was asked to stop before its work began does not begin.
  if (stop.reason !== null) return { kind: 'threw', error: stop.reason }
  try {
    return { kind: 'returned', value: executed(await work()) }
  } catch (error) {
    return { kind: 'threw', error }
  }
}

function outcomeOf (ending: Ending, options: AttemptOptions): Outcome {
  const stop = options.stop.reason
  if (stop?.code === 'timeout') return failed(stop, options)
  if (stop?.code === 'cancelled') return { kind: 'cancelled', reason: reasonOf(stop) }
  if (ending.kind === 'returned') return completed(ending.value)
  // A task that throws after a request to stop has complied: the attempt is not charged, and due instant and deadline
  // stay as they are.
  if (stop !== null) return { kind: 'postponed', reason: reasonOf(stop), due_at: options.run.due_at }
  return failed((ending as { error: unknown }).error, options)
}

const reasonOf = ({ code, message, by }: StopReason) => ({ code, message, ...by === undefined ? {} : { by } })

const completed = (value: unknown): Outcome => ({ kind: 'completed', ...resultOf(value) })

function failed (thrown: unknown, { task, run, clock, random }: AttemptOptions): Outcome {
  const { as, error, ms } = thrownOf(thrown)
  if (as === 'skip') {
    return { kind: 'skipped', reason: { code: 'skipped_by_task', message: error.message.slice(0, 1000) } }
  }
  if (as === 'fatal') return { kind: 'failed', error, retry_at: null }
  const now = clock.now()
  if (ms !== undefined) return { kind: 'failed', error, retry_at: now + ms }
  return {
    kind: 'failed',
    error,
    retry_at: retryAt({ attempt: run.attempt, now, random: random(), backoff: task.backoff })
  }
}
