import type { Gate } from './gate.ts'

/** Closed for all but one run once a breaker has paused the task: that one tries whether it works again. */
export const breaker: Gate = ({ task, occupancy: { trials } }) => {
  const trial = task === undefined || task.breaker === null ? undefined : trials?.get(task.id)
  if (trial === undefined) return null
  const ok = trial.run === null
  return {
    gate: 'breaker',
    ok,
    code: ok ? 'ok' : 'breaker_trial',
    message: ok
      ? 'after its pause the task is tried with one run first'
      : `after its pause the task is tried with one run first: ${trial.run} is not over`,
    observed: trial.run,
    required: null,
    clears_at: null,
    certain: true,
    source: 'task definition /breaker'
  }
}
