/** Two clocks: the wall's, which people read and may be set, and one that only counts. */
export interface Clock {
  /** Epoch milliseconds. */
  now (): number
  /** Milliseconds since some instant; stands still while the machine sleeps. */
  monotonic (): number
}

/** The machine's own clocks. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** An instant as REST gives it: ISO 8601 in UTC with `Z`. */
export const iso = (at: number | null): string | null => at === null ? null : new Date(at).toISOString()
