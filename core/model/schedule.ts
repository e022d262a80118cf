import type { Json } from './json.ts'

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
  /** The next fire after jitter. */
  next_at: number | null
  /** Of trigger, args and zone: a change begins a new anchor. */
  hash: string
  created_at: number
  created_by: string
}
