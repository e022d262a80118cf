import type { Trigger, TriggerSpec } from './spec.ts'
import { argsOf, given, pointerTo, zoneFor } from './args.ts'
import { readInstant } from './instant.ts'

export const DATE_ARGS = ['run_date', 'timezone'] as const

/** Fires once at `run_date`, or at `anchor` without one. */
export function dateTrigger (spec: TriggerSpec, anchor: number): Trigger {
  const args = argsOf(spec, DATE_ARGS)
  const zone = zoneFor(spec, args)
  const at = given(args, 'run_date') ? readInstant(args.run_date, zone, pointerTo('run_date')) : anchor
  const within = (from: number, to: number) => at > from && at <= to
  return {
    kind: 'date',
    jitter: 0,
    until: at,
    next: after => at > after ? at : null,
    latest: (from, to) => within(from, to) ? at : null,
    count: (from, to, cap) => within(from, to) ? Math.min(1, cap) : 0
  }
}
