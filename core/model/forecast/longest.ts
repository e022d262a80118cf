import { SECOND } from '../base/duration.ts'
import type { Task } from '../task/task.ts'
import type { Took } from './forecast.ts'

/** So many past runs say how long one takes, and no run takes longer than so many times the longest of them. */
const ENOUGH = 10
const FACTOR = 2

/** What a run that is told to stop may take to do so, ms. */
const GRACE = 10 * SECOND

/** The longest that a run of a task takes from its start until it is over for good, ms; Infinity: it may be put back
 *  and start again. */
export function longestOf (
  { on_lost: lost, preemptible, timeoutMs }: Pick<Task, 'on_lost' | 'preemptible' | 'timeoutMs'>,
  took: Took | undefined
): number {
  if (lost === 'yield' || preemptible) return Infinity
  const bounded = timeoutMs === 0 ? Infinity : timeoutMs + GRACE
  return took === undefined || took.runs < ENOUGH ? bounded : Math.min(bounded, FACTOR * took.most + SECOND)
}
