import { compileTrigger } from '../../model/trigger.ts'
import { nextOf } from './next-fire.ts'
import { saysSame } from '../../model/schedule/schedule.ts'
import type { Chance } from './next-fire.ts'
import type { Entry } from './timetable.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Task } from '../../model/task/task.ts'

/** A schedule before its first fire is planned. */
export type NewSchedule = Pick<Schedule,
  'id' | 'task' | 'origin' | 'trigger' | 'trigger_args' | 'timezone' | 'payload' | 'created_by'>

/** A schedule that begins now; throws OFFPEAK_TRIGGER_INVALID. */
export function newEntry (row: NewSchedule, now: number, chance: Chance & { task: Task | undefined }): Entry {
  const trigger = compileTrigger(row, now)
  // A date in the past still fires: within the grace it runs, later it is recorded as missed.
  const first = trigger.kind === 'date' ? trigger.next(-8.64e15) : null
  const cursor = first === null ? now : Math.min(now, first - 1)
  const { id, task, origin, trigger: kind, trigger_args: args, timezone, payload, created_by: by } = row
  const schedule = {
    id,
    task,
    origin,
    trigger: kind,
    trigger_args: args,
    timezone,
    payload,
    anchor: now,
    cursor,
    nominal_at: null,
    next_at: null,
    moved: null,
    created_at: now,
    created_by: by
  }
  return { schedule: nextOf({ schedule, trigger }, cursor, chance), trigger }
}

/** What a change in place may set. */
export type ScheduleChange = Pick<Schedule, 'trigger' | 'trigger_args' | 'timezone' | 'payload'> & { paused: boolean }

/** The schedule after a change. Another trigger begins now, after every instant that has fired; the same one keeps its
 *  place. */
export function changedEntry (
  change: ScheduleChange,
  { entry, now, ...chance }: Chance & { entry: Entry, now: number, task: Task | undefined }
): Entry {
  const { schedule: before } = entry
  const schedule = { ...before, ...change }
  const isSame = saysSame(before, schedule)
  const trigger = isSame ? entry.trigger : compileTrigger(schedule, now)
  if (schedule.paused || chance.task?.enabled === false) {
    return withoutFire({ schedule: isSame ? schedule : { ...schedule, anchor: now }, trigger })
  }
  if (isSame && before.next_at !== null) return { schedule, trigger }
  const anchor = isSame ? before.anchor : now
  const cursor = Math.max(before.cursor, now)
  return { schedule: nextOf({ schedule: { ...schedule, anchor }, trigger }, cursor, chance), trigger }
}

/** The schedule without a next fire. Fires while it rests do not count as missed. */
export const withoutFire = ({ schedule, trigger }: Entry): Entry => ({
  schedule: { ...schedule, next_at: null, nominal_at: null, moved: null },
  trigger
})
