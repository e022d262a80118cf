import { compileTrigger } from '../../model/trigger.ts'
import type { Entry } from './timetable.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Trigger } from '../../model/trigger.ts'

/** The trigger of a schedule that cannot be read. */
export const NEVER: Trigger = {
  kind: 'date',
  jitter: 0,
  until: -Infinity,
  next: () => null,
  latest: () => null,
  count: () => 0
}

const LAST = 8.64e15
const isInstant = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= LAST
const isInstantOrNull = (value: unknown): boolean => value === null || isInstant(value)

/** A stored schedule with its trigger. `error`: why it cannot be read, or null; with an error it never fires. */
export function readEntry (schedule: Schedule, now: number): { entry: Entry, error: unknown } {
  try {
    const { anchor, cursor, nominal_at: nominal, next_at: next } = schedule
    if (!isInstant(anchor) || !isInstant(cursor) || !isInstantOrNull(nominal) || !isInstantOrNull(next)) {
      throw new TypeError(`the stored schedule '${schedule.id}' has an invalid instant`)
    }
    return { entry: { schedule, trigger: compileTrigger(schedule, anchor) }, error: null }
  } catch (error) {
    const anchor = isInstant(schedule.anchor) ? schedule.anchor : now
    const cursor = isInstant(schedule.cursor) ? schedule.cursor : now
    return {
      entry: { schedule: { ...schedule, anchor, cursor, next_at: null, nominal_at: null }, trigger: NEVER },
      error
    }
  }
}
