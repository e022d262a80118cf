import type { NewRun, Priority, Run, Source } from './run.ts'

/** What gates can tell of a waiting run without looking at it alone: runs of the same cohort share a verdict, but for
 *  the instant at which each is due. `span` (ms): from when a run is due to its deadline, the same for all of them, so
 *  that in due order their deadlines rise; NO_DEADLINE: the definition of the task says it. `scheduled`: a schedule
 *  asked for them. */
export interface Cohort {
  task: string
  queue: string
  priority: Priority
  span: number
  scheduled: boolean
}

/** The due runs of one cohort: how many, and the one that comes first by (due_at, id), which is also the nearest to its
 *  deadline. */
export interface DueCohort extends Cohort {
  count: number
  first: Run
}

/** What may be taken: the runs of a cohort that are due in [from, until], or one run by its id; ranks that are smaller
 *  come first. `needs`: pools of which 1 has to be left. `takes`: pools that lose 1. `locks`: lock names that the run
 *  has while it runs. */
export interface Offer {
  cohort?: Cohort & { from: number, until: number }
  id?: string
  rank: number
  needs: readonly string[]
  takes: readonly string[]
  locks?: readonly string[]
}

/** The span of runs that carry no deadline of their own. */
export const NO_DEADLINE = -1

/** True for runs that a schedule asked for, in time or late. */
export const isScheduled = (source: Source): boolean => source === 'schedule' || source === 'catch_up'

type Born = Pick<NewRun, 'single' | 'now' | 'source' | 'due_at' | 'deadline_at'>

/** True for a new run that is judged by itself from the beginning: it is to run now, has a deadline of its own, or its
 *  deadline counts from another instant than the one at which it is due. */
export const isSingle = ({ single, now: hurried, source, due_at, deadline_at }: Born, now: number): boolean =>
  single === true || hurried === true || source === 'catch_up' || due_at < now || (deadline_at ?? due_at) < due_at

/** The span of the cohort that a run belongs to (ms), or null for a run that is judged by itself. A run comes into its
 *  cohort when it is added and leaves it for good when it comes back from an attempt that has begun, when `due_at`,
 *  queue or priority is changed, and when what it waited for ends after it was due: its deadline does not follow from
 *  `due_at` any more. * */
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
