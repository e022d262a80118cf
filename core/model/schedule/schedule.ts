import { compileTrigger } from '../trigger.ts'
import type { Json } from '../json/json.ts'
import type { Moved } from '../run/run.ts'
import type { Trigger, TriggerSpec } from '../trigger.ts'

/** A schedule of a task as a row. Its position is a cursor, not a chain of timers. Instants are epoch ms. */
export interface Schedule {
  /** The id of the task for the trigger in its definition; an own id for a schedule created at run time. */
  id: string
  task: string
  /** `file`: follows the definition. `api`: created at run time, stored until it is removed. */
  origin: 'file' | 'api'
  trigger: string
  trigger_args: Record<string, Json>
  timezone: string
  payload: Json
  /** When it was first seen; intervals count from it. */
  anchor: number
  /** Every fire up to this instant is handled. */
  cursor: number
  /** The next fire before jitter; null when there is none. */
  nominal_at: number | null
  /** The next fire after jitter or flex. */
  next_at: number | null
  /** Why the next fire was moved; null when it was not. */
  moved?: Moved | null
  created_at: number
  created_by: string
  /** True when somebody has paused it: it does not fire. */
  paused?: boolean
}

/** The trigger fields that definitions and schedules share. */
type When = Pick<Schedule, 'trigger_args' | 'timezone'> & { trigger: string | null }

/** Whether two triggers are equal, so that a schedule can keep its cursor. */
export const saysSame = (a: When, b: When): boolean =>
  a.trigger === b.trigger && a.timezone === b.timezone &&
  (a.trigger_args === b.trigger_args || JSON.stringify(a.trigger_args) === JSON.stringify(b.trigger_args))

interface ComingAsk {
  schedules: readonly Schedule[]
  task: When
  now: number
  count: number
}

/** The next `count` instants, epoch ms, at which the schedules of a task fire, soonest first: the planned fire of each,
 *  as it was moved, and later fires before jitter and flex. For a schedule without a next fire, and for a trigger that
 *  is not planned yet: when it would fire. */
export function comingFires (
  { schedules, task: { trigger, trigger_args, timezone }, now, count }: ComingAsk
): number[] {
  const planned = schedules.filter(schedule =>
    schedule.paused !== true && (schedule.origin === 'api' || saysSame(schedule, { trigger, trigger_args, timezone }))
  )
  const fires = planned.flatMap(schedule =>
    firesAfter(schedule, { anchor: schedule.anchor, first: schedule.next_at, now, count })
  )
  const known = trigger === null || planned.some(({ origin }) => origin === 'file')
  if (!known) fires.push(...firesAfter({ trigger, trigger_args, timezone }, { anchor: now, first: null, now, count }))
  return fires.toSorted((a, b) => a - b).slice(0, count)
}

/** The compiled trigger; null when the stored row is invalid, so that other schedules still show their fires. */
function compiled (spec: TriggerSpec, anchor: number): Trigger | null {
  try {
    return compileTrigger(spec, anchor)
  } catch {
    return null
  }
}

interface After {
  anchor: number
  first: number | null
  now: number
  count: number
}

function firesAfter (spec: TriggerSpec, { anchor, first, now, count }: After): number[] {
  const fires = first !== null && first > now ? [first] : []
  if (fires.length >= count) return fires
  const trigger = compiled(spec, anchor)
  if (trigger === null) return fires
  for (let at = trigger.next(fires[0] ?? now); at !== null && fires.length < count; at = trigger.next(at)) {
    fires.push(at)
  }
  return fires
}
