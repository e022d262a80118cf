import type { Gate } from './gate.ts'

/** Closed to what a schedule asked for while the task is disabled; a run asked for by hand is not held. */
export const enabled: Gate = ({ task, run: { source } }) => {
  if (task === undefined || task.enabled) return null
  const scheduled = source === 'schedule' || source === 'catch_up'
  return {
    gate: 'enabled',
    ok: !scheduled,
    code: scheduled ? 'task_disabled' : 'ok',
    message: scheduled ? 'the task is disabled' : 'the task is disabled, and this run was asked for by hand',
    observed: false,
    required: scheduled ? true : null,
    clears_at: null,
    certain: true,
    source: 'task definition /enabled'
  }
}
