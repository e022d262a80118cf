import { checkAskable, newRun } from './enqueue-request.ts'
import { compileTrigger } from '../../../model/trigger.ts'
import { foundWords } from '../../../model/base/check.ts'
import { inputInvalid } from '../../../model/errors/input-errors.ts'
import { iso } from '../../../model/base/clock.ts'
import { looseJson } from '../../../model/json/json.ts'
import { payloadJson } from '../../../model/run/payload.ts'
import type { Json } from '../../../model/json/json.ts'
import { saysSame } from '../../../model/schedule/schedule.ts'
import type { Schedule } from '../../../model/schedule/schedule.ts'
import type { NewSchedule } from '../../plan/schedule-entry.ts'
import type { Task } from '../../../model/task/task.ts'

/** A request for a schedule at run time. */
export interface ScheduleRequest {
  task: string
  trigger: string
  trigger_args?: Record<string, unknown>
  timezone?: string
  payload?: unknown
  by: string
}

type RequestedSchedule = Pick<NewSchedule, 'task' | 'trigger' | 'trigger_args' | 'timezone' | 'payload'>

/** Throws OFFPEAK_TRIGGER_INVALID, and OFFPEAK_INPUT_INVALID for a trigger that never fires after `from`. */
function checkFires (
  task: Task,
  row: Pick<NewSchedule, 'trigger' | 'trigger_args' | 'timezone'>,
  { now, from: earliest = now, done = 'added' }: { now: number, from?: number, done?: string }
): void {
  const trigger = compileTrigger(row, now)
  // A date that passed within the misfire grace still fires, as a missed one.
  const from = trigger.kind === 'date' && done === 'added' ? now - task.misfireGraceMs - 1 : earliest
  if (trigger.next(from) !== null) return
  const date = foundWords(row.trigger_args['run_date'])
  const fault = trigger.kind === 'date'
    ? {
      pointer: '/trigger_args/run_date',
      detail: `found ${date}, which has passed, expected a future date: it is ${iso(now)}`
    }
    : { pointer: '/trigger_args', detail: 'never fires' }
  throw inputInvalid({ what: `The schedule was not ${done}`, errors: [fault] })
}

interface Changed {
  schedule: Schedule
  wanted: RequestedSchedule
}

/** The wanted fields of a schedule, checked as far as they have changed. Throws as `scheduleOf` does. */
export function changedSchedule (
  task: Task,
  { schedule, wanted }: Changed,
  { now, uploads }: { now: number, uploads: string }
): RequestedSchedule {
  if (!saysSame(schedule, wanted)) {
    checkFires(task, wanted, { from: Math.max(schedule.cursor, now), now, done: 'changed' })
  }
  if (wanted.payload === schedule.payload) return wanted
  const payload = wanted.payload ?? undefined
  newRun({ task, ask: { payload }, source: 'schedule', now, uploads })
  return { ...wanted, payload: payload === undefined ? null : payloadJson(task.id, payload) }
}

/** The schedule of a request. `uploads`: the folder of uploaded files. Throws OFFPEAK_TRIGGER_INVALID,
 *  OFFPEAK_INPUT_INVALID, OFFPEAK_TASK_UNCONFIGURED. The task may be disabled: the schedule then rests until it is
 *  enabled. */
export function scheduleOf (
  task: Task,
  { trigger, trigger_args: args = {}, timezone: zone, payload }: Omit<ScheduleRequest, 'task' | 'by'>,
  { now, uploads }: { now: number, uploads: string }
): RequestedSchedule {
  const timezone = zone ?? task.timezone
  checkFires(task, { trigger, trigger_args: args as Record<string, Json>, timezone }, { now })
  checkAskable(task, { run_disabled: true })
  newRun({ task, ask: { payload }, source: 'schedule', now, uploads })
  return {
    task: task.id,
    trigger,
    trigger_args: looseJson(args).json as Record<string, Json>,
    timezone,
    payload: payload === undefined ? null : payloadJson(task.id, payload)
  }
}
