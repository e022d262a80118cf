const SECOND = 1000
const SHAPE = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d(?::?\d\d)?)$/

/** The expected form of an instant, for messages. */
export const INSTANT_EXPECTED = 'an instant with a zone, such as 2026-11-22T03:00:00Z'

/** Year, month (1 to 12), day, hour, minute and second of a wall clock. */
type Wall = readonly [year: number, month: number, day: number, hour: number, minute: number, second: number]

/** Seconds from 1970 to a wall clock without a zone; null when there is no such day or time. */
export function wallSeconds ([year, month, day, hour, minute, second]: Wall): number | null {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isDay = year >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!isDay || hour > 23 || minute > 59 || second > 59) return null
  return date.getTime() / SECOND + hour * 3600 + minute * 60 + second
}

/** Seconds east of UTC of `Z`, `+01`, `+01:00` or `+0100`; null when there is no such offset. */
export function offsetSeconds (text: string): number | null {
  if (/^z$/i.test(text)) return 0
  const digits = text.slice(1).replace(':', '').padEnd(4, '0')
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))]
  if (hours > 23 || minutes > 59) return null
  return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60)
}

/** The milliseconds of the digits behind the decimal point of a second. */
export const fractionMs = (digits = ''): number => Number(digits.slice(0, 3).padEnd(3, '0'))

/** Epoch ms of an instant in ISO 8601 with a zone. Null for anything else, such as a day or hour that does not exist or
 *  a missing zone. */
export function instantOf (text: string): number | null {
  const found = SHAPE.exec(text)
  if (found === null) return null
  const [year, month, day, hour, minute, second = 0] = found.slice(1, 7).map(digits => Number(digits ?? 0))
  const wall = wallSeconds([year!, month!, day!, hour!, minute!, second])
  const offset = offsetSeconds(found[8]!)
  return wall === null || offset === null ? null : (wall - offset) * SECOND + fractionMs(found[7])
}
