import type { Clock } from '../../model/base/clock.ts'

// Counters advance in steps of 10 ms, so shares of shorter periods are meaningless.
const LEAST_MS = 100

export interface Change<C, A> {
  now: C
  before: C
  seconds: number
  /** The last result. */
  last: A
}

/** Turns counters into rates: calls `derive` with this and the last sample. Returns `none` before there are two, and
 *  the last result if the period is too short. */
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

/** The increase of a counter; null if it decreased or is NaN. */
export function rise (now: number | undefined, before: number | undefined): number | null {
  const change = (now ?? NaN) - (before ?? NaN)
  return change >= 0 ? change : null
}
