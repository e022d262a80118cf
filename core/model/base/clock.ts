/** Two clocks: the wall's, which people read and may be set, and one that only counts. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds since some instant; stands still while the machine sleeps. */
  monotonic(): number
  /** Calls back when so many milliseconds have been counted; returns a function that cancels it. Absent: the timers of
   *  the process. */
  after?(ms: number, ring: () => void): () => void
}

/** The machine's own clocks. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** No timer of the process is longer: they overflow after 24.8 days. */
const LONGEST_TIMER = 86_400_000

/** Calls back after so many counted milliseconds, however many, by the timers of a clock that has its own; returns
 *  a function that cancels it. */
export function after (clock: Pick<Clock, 'after'>, ms: number, ring: () => void): () => void {
  if (clock.after) return clock.after(ms, ring)
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    timer = setTimeout(left > LONGEST_TIMER ? () => wait(left - LONGEST_TIMER) : ring, Math.min(left, LONGEST_TIMER))
  }
  wait(ms)
  return () => clearTimeout(timer)
}

/** A clock that was set back by less than this is left to catch up, ms. */
export const CLOCK_SLACK = 10_000

/** By how much an instant that has passed lies ahead of a clock that was set back since; 0 when it does not, or by no
 *  more than the slack. */
export const aheadOf = (at: number, now: number): number => at > now + CLOCK_SLACK ? at - now : 0

/** A clock that says less has not been set yet, such as one that begins in 1970 with every boot. */
const UNSET_BEFORE = Date.UTC(2025, 0, 1)

/** By how much what was given an end at an instant has to be moved to count from now, ms: it lies ahead, since the
 *  clock was set back, or before the clock was set for the first time. 0 for any other. */
export const movedBy = (at: number, now: number): number =>
  (at < UNSET_BEFORE && now >= UNSET_BEFORE) || aheadOf(at, now) > 0 ? now - at : 0

/** The last and, negative, the first instant that a date can have, epoch ms. */
export const LAST_DATE = 8.64e15

/** An instant that a date can have: one beyond the calendar becomes the last or the first of it. */
export const clamped = (at: number): number => Math.max(-LAST_DATE, Math.min(LAST_DATE, at))

/** An instant as REST gives it: ISO 8601 in UTC with `Z`. Null for null and for what is not a number; one beyond the
 *  calendar is its last or first. */
export const iso = (at: number | null): string | null =>
  at === null || Number.isNaN(at) ? null : new Date(clamped(at)).toISOString()

/** The first of some instants, or null. */
export const earliest = (instants: readonly (number | null)[]): number | null =>
  instants.reduce((least, at) => at === null ? least : least === null ? at : Math.min(least, at), null)
