import { LONGEST, SECOND } from '../base/duration.ts'
import { triggerInvalid } from '../errors/input-errors.ts'
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
    throw triggerInvalid({
      pointer: pointerTo('every'),
      found: args.every,
      expected: `either every or ${units.join(', ')}, not both`
    })
  }
  const total = given(args, 'every')
    ? durationOf(args, 'every')
    : units.reduce((sum, name) => sum + unitSeconds(args, name), 0)
  if (Math.round(total * SECOND) >= 1 && total * SECOND <= LONGEST) return total
  throw triggerInvalid({
    pointer: '/trigger_args',
    found: args,
    expected: "a length above 0 and at most ten years, such as { minutes: 15 } or { every: '15m' }"
  })
}

/** Fires every `step` ms from `start` to `end`, both inclusive. */
class Interval implements Trigger {
  readonly kind = 'interval'
  readonly jitter: number
  readonly until: number
  readonly #start: number
  readonly #step: number

  constructor ({ start, end, step, jitter }: Bounds & { step: number, jitter: number }) {
    this.jitter = jitter
    this.until = end
    this.#start = start
    this.#step = step
  }

  next (after: number): number | null {
    return this.#nth(this.#fires(after))
  }

  latest (from: number, to: number): number | null {
    const fires = this.#fires(to)
    return fires > this.#fires(from) ? this.#nth(fires - 1) : null
  }

  count (from: number, to: number, cap: number): number {
    return Math.max(0, Math.min(cap, this.#fires(to) - this.#fires(from)))
  }

  get #end (): number {
    return Math.min(this.until, LAST_INSTANT)
  }

  /** The number of fires up to an instant, inclusive. */
  #fires (at: number): number {
    const upTo = Math.min(at, this.#end)
    return upTo < this.#start ? 0 : Math.floor((upTo - this.#start) / this.#step) + 1
  }

  #nth (index: number): number | null {
    const fire = this.#start + index * this.#step
    return fire > this.#end ? null : fire
  }
}

/** Fires at a fixed interval from `start_date` on; without one, first at one interval after `anchor`. */
export function intervalTrigger (spec: TriggerSpec, anchor: number): Trigger {
  const args = argsOf(spec, INTERVAL_ARGS)
  const bounds = boundsOf(args, zoneFor(spec, args))
  const step = Math.round(intervalSeconds(args) * 1000)
  const start = given(args, 'start_date') ? bounds.start : anchor + step
  return new Interval({ start, end: bounds.end, step, jitter: jitterOf(args) })
}
