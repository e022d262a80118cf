import { clamped } from '../model/base/clock.ts'
import { isFinal } from '../model/run/run.ts'
import { isSingle } from '../model/run/cohort.ts'
import { HELD_WAIT_MS, waitAfterCrash } from '../model/run/crash-suspect.ts'
import type { Outcome } from '../model/run/outcome.ts'
import type { NewRun, PastAttempt, Progress, Reason, Run } from '../model/run/run.ts'
import type { Share } from '../model/run/crash-suspect.ts'
import type { EndAsk, ExpireAsk } from './engine.ts'

/** The new run that `ask` describes, created at `now`. */
export function runFrom (ask: NewRun, id: string, now: number): Run {
  return {
    id,
    task: ask.task,
    queue: ask.queue,
    priority: ask.priority,
    state: ask.skipped ? 'skipped' : ask.after?.length ? 'blocked' : 'queued',
    source: ask.source,
    schedule: ask.schedule ?? null,
    key: ask.key ?? null,
    due_at: ask.due_at,
    nominal_at: ask.nominal_at ?? ask.due_at,
    attempt: 0,
    max_retries: ask.max_retries,
    turn: 0,
    crashes: 0,
    missed: ask.missed ?? 0,
    owner: null,
    lease_until: null,
    cancel: null,
    reason: ask.skipped ?? null,
    error: null,
    warning: null,
    progress: null,
    child: null,
    created_at: now,
    started_at: null,
    finished_at: ask.skipped ? now : null,
    deadline_at: ask.deadline_at ?? null,
    moved: ask.moved ?? null,
    key_until: keyUntil(ask, now),
    now: ask.now ?? false,
    single: isSingle(ask, now),
    preempted: 0
  }
}

function keyUntil ({ unique }: NewRun, now: number): Run['key_until'] {
  if (!unique || unique.until === 'kept') return null
  return typeof unique.until === 'number' ? clamped(now + unique.until) : unique.until
}

/** A queued run that starts its next attempt. */
export function startAttempt (run: Run, { owner, now }: { owner: string, now: number }): Run {
  return {
    ...run,
    state: 'running',
    attempt: run.attempt + 1,
    turn: run.turn + 1,
    owner,
    started_at: now,
    reason: null,
    progress: null,
    child: null
  }
}

const finished = (run: Run, now: number): Run => ({
  ...run,
  owner: null,
  lease_until: null,
  child: null,
  finished_at: now
})

/** A run that waits again leaves its cohort. */
const queued = (run: Run, due_at: number): Run => ({
  ...run,
  state: 'queued',
  owner: null,
  lease_until: null,
  child: null,
  finished_at: null,
  due_at: clamped(Math.ceil(due_at)),
  single: true
})

const cancelled = (run: Run, reason: Reason, now: number): Run => ({
  ...finished(run, now),
  state: 'cancelled',
  reason
})

function afterFailure (run: Run, outcome: Extract<Outcome, { kind: 'failed' }>, now: number): Run {
  const { error, retry_at, reason = null } = outcome
  if (run.cancel) return { ...cancelled(run, run.cancel, now), error }
  if (retry_at === null || run.attempt > run.max_retries) {
    return {
      ...finished(run, now),
      state: 'failed',
      error,
      reason
    }
  }
  return { ...queued(run, retry_at), error }
}

function afterPostponed (run: Run, { reason, due_at }: Extract<Outcome, { kind: 'postponed' }>, now: number): Run {
  if (run.cancel) return cancelled(run, run.cancel, now)
  const preempted = run.preempted + (reason.code === 'yield' ? 1 : 0)
  return { ...queued(run, due_at), attempt: run.attempt - 1, reason, preempted }
}

/** A run that ends because a newer one with the same key replaces it. It keeps its child, so that the caller can end
 *  the child. */
export const afterDisplaced = (run: Run, now: number): Run => ({
  ...finished(run, now),
  state: 'skipped',
  child: run.child,
  reason: { code: 'replaced', message: 'A later run with the same key replaced it' }
})

/** A running run whose attempt ended with `outcome`. `progress` undefined: unchanged. */
export function afterOutcome (run: Run, outcome: Outcome, now: number, progress?: Progress | null): Run {
  const at = progress === undefined ? run : { ...run, progress }
  switch (outcome.kind) {
    case 'completed':
      return { ...finished(at, now), state: 'completed', error: null, warning: outcome.warning ?? null }
    case 'failed':
      return afterFailure(at, outcome, now)
    case 'postponed':
      return afterPostponed(at, outcome, now)
    case 'cancelled':
      return cancelled(at, outcome.reason, now)
    case 'skipped':
      return { ...finished(at, now), state: 'skipped', reason: outcome.reason }
  }
}

/** A cancelled run: a waiting one ends at once, a running one is asked to stop, a finished one is unchanged. */
export function afterCancel (run: Run, reason: Reason, now: number): Run {
  if (isFinal(run.state)) return run
  if (run.state === 'running') return run.cancel ? run : { ...run, cancel: reason }
  return cancelled(run, reason, now)
}

/** A waiting run that ends without being started; any other run is unchanged. */
export function afterEnd (run: Run, { now, as, reason, error }: Omit<EndAsk, 'id'>): Run {
  if (isFinal(run.state) || run.state === 'running') return run
  return { ...finished(run, now), state: as, reason, error: as === 'failed' ? error ?? null : run.error }
}

/** A waiting run with the values of a later one with the same key. */
export const afterReplace = (run: Run, ask: NewRun): Run => ({
  ...run,
  single: true,
  now: ask.now ?? run.now,
  queue: ask.queue,
  priority: ask.priority,
  due_at: ask.due_at,
  nominal_at: ask.nominal_at ?? ask.due_at,
  max_retries: ask.max_retries,
  deadline_at: ask.deadline_at ?? null,
  moved: ask.moved ?? null
})

/** A blocked run whose prerequisites are met. */
export const afterUnblock = (run: Run, now: number): Run =>
  now <= run.due_at ? { ...run, state: 'queued' } : { ...run, state: 'queued', due_at: now, single: true }

/** A queued run that waits for a prerequisite first. */
export const afterReblock = (run: Run): Run => ({ ...run, state: 'blocked', single: true })

/** A waiting run with other values of the attributes that determine its cohort. */
export const withChanges = (run: Run, more: Partial<Pick<Run, 'due_at' | 'priority' | 'moved' | 'now'>>): Run => ({
  ...run,
  ...more,
  ...more.due_at !== undefined && { due_at: clamped(Math.ceil(more.due_at)) },
  single: true
})

/** A finished run that is queued again with its first attempt; the turn keeps rising. Any other run is unchanged. */
export function afterRetry (run: Run, due_at: number): Run {
  if (!isFinal(run.state)) return run
  // The time to the deadline starts again: a deadline that has passed would end the run at once. An automatic retry
  // moves due_at, and the deadline then counts from nominal_at.
  const from = run.attempt > 1 ? run.nominal_at : Math.max(run.nominal_at, run.due_at)
  const deadline_at = run.deadline_at === null ? null : clamped(due_at + Math.max(0, run.deadline_at - from))
  return {
    ...queued(run, due_at),
    attempt: 0,
    crashes: 0,
    preempted: 0,
    now: false,
    cancel: null,
    reason: null,
    error: null,
    warning: null,
    progress: null,
    deadline_at,
    moved: null
  }
}

const CRASHED: Reason = { code: 'crashed', message: 'The process that ran it ended before the run did' }

const crashedWith = (blame: ExpireAsk['blame'], { id }: Run): Reason =>
  blame?.runs.includes(id) ? { ...CRASHED, message: `${CRASHED.message}: ${blame.words}` } : CRASHED
const SUSPECTED_OTHERS: Reason = {
  code: 'crashed',
  message: 'The process that ran it ended before the run did; other runs are suspected'
}
const STOPPED: Reason = { code: 'stopping', message: 'offpeak was stopped while its event loop was blocked' }

/** A running run whose process has ended. The attempt is not charged and the crash is counted, so a restart costs no
 *  retry; a run that did not cause the crash is not charged. It keeps its child, so that the caller can end the
 *  child before the run starts again. */
export function afterCrash (run: Run, { now, restart, crash_cap, blame }: ExpireAsk, share: Share): Run {
  const isCharged = share === 'alone' || share === 'among'
  const back = { ...run, attempt: run.attempt - 1, crashes: run.crashes + (isCharged ? 1 : 0) }
  const over = { ...finished(back, now), child: run.child }
  if (run.cancel) return { ...over, state: 'cancelled', reason: run.cancel }
  if (share === 'stopped') {
    const due = blame?.runs.includes(run.id) ? Math.max(run.due_at, now + HELD_WAIT_MS) : run.due_at
    return { ...queued(back, due), child: run.child, reason: STOPPED }
  }
  if (restart === 'fail') {
    return {
      ...over,
      state: 'failed',
      reason: { code: 'interrupted', message: 'The process ended while it ran, and its task is not restarted' }
    }
  }
  if (!isCharged) return { ...queued(back, run.due_at), child: run.child, reason: SUSPECTED_OTHERS }
  if (back.crashes < crash_cap || share === 'among') {
    const held = blame?.runs.includes(run.id) ? HELD_WAIT_MS : 0
    const wait = Math.max(held, waitAfterCrash(back.crashes, crash_cap))
    return {
      ...queued(back, wait > 0 ? Math.max(run.due_at, now + wait) : run.due_at),
      child: run.child,
      reason: crashedWith(blame, run)
    }
  }
  const message = `It was running each of the ${back.crashes} times that the process ended; it will not start again`
  return { ...over, state: 'failed', reason: { code: 'crashed', message } }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

const isWaiting = ({ state }: Run): boolean => state === 'queued' || state === 'blocked'

/** True when a run that no longer runs is in the state that `outcome` leads to: the settlement is a repetition. The
 *  caller compares the result of a completed run. */
export function matchesOutcome (run: Run, outcome: Outcome): boolean {
  if (run.state === 'running') return false
  switch (outcome.kind) {
    case 'completed':
      return run.state === 'completed' && same(run.warning, outcome.warning)
    case 'failed':
      return (
        run.state === 'failed' || isWaiting(run) || (run.state === 'cancelled' && run.cancel !== null)
      ) && same(run.error, outcome.error)
    case 'postponed':
      return (isWaiting(run) && same(run.reason, outcome.reason)) ||
        (run.state === 'cancelled' && run.cancel !== null)
    case 'cancelled':
      return run.state === 'cancelled' && same(run.reason, outcome.reason)
    case 'skipped':
      return run.state === 'skipped' && same(run.reason, outcome.reason)
  }
}

/** The current attempt of `run`, ended with `outcome`. */
export function pastAttempt (
  run: Run,
  outcome: PastAttempt['outcome'],
  ended: Pick<PastAttempt, 'finished_at' | 'error' | 'reason'>
): PastAttempt {
  const { turn, attempt, started_at } = run
  const { finished_at, error, reason } = ended
  return { turn, attempt, started_at: started_at ?? finished_at, finished_at, outcome, error, reason }
}
