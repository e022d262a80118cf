import { DAY, HOUR } from '../../model/base/duration.ts'

/** How far the wall clock is trusted, epoch ms. `until`: the last confirmed instant, or null. `from`: the first instant
 *  after an unconfirmed step, or null. `at`: the last reading of the clock. */
export interface ClockTrust {
  until: number | null
  from: number | null
  at: number
}

/** A step up to this size is confirmed at once. */
const SMALL = HOUR

/** A step up to this size, such as that of a machine that slept or was off, does not restart the day of proof. */
const NO_RESTART = 7 * DAY

/** After a larger step the clock is confirmed when it has run without another one for this long. */
const PROOF = DAY

/** The trust after a reading of `now`. `elapsed`: the monotonic time since the last reading, ms; 0 when it is unknown,
 *  as at a start. */
export function clockTrust (before: ClockTrust | null, now: number, elapsed: number): ClockTrust {
  if (before === null) return { until: null, from: now, at: now }
  const expected = before.until === null ? null : before.until + elapsed
  // After a larger step back, what was confirmed stays confirmed.
  if (expected !== null && Math.abs(now - expected) <= SMALL) return { until: now, from: null, at: now }
  if (expected !== null && now < expected) return { until: expected, from: before.from, at: now }
  const isFar = now - (before.at + elapsed) > NO_RESTART
  const from = before.from === null || isFar ? now : Math.min(before.from, now)
  if (now - from >= PROOF) return { until: now, from: null, at: now }
  return { until: expected, from, at: now }
}

/** The instant from which the age of rows is counted: the earlier of the reading and the confirmed instant, epoch ms; 0
 *  when none is confirmed. */
export const sureBy = ({ until, at }: ClockTrust): number => Math.min(until ?? 0, at)
