import type { Gate } from './gate.ts'

/** Closed while as many runs of the task are running as it allows. */
export const concurrency: Gate = ({ task, standing: { active } }) => {
  const most = task?.concurrency ?? Infinity
  const ok = active < most
  return {
    gate: 'concurrency',
    ok,
    code: ok ? 'ok' : 'task_busy',
    message: ok ? 'the task has room' : `${active} of its runs ${active === 1 ? 'is' : 'are'} running, and ${most} may`,
    observed: active,
    required: Number.isFinite(most) ? most : null,
    clears_at: null,
    certain: false,
    source: 'task definition /concurrency'
  }
}
