import { SECOND } from '../base/duration.ts'
import type { Task } from '../task/task.ts'
import type { Took } from './forecast.ts'

/** From ENOUGH past runs on, a run is expected to take at most FACTOR times the longest of them. */
const ENOUGH = 10
const FACTOR = 2

/** How long a run may take to stop after its timeout, ms. */
const GRACE = 10 * SECOND

/** How long a run of a task takes at most from its start to its end, ms; Infinity: it may be postponed and start
 *  again. */
export function longestOf (
  { on_lost: lost, preemptible, timeoutMs }: Pick<Task, 'on_lost' | 'preemptible' | 'timeoutMs'>,
  took: Took | undefined
): number {
  if (lost === 'yield' || preemptible) return Infinity
  const bounded = timeoutMs === 0 ? Infinity : timeoutMs + GRACE
  return took === undefined || took.runs < ENOUGH ? bounded : Math.min(bounded, FACTOR * took.most + SECOND)
}
