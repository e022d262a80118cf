import { aheadOf } from '../../model/base/clock.ts'
import { compileTrigger } from '../../model/trigger.ts'
import { nextOf } from './next-fire.ts'
import type { Chance } from './next-fire.ts'
import type { Entry } from './timetable.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Task } from '../../model/task/task.ts'

/** True when a schedule lies in the future because the clock was set back. It would not fire until then. */
export const isAhead = ({ anchor, cursor }: Schedule, now: number): boolean =>
  aheadOf(Math.max(anchor, cursor), now) > 0

/** True for an interval without a start date, which counts elapsed time instead of following the wall clock. */
export const isElapsing = ({ trigger, trigger_args: args }: Pick<Schedule, 'trigger' | 'trigger_args'>): boolean =>
  trigger === 'interval' && (args['start_date'] ?? null) === null

/** `backMs`: how far the clock was set back; 0 when that was not observed. */
interface Back extends Chance {
  now: number
  backMs: number
  task: Task | undefined
}

/** The schedule planned again from now. Instants that have fired have runs, whose keys prevent a second fire. */
export function replanned (entry: Entry, { now, backMs, ...chance }: Back): Entry {
  const { schedule } = entry
  const created_at = Math.min(schedule.created_at, now)
  if (isElapsing(schedule)) return shifted(entry, { now, backMs, ...chance })
  const anchor = Math.min(schedule.anchor, now)
  const trigger = compileTrigger(schedule, anchor)
  // The cursor of a date that has not fired yet must precede its instant.
  const first = trigger.kind === 'date' && schedule.next_at !== null ? trigger.next(-8.64e15) : null
  const cursor = Math.min(schedule.cursor, now, first === null ? Infinity : first - 1)
  return {
    schedule: nextOf({ schedule: { ...schedule, anchor, cursor, created_at }, trigger }, cursor, chance),
    trigger
  }
}

/** Shifts an interval so that its next fire is as far away as before the clock was set back. */
function shifted ({ schedule, trigger: before }: Entry, { now, backMs, ...chance }: Back): Entry {
  const by = backMs > 0 ? backMs : Math.max(0, Math.max(schedule.anchor, schedule.cursor) - now)
  const cursor = Math.min(schedule.cursor - by, now)
  const at = (anchor: number) => compileTrigger(schedule, anchor)
  const sure = at(schedule.anchor - by)
  const next = sure.next(cursor)
  // Earlier fires used these instants as their keys. One millisecond distinguishes the new ones.
  const isTaken = by > 0 && next !== null && before.latest(next - 1, next) !== null
  const anchor = schedule.anchor - by - (isTaken ? 1 : 0)
  const trigger = isTaken ? at(anchor) : sure
  const created_at = Math.min(schedule.created_at, now)
  return {
    schedule: nextOf({ schedule: { ...schedule, anchor, cursor, created_at }, trigger }, cursor, chance),
    trigger
  }
}
