import type { Gate, GateInput } from '../conditions/gate.ts'

const mostOf = ({ task }: Pick<GateInput, 'task'>): number => task?.concurrency ?? Infinity

/** Whether fewer runs of the task are running than it allows. */
export const hasRoom = (ask: GateInput): boolean => ask.occupancy.active < mostOf(ask)

/** Closed while as many runs of the task are running as it allows. */
export const concurrency: Gate = ask => {
  const { active } = ask.occupancy
  const most = mostOf(ask)
  const ok = hasRoom(ask)
  return {
    gate: 'concurrency',
    ok,
    code: ok ? 'ok' : 'task_busy',
    message: ok ? 'the task has room' : `${active} of ${most} runs of the task are running`,
    observed: active,
    required: Number.isFinite(most) ? most : null,
    clears_at: null,
    certain: false,
    source: 'task definition /concurrency'
  }
}
