/** The share of random worlds, kills, faults of the engine and benchmarks that is tried; `npm test -- --deep` sets 1,
 *  which is all of them. */
const DEPTH = Number(process.env['OFFPEAK_DEPTH'] ?? 0.25)

/** The number of cases to try of `whole`. A random test tries other cases each time. */
export const times = (whole: number): number => Math.max(1, Math.ceil(whole * DEPTH))

/** A random share of a list that is tried in full with `--deep`, in its order. */
export function shareOf<T> (list: readonly T[]): T[] {
  const chosen = new Set(list.map((_, index) => [Math.random(), index]).toSorted(([a], [b]) => a! - b!)
    .slice(0, times(list.length)).map(([, index]) => index))
  return list.filter((_, index) => chosen.has(index))
}
