import { SECOND } from '../../model/base/duration.ts'
import { clamped } from '../../model/base/clock.ts'
import type { Entry } from './timetable.ts'
import type { Moved } from '../../model/run/run.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Task } from '../../model/task/task.ts'

/** Moves a fire within the flex of its task. `next`: the fire after it. Returns null to keep the nominal instant. */
export type Move = (task: Task, nominal: number, next: number | null) => { at: number, moved: Moved } | null

/** What a fire depends on besides its schedule. */
export interface Chance {
  random: () => number
  move: Move
}

/** The schedule with its first fire after `cursor`. */
export function nextOf (
  { schedule, trigger }: Entry,
  cursor: number,
  { task, random, move }: Chance & { task: Task | undefined }
): Schedule {
  const nominal = trigger.next(cursor)
  if (nominal === null) return { ...schedule, cursor, nominal_at: null, next_at: null, moved: null }
  const moved = task === undefined || task.flexMs === 0 ? null : move(task, nominal, trigger.next(nominal))
  const jitter = trigger.jitter === 0 ? 0 : Math.round(trigger.jitter * SECOND * random())
  const at = moved?.at ?? nominal + jitter
  return {
    ...schedule,
    cursor,
    nominal_at: nominal,
    next_at: clamped(Math.min(at, trigger.until)),
    moved: moved?.moved ?? null
  }
}

/** True when the stored next fire does not follow from the cursor. */
export function isOff (
  { schedule: { cursor, nominal_at: nominal, next_at: at }, trigger }: Entry,
  task: Task | undefined
): boolean {
  if (at === null || nominal === null) return at !== nominal
  const latest = nominal + Math.max(trigger.jitter * SECOND, task?.flexMs ?? 0)
  return trigger.next(cursor) !== nominal || at < Math.min(nominal, trigger.until) || at > latest
}
