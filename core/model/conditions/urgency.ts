import { PRIORITIES } from '../run/run.ts'
import type { Class } from '../task/constraint.ts'
import type { Priority } from '../run/run.ts'

interface Urgent {
  run: { priority?: Priority }
  task: { priority: Priority } | undefined
  class: Class
}

/** True for a run that is critical by its priority or by the class of its task. */
export const isCritical = (ask: Urgent): boolean => urgencyOf(ask) === 'critical'

/** The priority that counts for order and for slots: that of the run, and critical for work of the class critical. */
export const urgencyOf = ({ run, task, class: kind }: Urgent): Priority =>
  kind === 'critical' ? 'critical' : run.priority ?? task?.priority ?? 'normal'

/** The place of a priority, the most urgent first. */
export const RANKS = Object.fromEntries(PRIORITIES.map((name, rank) => [name, rank])) as Readonly<
  Record<Priority, number>
>

/** The rank of runs that are claimed before a slot is free: behind every priority. */
export const PREFETCH_RANK = PRIORITIES.length
