import type { Gate } from '../conditions/gate.ts'

/** Closed for all but one trial run after a breaker has paused the task. */
export const breaker: Gate = ({ task, occupancy: { trials } }) => {
  const trial = task === undefined || task.breaker === null ? undefined : trials?.get(task.id)
  if (trial === undefined) return null
  const ok = trial.run === null
  return {
    gate: 'breaker',
    ok,
    code: ok ? 'ok' : 'breaker_trial',
    message: ok
      ? 'the trial run after a pause of the breaker'
      : `paused by its breaker before: waits for the trial run ${trial.run}`,
    observed: trial.run,
    required: null,
    clears_at: null,
    certain: true,
    source: 'task definition /breaker'
  }
}
