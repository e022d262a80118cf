import type { Gate, GateInput } from '../conditions/gate.ts'
import { READ } from '../conditions/gate.ts'
import { windowAt } from '../machine/window.ts'

/** How many runs of the class background may run at once: scheduling.max_background_batch times the share that the
 *  window in force leaves, rounded up, at least one. `window`: the name of the window that reduces them, or null. */
export function backgroundSlots (
  { config, now }: Pick<GateInput, 'config' | 'now'>
): { slots: number, window: string | null } {
  const most = config.scheduling.max_background_batch
  const window = windowAt(config, now)
  const slots = Math.max(1, Math.ceil(most * (window?.resource_limit ?? 1) - 1e-9))
  return { slots: Math.min(most, slots), window: slots < most ? window!.name : null }
}

/** Closed while all slots for background work are in use. */
export const background: Gate = ({ class: kind, config, now, occupancy: { background: taken } }) => {
  if (kind !== 'background') return null
  const { slots: most, window } = backgroundSlots({ config, now })
  const ok = taken < most
  const hours = window === null ? '' : ` in ${window} hours`
  return {
    gate: 'background',
    ok,
    code: ok ? 'ok' : 'background_busy',
    message: `${taken} of ${most} background slots in use${hours}`,
    observed: taken,
    required: most,
    ...READ,
    source: window === null ? '/scheduling/max_background_batch' : `/scheduling/time_windows/${window}/resource_limit`
  }
}
