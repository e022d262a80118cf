import parse from 'parse-duration'
import { durationInvalid, durationTooLong } from '../errors/input-errors.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Seconds as a number, or words: `90`, `"15m"`, `"1h 30m"`, `"PT15M"`. */
export type Duration = number | string

// The parser ignores unknown words; here they are an error. The second form is ISO 8601.
const WORDS =
  /^\s*(?:(?:\d+(?:\.\d+)?\s*[a-zµ]+[\s,]*)+|p(?=[\dt])(?:\d+(?:\.\d+)?[ymwd])*(?:t(?:\d+(?:\.\d+)?[hms])+)?)\s*$/i

const LONGEST_WORDS = 200
/** The longest text that is parsed, characters. */
const MOST_CHARACTERS = 200

const READ_KEPT = 1000
const read = new Map<string, number>()

/** The longest duration, ms: ten years with leap days. Instants computed with it stay within the calendar. */
export const LONGEST = 3653 * DAY

/** Milliseconds of a duration. Throws OFFPEAK_DURATION_INVALID when it is negative, longer than ten years or not
 *  valid. */
export function milliseconds (value: Duration): number {
  if (typeof value !== 'string') return readMs(value)
  if (value.length > LONGEST_WORDS) throw durationInvalid(value)
  const known = read.get(value)
  if (known !== undefined) return known
  const ms = readMs(value)
  if (read.size >= READ_KEPT) read.clear()
  read.set(value, ms)
  return ms
}

function readMs (value: Duration): number {
  // The parser reads a number without a unit as milliseconds; here it is seconds, quoted or not.
  const bare = typeof value === 'number' || (value.length <= MOST_CHARACTERS && /^\s*\d+(\.\d+)?\s*$/.test(value))
  const ms = bare
    ? Number(value) * SECOND
    : value.length <= MOST_CHARACTERS && WORDS.test(value)
    ? parse(value.trim())
    : null
  if (ms === null || ms === undefined || !Number.isFinite(ms) || ms < 0) throw durationInvalid(value)
  if (ms > LONGEST) throw durationTooLong(value)
  return ms
}

/** Seconds of a duration. Throws OFFPEAK_DURATION_INVALID like `milliseconds`. */
export const seconds = (value: Duration): number => milliseconds(value) / SECOND

const UNITS: [number, string][] = [[DAY, 'd'], [HOUR, 'h'], [MINUTE, 'm'], [SECOND, 's']]

/** The two largest units of a span in words for people, rounded: `2 h 12 m`, `4 s`, `820 ms`; `8 h` for a span that
 *  lacks less than half a minute of eight hours. */
export function spanWords (ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  const [least] = UNITS[UNITS.findIndex(([unit]) => ms >= unit) + 1] ?? [SECOND]
  const rounded = Math.round(ms / least) * least
  const first = UNITS.findIndex(([unit]) => rounded >= unit)
  return UNITS.slice(first, first + 2)
    .map(([unit, name], index) =>
      [Math.floor(index === 0 ? rounded / unit : (rounded % UNITS[first]![0]) / unit), name] as const
    )
    .filter(([count], index) => index === 0 || count > 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(' ')
}
