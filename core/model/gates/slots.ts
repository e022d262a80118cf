import type { Gate, GateInput, Occupancy } from '../conditions/gate.ts'
import { isCritical } from '../conditions/urgency.ts'

const NONE = { free: 0, slots: 0 }

/** Whether there is a slot for the run. */
export const hasSlot = (
  ask: Pick<GateInput, 'run' | 'task' | 'class'> & { occupancy: Pick<Occupancy, 'free' | 'reserve'> }
): boolean => ask.occupancy.free > 0 || ((ask.occupancy.reserve?.free ?? 0) > 0 && isCritical(ask))

/** Closed while every slot of this process is in use. Critical runs also have reserved slots. */
export const slots: Gate = ask => {
  const { free, slots: all, reserve = NONE } = ask.occupancy
  const ok = hasSlot(ask)
  const most = isCritical(ask) ? all + reserve.slots : all
  const left = isCritical(ask) ? free + reserve.free : free
  return {
    gate: 'slots',
    ok,
    code: ok ? 'ok' : 'no_slot',
    message: ok ? `${left} of ${most} slots are free` : `all ${most} slots are in use (manager.scheduler_thread_pool)`,
    observed: most - left,
    required: most,
    clears_at: null,
    certain: false,
    source: '/manager/scheduler_thread_pool'
  }
}
