import { fractionMs, offsetSeconds, wallSeconds } from '../base/instant.ts'
import { triggerInvalid } from '../errors/input-errors.ts'
import type { Zone } from './zone.ts'
import { instantOf } from './zone.ts'

const SHAPE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)?)?$/
const EXPECTED = "a date such as '2026-12-25' or '2026-12-25 08:30:00', with 'Z' or an offset if it is not local"

/** Epoch ms of a date (a Date, or a string `Y-M-D[( |T)H:M:S[.ffffff][Z|±HH:MM]]`), local to the zone unless it has an
 *  offset. Throws OFFPEAK_TRIGGER_INVALID. */
export function readInstant (value: unknown, zone: Zone, pointer: string): number {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime()
  const refused = () => triggerInvalid({ pointer, found: value, expected: EXPECTED })
  const found = typeof value === 'string' ? SHAPE.exec(value) : null
  if (found === null) throw refused()
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(digits => Number(digits ?? 0))
  const wall = wallSeconds([year!, month!, day!, hour!, minute!, second!])
  if (wall === null) throw refused()
  const ms = fractionMs(found[7])
  if (found[8] === undefined) return instantOf(zone, wall) * 1000 + ms
  const offset = offsetSeconds(found[8])
  if (offset === null) throw refused()
  return (wall - offset) * 1000 + ms
}
