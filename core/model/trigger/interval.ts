import { triggerInvalid } from '../errors.ts'
import type { Args } from './args.ts'
import type { Bounds, Trigger, TriggerSpec } from './spec.ts'
import { argsOf, boundsOf, durationOf, given, jitterOf, pointerTo, zoneFor } from './args.ts'
import { LAST_INSTANT } from './spec.ts'

const UNITS = { weeks: 604_800, days: 86_400, hours: 3600, minutes: 60, seconds: 1 }
export const INTERVAL_ARGS = [...Object.keys(UNITS), 'every', 'start_date', 'end_date', 'timezone', 'jitter'] as const

function unitSeconds (args: Args, name: string): number {
  const value = args[name]
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw triggerInvalid({ pointer: pointerTo(name), found: value, expected: 'a number, 0 or more' })
  }
  return value * UNITS[name as keyof typeof UNITS]
}

/** The length of an interval in seconds: `every`, or the sum of its units. */
export function intervalSeconds (args: Args): number {
  const units = Object.keys(UNITS).filter(name => given(args, name))
  if (given(args, 'every') && units.length > 0) {
    throw triggerInvalid({ pointer: pointerTo('every'), found: args.every, expected: `either every or ${units.join(', ')}, not both` })
  }
  const total = given(args, 'every') ? durationOf(args, 'every') : units.reduce((sum, name) => sum + unitSeconds(args, name), 0)
  if (Math.round(total * 1000) >= 1 && total * 1000 <= LAST_INSTANT) return total
  throw triggerInvalid({ pointer: '/trigger_args', found: args, expected: "a length above 0, such as { minutes: 15 } or { every: '15m' }" })
}

interface Beat extends Bounds { step: number }

function beats ({ start, end, step }: Beat) {
  const upTo = (at: number) => at < start ? 0 : Math.floor((Math.min(at, end) - start) / step) + 1
  const nth = (index: number) => {
    const fire = start + index * step
    return fire > end ? null : fire
  }
  const total = end < start ? 0 : upTo(end)
  const fires = (at: number) => Math.min(upTo(at), total)
  return { nth, fires }
}

/** Every so much elapsed time from `start_date` on; without one the first fire comes one interval after `anchor`. */
export function intervalTrigger (spec: TriggerSpec, anchor: number): Trigger {
  const args = argsOf(spec, INTERVAL_ARGS)
  const zone = zoneFor(spec, args)
  const bounds = boundsOf(args, zone)
  const step = Math.round(intervalSeconds(args) * 1000)
  const start = given(args, 'start_date') ? bounds.start : anchor + step
  const { nth, fires } = beats({ start, end: Math.min(bounds.end, LAST_INSTANT), step })
  return {
    kind: 'interval',
    jitter: jitterOf(args),
    until: bounds.end,
    next: after => nth(fires(after)),
    latest: (from, to) => fires(to) > fires(from) ? nth(fires(to) - 1) : null,
    count: (from, to, cap) => Math.max(0, Math.min(cap, fires(to) - fires(from)))
  }
}
