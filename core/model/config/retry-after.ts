import { SECOND } from '../base/duration.ts'

/** How soon a full queue is worth another try, seconds. */
const SOONEST = 1
const WORKING = 5
const LATEST = 60

/** What is known of a full queue: since when its oldest run is due, null when none is; how many run; when the next run
 *  of any queue is due. */
interface Crowded {
  now: number
  oldest: number | null
  running: number
  next_at: number | null
}

/** After how many seconds there may be a place: once something is due, soon while its runs run, and what is held back
 *  is likely to be held as long again. */
export function retryAfter ({ now, oldest, running, next_at: next }: Crowded): number {
  const held = running > 0 ? WORKING : (now - (oldest ?? now)) / SECOND
  const wait = oldest === null ? ((next ?? Infinity) - now) / SECOND : held
  return Math.min(LATEST, Math.max(SOONEST, Math.ceil(wait)))
}
