import { compileTrigger } from '../trigger.ts'
import type { Json } from '../json/json.ts'
import type { Moved } from '../run/run.ts'
import type { Trigger, TriggerSpec } from '../trigger.ts'

/** When a task wants to run, as a row: where it stands is a cursor, never a chain of timers. Instants are epoch ms. */
export interface Schedule {
  /** The task's id for the trigger in its definition, an id of its own for one made at run time. */
  id: string
  task: string
  /** `file`: follows the definition. `api`: made at run time, kept until it is removed. */
  origin: 'file' | 'api'
  trigger: string
  trigger_args: Record<string, Json>
  timezone: string
  payload: Json
  /** When it was first seen: the phase of an interval. */
  anchor: number
  /** Every fire up to here is handled. */
  cursor: number
  /** The next fire before jitter; null when there is none. */
  nominal_at: number | null
  /** The next fire after jitter, or where it was moved to. */
  next_at: number | null
  /** Why the next fire was moved, when it was. */
  moved?: Moved | null
  created_at: number
  created_by: string
}

/** What a definition and a schedule both say of when. */
type When = Pick<Schedule, 'trigger_args' | 'timezone'> & { trigger: string | null }

/** Whether two say the same: then a schedule goes on where it stands. */
export const saysSame = (a: When, b: When): boolean =>
  a.trigger === b.trigger && a.timezone === b.timezone &&
  (a.trigger_args === b.trigger_args || JSON.stringify(a.trigger_args) === JSON.stringify(b.trigger_args))

interface ComingAsk {
  schedules: readonly Schedule[]
  task: When
  now: number
  count: number
}

/** The next `count` instants, epoch ms, at which the schedules of a task fire, soonest first: the one that each has
 *  planned, moved or late as it may be, and those after it before chance. Of a schedule that rests and of a trigger
 *  that is not planned yet: when it would fire. */
export function comingFires (
  { schedules, task: { trigger, trigger_args, timezone }, now, count }: ComingAsk
): number[] {
  const planned = schedules.filter(schedule =>
    schedule.origin === 'api' || saysSame(schedule, { trigger, trigger_args, timezone })
  )
  const fires = planned.flatMap(schedule =>
    firesAfter(schedule, { anchor: schedule.anchor, first: schedule.next_at, now, count })
  )
  const known = trigger === null || planned.some(({ origin }) => origin === 'file')
  if (!known) fires.push(...firesAfter({ trigger, trigger_args, timezone }, { anchor: now, first: null, now, count }))
  return fires.toSorted((a, b) => a - b).slice(0, count)
}

/** Null: a stored row that cannot be read has no fires, and keeps nobody from asking for those of the others. */
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
