import { deadlineOf } from '../conditions/relaxation.ts'
import type { Dependence, Stage } from './forecast.ts'
import type { PossibleRun } from './possible-runs.ts'
import type { Run } from '../run/run.ts'
import type { Subject } from './world.ts'
import type { Task } from '../task/task.ts'

/** A start that may come, and when it can. Infinity: nobody knows, or never. */
export interface Bound {
  task: Task
  run: Run | null
  schedule: string | null
  stage: Stage
  nominal_at: number
  earliest: number
  latest: number
  certain: boolean
  depends_on: Dependence[]
}

/** A bound that is being found. `from`, `to`: when the run may be due. `exists`: what may keep it from being made;
 *  empty: nothing. `isGone`: it never starts, and nobody changed anything. */
export interface Item extends Bound {
  from: number
  to: number
  exists: Dependence[]
  occupant: PossibleRun
  isBlurred: boolean
  isDone: boolean
  isGone: boolean
}

/** What has been freed at an instant is free by then for the one who waits for it, ms. */
export const HANDOVER = 1000

export const OVERLAP: Dependence = {
  gate: 'overlap',
  ok: true,
  message: 'an earlier run of the same schedule may be unfinished then'
}
export const BLOCKED: Dependence = { gate: 'dependencies', ok: false, message: 'it waits for other runs' }
export const CHANCE: Dependence = { gate: 'due', ok: true, message: 'jitter or flex chooses the instant' }
export const TRIAL: Dependence = {
  gate: 'breaker',
  ok: true,
  message: 'after its pause the task is tried with one run first'
}
export const REPLACED: Dependence = {
  gate: 'overlap',
  ok: true,
  message: 'a later fire of the same schedule takes its place'
}

const placeOf = ({ priority, queue }: Task): Pick<Run, 'priority' | 'queue'> => ({ priority, queue })

/** The subject that the gates judge: the run, or the one that a fire would make. */
export const runOf = ({ task, run }: Pick<Item, 'task' | 'run'>, due: number): Subject => ({
  task,
  run: run ?? { task: task.id, due_at: due, created_at: due, ...placeOf(task), source: 'schedule' }
})

/** By when a run that is not started is over, by its deadline. */
export function overBy ({ task, run, to }: Item, otherwise: number): number {
  const { at, on_deadline: then } = deadlineOf(task, runOf({ task, run }, to).run)
  return then === 'run' ? otherwise : Math.min(otherwise, at)
}

/** Whether a run is there at an instant under every course, and has not started. */
export const surelyWaits = ({ task, earliest, exists, occupant }: Item, at: number): boolean =>
  earliest > at && exists.length === 0 && task.on_unmet !== 'skip' && task.depends_on.length === 0 &&
  occupant.end - HANDOVER > at
