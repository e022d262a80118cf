import type { Gate, GateInput } from '../conditions/gate.ts'
import { READ } from '../conditions/gate.ts'
import { inForce, profileOf } from '../machine/power.ts'
import { urgencyOf } from '../conditions/urgency.ts'
import type { Priority } from '../run/run.ts'

/** How many runs of a priority may run at once; Infinity while scheduling.priority_slots is not in force. */
export const prioritySlots = (priority: Priority, { reading, config }: Pick<GateInput, 'reading' | 'config'>): number =>
  inForce(config.scheduling.priority_slots, profileOf(reading, config))
    ? config.scheduling.max_concurrent_tasks[priority]
    : Infinity

/** Closed while scheduling.max_concurrent_tasks runs of the same priority are running. Runs of the class critical count
 *  as critical. */
export const priority: Gate = ask => {
  const name = urgencyOf(ask)
  const most = prioritySlots(name, ask)
  if (most === Infinity) return null
  const taken = ask.occupancy.priorities[name] ?? 0
  const ok = taken < most
  return {
    gate: 'priority',
    ok,
    code: ok ? 'ok' : 'priority_busy',
    message: `${taken} of ${most} slots for priority ${name} in use`,
    observed: taken,
    required: most,
    ...READ,
    source: `/scheduling/max_concurrent_tasks/${name}`
  }
}
