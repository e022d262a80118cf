import { seconds } from '../base/duration.ts'
import { triggerInvalid } from '../errors/input-errors.ts'
import type { Bounds, TriggerSpec } from './spec.ts'
import type { Zone } from './zone.ts'
import { readInstant } from './instant.ts'
import { zoneOf } from './zone.ts'

export type Args = Record<string, unknown>

/** The pointer to an argument of a trigger. */
export const pointerTo = (name: string) => `/trigger_args/${name}`

/** Whether an argument is given; null counts as not given. */
export const given = (args: Args, name: string) => args[name] !== undefined && args[name] !== null

/** The arguments of a trigger; OFFPEAK_TRIGGER_INVALID when one of them is not in `known`. */
export function argsOf ({ trigger_args: args }: TriggerSpec, known: readonly string[]): Args {
  if (args === undefined || args === null) return {}
  if (typeof args !== 'object' || Array.isArray(args)) {
    throw triggerInvalid({ pointer: '/trigger_args', found: args, expected: 'an object' })
  }
  for (const name of Object.keys(args)) {
    if (!known.includes(name)) {
      throw triggerInvalid({ pointer: pointerTo(name), field: 'trigger_args', found: name, expected: known.join(', ') })
    }
  }
  return args
}

/** The zone of a trigger: `trigger_args.timezone`, else `timezone`, else UTC. */
export function zoneFor (spec: TriggerSpec, args: Args): Zone {
  if (given(args, 'timezone')) return zoneOf(args.timezone, pointerTo('timezone'))
  return zoneOf(spec.timezone ?? 'UTC', '/timezone')
}

/** `start_date` and `end_date`, epoch ms, both inclusive; infinite where not given. */
export function boundsOf (args: Args, zone: Zone): Bounds {
  const at = (name: string, open: number) => given(args, name) ? readInstant(args[name], zone, pointerTo(name)) : open
  return { start: at('start_date', -Infinity), end: at('end_date', Infinity) }
}

/** An argument that is a duration, in seconds. Throws OFFPEAK_TRIGGER_INVALID. */
export function durationOf (args: Args, name: string): number {
  const value = args[name]
  const pointer = pointerTo(name)
  const expected = "seconds as a number, 0 or more, or words such as '15m', at most ten years"
  if (typeof value !== 'number' && typeof value !== 'string') throw triggerInvalid({ pointer, found: value, expected })
  try {
    return seconds(value)
  } catch (cause) {
    throw triggerInvalid({ pointer, found: value, expected, cause })
  }
}

const MOST_JITTER = 366 * 24 * 60 * 60

/** `jitter` in seconds, 0 when not given, at most a year: more could leave the calendar. */
export function jitterOf (args: Args): number {
  const jitter = given(args, 'jitter') ? durationOf(args, 'jitter') : 0
  if (jitter <= MOST_JITTER) return jitter
  throw triggerInvalid({ pointer: pointerTo('jitter'), found: args.jitter, expected: 'at most a year' })
}
