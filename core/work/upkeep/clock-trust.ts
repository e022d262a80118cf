import { DAY, HOUR } from '../../model/base/duration.ts'

/** How far the wall clock can be believed, epoch ms. `until`: up to there the clock has stood, whatever it says; null:
 *  it has not stood yet. `from`: since when it says what cannot be believed yet; null: it says nothing of the kind.
 *  `at`: what it said last. */
export interface ClockTrust {
  until: number | null
  from: number | null
  at: number
}

/** A step that is no larger is believed at once. */
const SMALL = HOUR

/** Steps up to here, such as those of a machine that slept or was off, do not begin the day of proof anew. */
const NO_RESTART = 7 * DAY

/** A clock that says something else is believed once it has stood for so long. */
const PROOF = DAY

/** What is known of the clock once it says `now`, so long after it was last asked (ms; 0 when nobody has counted, such
 *  as at a start). */
export function clockTrust (before: ClockTrust | null, now: number, elapsed: number): ClockTrust {
  if (before === null) return { until: null, from: now, at: now }
  const expected = before.until === null ? null : before.until + elapsed
  // One that was set back by more says less than is sure: that stays sure.
  if (expected !== null && Math.abs(now - expected) <= SMALL) return { until: now, from: null, at: now }
  if (expected !== null && now < expected) return { until: expected, from: before.from, at: now }
  const isFar = now - (before.at + elapsed) > NO_RESTART
  const from = before.from === null || isFar ? now : Math.min(before.from, now)
  if (now - from >= PROOF) return { until: now, from: null, at: now }
  return { until: expected, from, at: now }
}

/** Up to which instant something may be removed for its age: neither later than the clock says nor than it has stood;
 *  1970 when it has not. */
export const sureBy = ({ until, at }: ClockTrust): number => Math.min(until ?? 0, at)
