import { compileTrigger, wordsFor } from '../trigger.ts'
import { comingFires } from './schedule.ts'
import type { Schedule } from './schedule.ts'
import type { Task } from '../task/task.ts'
import type { TriggerSpec } from '../trigger.ts'

/** Why no run starts by itself: a code and a sentence. */
export interface RestingReason {
  code: 'task_missing' | 'task_disabled' | 'paused' | 'no_trigger' | 'never_fires'
  message: string
}

type Named = Pick<Task, 'id' | 'enabled' | 'trigger' | 'trigger_args' | 'timezone' | 'run_on_start'>

const disabled = ({ id }: Pick<Task, 'id'>): RestingReason => ({
  code: 'task_disabled',
  message: `the task is disabled; switch it on with \`offpeak enable ${id}\``
})

const pausedRest = ({ id }: Pick<Schedule, 'id'>): RestingReason => ({
  code: 'paused',
  message: `the schedule is paused; it goes on with \`offpeak schedules resume ${id}\``
})

/** `fires again` for a trigger that has fired before `now`, else `fires`. */
function neverFires (spec: TriggerSpec): RestingReason {
  const again = compileTrigger(spec, 0).next(0) === null ? '' : ' again'
  return { code: 'never_fires', message: `the trigger never fires${again}: ${wordsFor(spec)}` }
}

const onRequest = ({ id, run_on_start: startsAlong }: Named): RestingReason => ({
  code: 'no_trigger',
  message: `the task has no trigger: it starts ${
    startsAlong ? 'with each start of offpeak, and ' : ''
  }when it is asked for, such as with \`offpeak run ${id}\``
})

/** Why a task starts no run by itself from `now` on, or null when it does. */
export function taskRest (
  { task, schedules, now }: { task: Named, schedules: readonly Schedule[], now: number }
): RestingReason | null {
  if (!task.enabled) return disabled(task)
  if (comingFires({ schedules, task, now, count: 1 }).length > 0) return null
  const { trigger, trigger_args, timezone } = task
  if (trigger !== null) return neverFires({ trigger, trigger_args, timezone })
  const paused = schedules.find(schedule => schedule.paused === true)
  if (paused !== undefined) return pausedRest(paused)
  return schedules.length === 0 ? onRequest(task) : neverFires(schedules[0]!)
}

/** Why a schedule has no next fire, or null when it has one. `task` undefined: there is none. */
export function scheduleRest (
  schedule: Schedule,
  task: Pick<Task, 'id' | 'enabled'> | undefined
): RestingReason | null {
  if (schedule.next_at !== null) return null
  if (schedule.paused === true) return pausedRest(schedule)
  if (task === undefined) return { code: 'task_missing', message: `no task has the id '${schedule.task}'` }
  return task.enabled ? neverFires(schedule) : disabled(task)
}
