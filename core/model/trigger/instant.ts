import { triggerInvalid } from '../base/errors.ts'
import type { Zone } from './zone.ts'
import { daysFrom, isLeap } from './civil.ts'
import { instantOf } from './zone.ts'

const SHAPE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)?)?$/
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const EXPECTED = "a date such as '2026-12-25' or '2026-12-25 08:30:00', with 'Z' or an offset if it is not local"

function existing ([year, month, day, hour, minute, second]: number[]): boolean {
  if (month! < 1 || month! > 12 || year! < 1) return false
  const length = MONTH_DAYS[month! - 1]! + (month === 2 && isLeap(year!) ? 1 : 0)
  return day! >= 1 && day! <= length && hour! < 24 && minute! < 60 && second! < 60
}

function offsetOf (text: string): number | null {
  if (text === 'Z') return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(4))
  if (hours > 23 || minutes > 59) return null
  return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60)
}

/** Epoch ms of a date (a Date, or a string `Y-M-D[( |T)H:M:S[.ffffff][Z|±HH:MM]]`), local to the zone unless it has an
 *  offset; OFFPEAK_TRIGGER_INVALID when there is no such date. */
export function readInstant (value: unknown, zone: Zone, pointer: string): number {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime()
  const found = typeof value === 'string' ? SHAPE.exec(value) : null
  const numbers = found?.slice(1, 7).map(Number.bind(null)).map(number => Number.isNaN(number) ? 0 : number) ?? []
  if (found === null || !existing(numbers)) throw triggerInvalid({ pointer, found: value, expected: EXPECTED })
  const [year, month, day, hour, minute, second] = numbers
  const wall = daysFrom(year!, month!, day!) * 86_400 + hour! * 3600 + minute! * 60 + second!
  const ms = Math.trunc(Number(`0.${found[7] ?? 0}`) * 1000 + 1e-6)
  if (found[8] === undefined) return instantOf(zone, wall) * 1000 + ms
  const offset = offsetOf(found[8])
  if (offset === null) throw triggerInvalid({ pointer, found: value, expected: EXPECTED })
  return (wall - offset) * 1000 + ms
}
