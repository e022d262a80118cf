import type { Trigger, TriggerSpec } from './trigger/spec.ts'
import { instantOf } from './base/instant.ts'
import { triggerInvalid } from './errors/input-errors.ts'
import { crontabTrigger, fieldTrigger } from './trigger/compile.ts'
import { kindOf } from './trigger/crontab.ts'
import { intervalTrigger } from './trigger/interval.ts'
import { dateTrigger } from './trigger/once.ts'

export type { Trigger, TriggerSpec } from './trigger/spec.ts'
export { kindOf } from './trigger/crontab.ts'
export { wordsFor } from './trigger/words.ts'

/** Compiles a trigger. `anchor` (epoch ms) is when the schedule was first seen: an interval without `start_date` counts
 *  from it, and a date without `run_date` fires then. Throws OFFPEAK_TRIGGER_INVALID. */
export function compileTrigger (spec: TriggerSpec, anchor: number): Trigger {
  const kind = kindOf(spec.trigger)
  if (kind === 'cron') return fieldTrigger(spec)
  if (kind === 'interval') return intervalTrigger(spec, anchor)
  if (kind === 'date') return dateTrigger(spec, anchor)
  return crontabTrigger(spec)
}

/** A trigger to preview. `after`: ISO 8601 with an offset, or epoch ms. `random`: 0 to 1, for jitter; absent: none. */
interface FiresAsk {
  trigger: string
  trigger_args?: Record<string, unknown> | null | undefined
  timezone?: string | undefined
  after?: string | number | undefined
  count?: number | undefined
  random?: (() => number) | undefined
}

function readAfter (after: unknown): number {
  const ms = typeof after === 'string' ? instantOf(after) : after
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms
  throw triggerInvalid({
    pointer: '/after',
    found: after,
    expected: "an instant such as '2026-12-25T00:00:00Z' or epoch milliseconds"
  })
}

/** The next `count` (5) fires strictly after `after`, as ISO 8601 in UTC; an interval without a start counts from
 *  `after`. */
export function nextFires ({ after, count = 5, random, ...spec }: FiresAsk): string[] {
  const from = readAfter(after)
  if (!Number.isInteger(count) || count < 0) {
    throw triggerInvalid({ pointer: '/count', found: count, expected: 'a whole number, 0 or more' })
  }
  const trigger = compileTrigger(spec, from)
  const fires: string[] = []
  let previous = from
  let due = trigger.next(from)
  while (due !== null && fires.length < count) {
    const late = random === undefined ? 0 : Math.round(random() * trigger.jitter * 1000)
    // A late fire neither passes the end of its schedule nor the fire before it.
    previous = Math.max(Math.min(due + late, trigger.until), previous + 1)
    fires.push(new Date(previous).toISOString())
    due = trigger.next(due)
  }
  return fires
}
