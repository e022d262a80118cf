import type { NewRun, Priority, Run, Source } from './run.ts'

/** The fields by which gates judge a waiting run: runs of the same cohort differ only in when they are due. `span`: ms
 *  from due to deadline, so that deadlines rise in due order; NO_DEADLINE: the task's definition decides. `scheduled`:
 *  a schedule added them. */
export interface Cohort {
  task: string
  queue: string
  priority: Priority
  span: number
  scheduled: boolean
}

/** The due runs of one cohort: their count, and the first by (due_at, id), which is also the nearest to its
 *  deadline. */
export interface DueCohort extends Cohort {
  count: number
  first: Run
}

/** An offer to claim: the runs of a cohort that are due in [from, until], or one run by id. Lower ranks come first.
 *  `needs`: pools that must have 1 left. `takes`: pools that lose 1. `locks`: the locks the run holds while it runs. */
export interface Offer {
  cohort?: Cohort & { from: number, until: number }
  id?: string
  rank: number
  needs: readonly string[]
  takes: readonly string[]
  locks?: readonly string[]
}

/** The span of runs without a deadline of their own. */
export const NO_DEADLINE = -1

/** True for runs that a schedule added, on time or late. */
export const isScheduled = (source: Source): boolean => source === 'schedule' || source === 'catch_up'

type Born = Pick<NewRun, 'single' | 'now' | 'source' | 'due_at' | 'deadline_at'>

/** True for a new run that is judged individually from the beginning: it was requested to run now, has its own
 *  deadline, or its
 *  deadline does not count from `due_at`. */
export const isSingle = ({ single, now: hurried, source, due_at, deadline_at }: Born, now: number): boolean =>
  single === true || hurried === true || source === 'catch_up' || due_at < now || (deadline_at ?? due_at) < due_at

/** The span of a run's cohort (ms), or null for a run that is judged individually. A run joins its cohort when it is
 *  added. It leaves for good when an attempt has begun, when its `due_at`, queue or priority changes, or when its
 *  prerequisites end after it was due: from then on its deadline does not follow from `due_at`. */
export function spanOf (
  { single, due_at, deadline_at }: Pick<Run, 'single' | 'due_at' | 'deadline_at'>
): number | null {
  if (single) return null
  return deadline_at === null ? NO_DEADLINE : deadline_at - due_at
}

/** The cohort of a run, or null for a single one. */
export function cohortOf (run: Run): Cohort | null {
  const span = spanOf(run)
  if (span === null) return null
  return { task: run.task, queue: run.queue, priority: run.priority, span, scheduled: isScheduled(run.source) }
}
