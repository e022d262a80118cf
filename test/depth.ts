/** The share of random worlds and kills that is tried; `npm test -- --deep` sets 1, which is all of them. */
const DEPTH = Number(process.env['OFFPEAK_DEPTH'] ?? 0.25)

/** The number of cases to try of `whole`. A random test tries other cases each time. */
export const times = (whole: number): number => Math.max(1, Math.ceil(whole * DEPTH))
