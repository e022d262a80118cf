import type { Json } from './json.ts'
import type { Moved } from './run.ts'
import type { Trigger } from './trigger.ts'

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
  /** Every fire up to here is dealt with. */
  cursor: number
  /** The next fire before jitter; null when there is none. */
  nominal_at: number | null
  /** The next fire after jitter, or where it was moved to. */
  next_at: number | null
  /** Why the next fire was moved, when it was. */
  moved?: Moved | null
  /** Of trigger, args and zone: a change begins a new anchor. */
  hash: string
  created_at: number
  created_by: string
}

export interface ComingAsk { schedule: Pick<Schedule, 'next_at'>, trigger: Trigger, now: number, count: number }

/** The next `count` instants at which a schedule fires, epoch ms: first the one that is planned, moved or late as it may be, then those after it before
 *  chance. Of a schedule that rests, when it would fire. */
export function comingFires ({ schedule: { next_at: planned }, trigger, now, count }: ComingAsk): number[] {
  const fires = planned !== null && planned > now ? [planned] : []
  for (let at = trigger.next(fires[0] ?? now); at !== null && fires.length < count; at = trigger.next(at)) fires.push(at)
  return fires.slice(0, count)
}
