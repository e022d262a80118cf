import { spanWords } from '../../model/base/duration.ts'

const pad = (number: number) => String(number).padStart(2, '0')

/** An instant in the local time of this machine: `HH:MM:SS` today, with the date on other days. */
export function timeWords (instant: string | null, now = Date.now()): string {
  if (instant === null) return '-'
  const at = new Date(instant)
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`
  return at.toDateString() === new Date(now).toDateString() ? time : `${day} ${time}`
}

/** The wall clock of a zone at an instant: `2026-11-22 03:00:00`. */
const wallIn = (instant: string, zone: string): string =>
  Temporal.Instant.from(instant).toZonedDateTimeISO(zone).toPlainDateTime().toString({ smallestUnit: 'second' })
    .replace(
      'T',
      ' '
    )

/** True when clocks of this machine and of a zone differ at an instant. */
export const isElsewhere = (instant: string, zone: string): boolean => wallIn(instant, zone) !== timeWords(instant, 0)

/** An instant in the local time of this machine, and in a zone if its clocks differ:
 *  `08:00:00 (03:00:00 in America/New_York)`. */
export function zonedWords (instant: string | null, zone: string | null, now = Date.now()): string {
  const here = timeWords(instant, now)
  if (instant === null || zone === null || !isElsewhere(instant, zone)) return here
  const there = wallIn(instant, zone)
  const isSameDay = there.slice(0, 10) === timeWords(instant, 0).slice(0, 10)
  return `${here} (${isSameDay ? there.slice(11) : there} in ${zone})`
}

/** `in 2 h 12 m`, `4 s ago`. */
export function agoWords (instant: string | null, now = Date.now()): string {
  if (instant === null) return '-'
  const span = Date.parse(instant) - now
  return span >= 0 ? `in ${spanWords(span)}` : `${spanWords(-span)} ago`
}

/** Seconds in words. */
export const durationWords = (seconds: number | null): string => seconds === null ? '-' : spanWords(seconds * 1000)
