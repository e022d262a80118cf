import type { Gate, GateInput, Pace } from '../conditions/gate.ts'
import { SECOND, spanWords } from '../base/duration.ts'

/** After a start, a sleep or a long hold one run may run at once, and one more after each step. */
const STEP_MS = 10 * SECOND

/** How many scheduled runs due before `since` may run at once: one at first, then more, up to the number of processors.
 *  Overdue runs do not all start at the same moment. */
export function paceOf (
  { since, cores, taken, now }: { since: number, cores: number, taken: number, now: number }
): Pace {
  const most = Math.max(1, cores)
  const slots = Math.min(most, 1 + Math.max(0, Math.floor((now - since) / STEP_MS)))
  return { since, slots, taken, next_at: slots < most ? since + slots * STEP_MS : null }
}

/** True for a scheduled run that was due before `since`. */
export const isPaced = (
  { since }: Pick<Pace, 'since'>,
  { due_at: due, source }: Pick<GateInput['run'], 'due_at' | 'source'>
): boolean => due < since && (source === 'schedule' || source === 'catch_up')

/** Whether the pace has room for the run. */
export const keepsPace = (
  { run, bypass, occupancy: { pace = null } }: Pick<GateInput, 'run' | 'bypass' | 'occupancy'>
): boolean =>
  pace === null || pace.taken < pace.slots || bypass === 'critical' || bypass === 'now' || !isPaced(pace, run)

/** Closed to overdue scheduled runs while as many of them run as the pace allows. */
export const pace: Gate = ask => {
  const { run, now, occupancy: { pace: found = null } } = ask
  if (found === null || !isPaced(found, run)) return null
  const ok = keepsPace(ask)
  const { slots, taken, next_at: next } = found
  const later = next === null ? '' : `, one more in ${spanWords(Math.max(0, next - now))}`
  return {
    gate: 'pace',
    ok,
    code: ok ? 'ok' : 'pace',
    message: ok
      ? 'within the pace of overdue runs'
      : `overdue runs start gradually: ${taken} of ${slots} in use${later}`,
    observed: taken,
    required: slots,
    clears_at: ok ? null : next,
    certain: false,
    source: 'offpeak'
  }
}
