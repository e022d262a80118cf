import type { Gate } from '../conditions/gate.ts'

/** Closed to scheduled runs while the task is disabled; a run requested by hand may start. */
export const enabled: Gate = ({ task, run: { source } }) => {
  if (task === undefined || task.enabled) return null
  const scheduled = source === 'schedule' || source === 'catch_up'
  return {
    gate: 'enabled',
    ok: !scheduled,
    code: scheduled ? 'task_disabled' : 'ok',
    message: scheduled ? 'the task is disabled' : 'the task is disabled, but the run was requested by hand',
    observed: false,
    required: scheduled ? true : null,
    clears_at: null,
    certain: true,
    source: 'task definition /enabled'
  }
}
