import { checkpointView } from '../run/checkpoint.ts'
import { iso } from '../base/clock.ts'
import { labelOf } from '../run/run.ts'
import type { FullRun, Hold, PastAttempt, Run } from '../run/run.ts'

/** Seconds from start to end, or to `now` while it runs. */
export const durationOf = ({ started_at: start, finished_at: end, state }: Run, now: number): number | null =>
  start === null ? null : end !== null ? (end - start) / 1000 : state === 'running' ? (now - start) / 1000 : null

/** A run as REST shows it: instants in ISO 8601, duration in seconds, with its label. */
export function runView (run: Run, now: number) {
  const { created_at: created, due_at: due, nominal_at: nominal, started_at: started, finished_at: finished,
    deadline_at: deadline, lease_until: _lease, owner: _owner, child: _child, single: _single, progress, ...rest } = run
  return {
    ...rest,
    label: labelOf(run, now),
    created_at: iso(created)!,
    due_at: iso(due)!,
    nominal_at: iso(nominal)!,
    started_at: iso(started),
    finished_at: iso(finished),
    deadline_at: iso(deadline),
    duration: durationOf(run, now),
    // Only a running run has time left.
    progress: progress && { ...progress, eta: run.state === 'running' ? progress.eta : null, at: iso(progress.at)! }
  }
}

const attemptView = ({ started_at: start, finished_at: end, ...rest }: PastAttempt) => ({
  ...rest,
  started_at: iso(start)!,
  finished_at: iso(end)!
})

/** One hold as REST shows it; `seconds` counts up to `now` while it lasts. */
export const holdView = ({ code, message, from, to }: Hold, now: number) => ({
  code,
  message,
  from: iso(from)!,
  to: iso(to),
  seconds: Math.max(0, (to ?? now) - from) / 1000
})

/** A run as REST shows it with payload, result, past attempts, holds, usage and prerequisites. */
export const fullRunView = (
  { payload, result, checkpoint, attempts, holds, used, after, ...run }: FullRun,
  now: number
) => ({
  ...runView(run, now),
  payload,
  result,
  checkpoint: checkpointView(checkpoint),
  attempts: attempts.map(attemptView),
  holds: holds.map(hold => holdView(hold, now)),
  used,
  after
})
