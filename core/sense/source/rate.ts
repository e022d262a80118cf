import type { Clock } from '../../model/base/clock.ts'

// Counters move in steps of 10 ms: over less than this a share says nothing.
const LEAST_MS = 100

export interface Change<C, A> {
  now: C
  before: C
  seconds: number
  /** What was answered last. */
  last: A
}

/** Turns counters into rates: asks `derive` about this and the last sample; `none` before there are two. Too soon after
 *  the last, its answer stands. */
export function rates<C, A> (
  { clock, none, derive }: { clock: Clock, none: A, derive: (change: Change<C, A>) => A }
): (now: C) => A {
  let before: { counters: C, at: number } | null = null
  let last = none
  return now => {
    const at = clock.monotonic()
    if (before === null) {
      before = { counters: now, at }
      return none
    }
    const passed = at - before.at
    if (passed < LEAST_MS) return last
    last = derive({ now, before: before.counters, seconds: passed / 1000, last })
    before = { counters: now, at }
    return last
  }
}

/** What a counter rose by; null when it went back or was no number. */
export function rise (now: number | undefined, before: number | undefined): number | null {
  const change = (now ?? NaN) - (before ?? NaN)
  return change >= 0 ? change : null
}
