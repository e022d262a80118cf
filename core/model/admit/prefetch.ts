/** So much work of a task, in ms of all slots together, may be claimed before there is a slot for it. */
const WORK_MS = 5

/** Runs that are claimed so at once, at most. */
const MOST = 100

/** Runs of a task that have to end before anything is known of how long they take. */
const ENOUGH = 20

/** How long the runs of a task take, seen from the slow side: a slow one counts at once, quick ones little by
 *  little. */
export interface RunPace {
  count: number
  ms: number
}

/** The pace after one run more. */
export function nextRunPace (pace: RunPace | undefined, ms: number): RunPace {
  const known = pace ?? { count: 0, ms: 0 }
  return { count: known.count + 1, ms: ms > known.ms ? ms : known.ms + (ms - known.ms) / 8 }
}

/** How many runs of a task may be claimed before there is a slot for them: what the slots begin within some ms, none of
 *  a task that is slow or not known well. One transaction for many quick runs costs less than one for each. */
export function prefetchLimit (pace: RunPace | undefined, slots: number): number {
  if (pace === undefined || pace.count < ENOUGH || pace.ms > WORK_MS) return 0
  return Math.min(MOST, Math.floor(slots * WORK_MS / Math.max(pace.ms, WORK_MS / MOST)))
}
