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

/** `in 2 h 12 m`, `4 s ago`. */
export function agoWords (instant: string | null, now = Date.now()): string {
  if (instant === null) return '-'
  const span = Date.parse(instant) - now
  return span >= 0 ? `in ${spanWords(span)}` : `${spanWords(-span)} ago`
}

/** Seconds in words. */
export const durationWords = (seconds: number | null): string => seconds === null ? '-' : spanWords(seconds * 1000)
