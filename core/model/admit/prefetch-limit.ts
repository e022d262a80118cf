/** How much work of a task, in ms per slot, may be claimed before a slot is free. */
const WORK_MS = 5

/** Maximum number of prefetched runs of a task. */
const MOST = 100

/** How many runs of a task must end before its pace counts. */
const ENOUGH = 20

/** How long the runs of a task take, in ms: it rises at once with a slow run and falls gradually with quick ones. */
export interface RunPace {
  count: number
  ms: number
}

/** The pace after one more run. */
export function nextRunPace (pace: RunPace | undefined, ms: number): RunPace {
  const known = pace ?? { count: 0, ms: 0 }
  return { count: known.count + 1, ms: ms > known.ms ? ms : known.ms + (ms - known.ms) / 8 }
}

/** How many runs of a task may be claimed before slots are free: 0 for a slow or unknown task. One transaction for many
 *  quick runs costs less than one for each. */
export function prefetchLimit (pace: RunPace | undefined, slots: number): number {
  if (pace === undefined || pace.count < ENOUGH || pace.ms > WORK_MS) return 0
  return Math.min(MOST, Math.floor(slots * WORK_MS / Math.max(pace.ms, WORK_MS / MOST)))
}
