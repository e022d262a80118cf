import type { Clock } from '../../model/base/clock.ts'
import { looseJson } from '../../model/json/json.ts'
import { mergePatch } from '../../model/json/merge-patch.ts'
import { payloadJson } from '../../model/run/payload.ts'
import { runConflict } from '../../model/errors/run-errors.ts'
import { scheduleNotFound } from '../../model/errors/request-errors.ts'
import { changedSchedule, scheduleOf } from './request/schedule-request.ts'
import type { ScheduleRequest } from './request/schedule-request.ts'
import type { Json } from '../../model/json/json.ts'
import type { Planner } from '../plan/planner.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { ScheduleChange } from '../plan/schedule-entry.ts'
import type { Task } from '../../model/task/task.ts'

interface ScheduleChangesOptions {
  clock: Clock
  planner: Planner
  /** Throws OFFPEAK_TASK_NOT_FOUND. */
  definition: (id: string) => Task
  /** The next id for a schedule made at run time. */
  scheduleId: () => string
  /** The folder of uploaded files. */
  uploads: () => string
}

/** A merge patch of a schedule. `trigger_args` are merged with those of the same trigger, and replace those of another
 *  one. `timezone` null: that of the task. */
export interface SchedulePatch {
  trigger?: string
  trigger_args?: Record<string, unknown> | null
  timezone?: string | null
  payload?: unknown
  paused?: boolean
  by: string
}

type Fields = Pick<Schedule, 'task' | 'trigger' | 'trigger_args' | 'timezone' | 'payload'>

/** Adds, changes and removes schedules at run time. */
export class ScheduleChanges {
  readonly #options: ScheduleChangesOptions

  constructor (options: ScheduleChangesOptions) {
    this.#options = options
  }

  /** See `Desk.schedule`. */
  async add ({ task: id, by, ...request }: ScheduleRequest): Promise<Schedule> {
    const { clock, planner, scheduleId, uploads, definition } = this.#options
    const schedule = scheduleOf(definition(id), request, { now: clock.now(), uploads: uploads() })
    const record = { by, action: 'schedule', detail: { task: id, trigger: request.trigger } }
    return await planner.add({ ...schedule, id: scheduleId(), by, record })
  }

  /** See `Desk.changeSchedule`. */
  async change (id: string, { by, ...patch }: SchedulePatch): Promise<Schedule> {
    const { task } = this.#own(id, 'changed here: change the file')
    const { payload: _, ...shown } = looseJson(patch).json as Record<string, Json>
    const detail = { task, ...shown, ...patch.payload !== undefined && { payload: 'changed' } }
    const changed = await this.#options.planner.change(id, schedule => this.#fieldsOf(schedule, patch), {
      by,
      action: 'reschedule',
      detail
    })
    if (changed === null) throw scheduleNotFound(id)
    return changed
  }

  /** See `Desk.unschedule`. */
  async remove (id: string, { by }: { by: string }): Promise<void> {
    const { task } = this.#own(id, 'removed here: change the file, or disable the task')
    await this.#options.planner.remove(id, { by, action: 'unschedule', detail: { task } })
  }

  /** The fields of a schedule after a patch. What the patch leaves as it is, is not checked again. */
  #fieldsOf (
    schedule: Schedule,
    { paused = schedule.paused ?? false, ...patch }: Omit<SchedulePatch, 'by'>
  ): ScheduleChange {
    const { clock, definition, uploads } = this.#options
    const fields: Fields = schedule
    if (Object.values(patch).every(value => value === undefined)) return { ...fields, paused }
    const task = definition(schedule.task)
    const { trigger = fields.trigger, trigger_args: args = {}, timezone = fields.timezone } = patch
    const before = trigger === fields.trigger ? fields.trigger_args : {}
    const wanted = {
      ...fields,
      trigger,
      trigger_args: (args === null ? {} : mergePatch(before, looseJson(args).json)) as Record<string, Json>,
      timezone: timezone ?? task.timezone,
      payload: patch.payload === undefined
        ? fields.payload
        : mergePatch(fields.payload, payloadJson(task.id, patch.payload))
    }
    return { ...changedSchedule(task, { schedule, wanted }, { now: clock.now(), uploads: uploads() }), paused }
  }

  #own (id: string, wanted: string): Schedule {
    const known = this.#options.planner.get(id)
    if (known === undefined) throw scheduleNotFound(id)
    if (known.origin === 'file') throw runConflict({ what: 'Schedule', id, state: 'part of a task file', wanted })
    return known
  }
}
