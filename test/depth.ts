/** 1: random worlds and kills as many as ever; `npm test -- --deep`. */
const DEPTH = Number(process.env['OFFPEAK_DEPTH'] ?? 0.25)

/** How many cases of so many are tried: a quarter, other ones each time, and all of them when asked. */
export const times = (whole: number): number => Math.max(1, Math.ceil(whole * DEPTH))
