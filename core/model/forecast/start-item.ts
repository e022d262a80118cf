import { deadlineOf } from '../conditions/relaxation.ts'
import type { Dependence, Stage } from './forecast.ts'
import type { PossibleRun } from './possible-runs.ts'
import type { Run } from '../run/run.ts'
import type { Subject } from './world.ts'
import type { Task } from '../task/task.ts'

/** A possible start with its earliest and latest instant, epoch ms; Infinity: unknown, or never. */
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

/** A bound in the making. `from`, `to`: when the run may be due. `exists`: what may keep the run from being added.
 *  `isGone`: a later fire replaces it before it can start. */
export interface Item extends Bound {
  from: number
  to: number
  exists: Dependence[]
  occupant: PossibleRun
  isBlurred: boolean
  isDone: boolean
  isGone: boolean
}

/** How long it takes until a waiting run gets a slot or lock that was freed, ms. */
export const HANDOVER = 1000

export const OVERLAP: Dependence = {
  gate: 'overlap',
  ok: true,
  message: 'an earlier run of the same schedule may be unfinished then'
}
export const BLOCKED: Dependence = { gate: 'dependencies', ok: false, message: 'waits for other runs' }
export const CHANCE: Dependence = { gate: 'due', ok: true, message: 'jitter or flex chooses the instant' }
export const TRIAL: Dependence = {
  gate: 'breaker',
  ok: true,
  message: 'one trial run comes first after the pause of the breaker'
}
export const REPLACED: Dependence = {
  gate: 'overlap',
  ok: true,
  message: 'a later fire of the same schedule replaces it'
}

const placeOf = ({ priority, queue }: Task): Pick<Run, 'priority' | 'queue'> => ({ priority, queue })

/** The subject that the gates judge: the run, or the run that a fire would add. */
export const runOf = ({ task, run }: Pick<Item, 'task' | 'run'>, due: number): Subject => ({
  task,
  run: run ?? { task: task.id, due_at: due, created_at: due, ...placeOf(task), source: 'schedule' }
})

/** When the deadline ends a run that has not started, epoch ms; `otherwise` when the deadline starts it instead. */
export function overBy ({ task, run, to }: Item, otherwise: number): number {
  const { at, on_deadline: then } = deadlineOf(task, runOf({ task, run }, to).run)
  return then === 'run' ? otherwise : Math.min(otherwise, at)
}

/** Whether the run is waiting at an instant under every course of the readings. */
export const surelyWaits = ({ task, earliest, exists, occupant }: Item, at: number): boolean =>
  earliest > at && exists.length === 0 && task.on_unmet !== 'skip' && task.depends_on.length === 0 &&
  occupant.end - HANDOVER > at
