/** Two clocks: the wall clock, which can be set, and a monotonic one. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds since an arbitrary instant; stops while the machine sleeps. */
  monotonic(): number
  /** Calls `ring` after `ms` milliseconds; returns a function that cancels it. Absent: the timers of the process are
   *  used. */
  after?(ms: number, ring: () => void): () => void
}

/** The clocks of the machine. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** The longest timer of the process, ms: timers overflow after 24.8 days. */
const LONGEST_TIMER = 86_400_000

/** Calls `ring` after `ms` milliseconds, of any length, with the timers of the clock or of the process; returns a
 *  function that cancels it. */
export function after (clock: Pick<Clock, 'after'>, ms: number, ring: () => void): () => void {
  if (clock.after) return clock.after(ms, ring)
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    timer = setTimeout(left > LONGEST_TIMER ? () => wait(left - LONGEST_TIMER) : ring, Math.min(left, LONGEST_TIMER))
  }
  wait(ms)
  return () => clearTimeout(timer)
}

/** Setbacks of the clock by less than this are ignored, ms. */
export const CLOCK_SLACK = 10_000

/** How far a past instant lies ahead of a clock that was set back since, ms; 0 within CLOCK_SLACK. */
export const aheadOf = (at: number, now: number): number => at > now + CLOCK_SLACK ? at - now : 0

/** A clock before this instant has not been set yet, such as one that starts in 1970 at each boot. */
const UNSET_BEFORE = Date.UTC(2025, 0, 1)

/** By how much an end that was set at an instant must be moved so that it counts from now, ms: when the instant lies
 *  ahead because the clock was set back, or before the clock was first set. Otherwise 0. */
export const movedBy = (at: number, now: number): number =>
  (at < UNSET_BEFORE && now >= UNSET_BEFORE) || aheadOf(at, now) > 0 ? now - at : 0

/** The last and, negated, the first instant of a Date, epoch ms. */
export const LAST_DATE = 8.64e15

/** The instant limited to the range of a Date. */
export const clamped = (at: number): number => Math.max(-LAST_DATE, Math.min(LAST_DATE, at))

/** An instant as REST shows it: ISO 8601 in UTC with `Z`, limited to the range of a Date. Null for null and NaN. */
export const iso = (at: number | null): string | null =>
  at === null || Number.isNaN(at) ? null : new Date(clamped(at)).toISOString()

/** The earliest of the instants, ignoring nulls; null when there is none. */
export const earliest = (instants: readonly (number | null)[]): number | null =>
  instants.reduce((least, at) => at === null ? least : least === null ? at : Math.min(least, at), null)
