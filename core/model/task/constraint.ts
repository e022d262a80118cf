import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { Duration } from '../base/duration.ts'
import { DurationSchema, lasting } from '../base/section.ts'

const word = <const W extends readonly string[]>(words: W, description: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], description })

const share = (description: string) => Type.Optional(Type.Number({ minimum: 0.001, maximum: 1, description }))
const percent = (description: string) => Type.Optional(Type.Number({ minimum: 0, maximum: 100, description }))

/** The requirements of a task beyond the limits of config.json. All must be met. */
const ConstraintsSchema = Type.Object({
  power: Type.Optional(
    word(['mains', 'charging', 'any'], 'mains; charging: on mains with a battery that charges or is charged')
  ),
  battery_above: percent('Minimum battery level in percent; met without a battery'),
  battery_below: percent('Maximum battery level in percent, on battery only'),
  idle: Type.Optional(Type.Unsafe<boolean | Duration>({
    anyOf: [{ type: 'boolean' }, { type: 'number', minimum: 0 }, { type: 'string', minLength: 1 }],
    description: 'Nobody uses the machine: for activity.idle_after, or for this long'
  })),
  cpu_below: share('Maximum share of the processors used by other programs, 0 to 1'),
  memory_below: share('Maximum share of the memory used by other programs, 0 to 1'),
  io_below: share('Maximum share of the time other programs keep the busiest disk busy, 0 to 1'),
  network: Type.Optional(word(['online', 'unmetered'], 'Required state of the network')),
  disk_free: Type.Optional(Type.Unsafe<number | string>({
    anyOf: [{ type: 'number', minimum: 0 }, { type: 'string', minLength: 1 }],
    description: 'Bytes, or "5 GB", free on every watched disk; replaces resources.disk_reserve'
  })),
  temperature_below: Type.Optional(
    Type.Number({
      minimum: 20,
      maximum: 200,
      why: 'every machine is warmer, its runs would wait forever',
      description: 'Maximum °C of the hottest sensor'
    })
  ),
  window: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'A window of scheduling.time_windows by name, or "01:00-05:00" in the zone of the task'
    })
  ),
  not_while: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { maxItems: 32, description: 'Probes that must not be busy' })
  ),
  signals: Type.Optional(
    Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      description: 'Custom signals with a comparison: "> 500", "!= away"'
    })
  )
}, { additionalProperties: false, description: 'What the task requires of the machine' })
export type Constraints = Static<typeof ConstraintsSchema>

export const ON_DEADLINE = ['run', 'skip', 'fail'] as const
export type OnDeadline = typeof ON_DEADLINE[number]
export const ON_UNMET = ['hold', 'skip', 'run'] as const
export type OnUnmet = typeof ON_UNMET[number]
export const ON_LOST = ['continue', 'yield', 'cancel'] as const
export type OnLost = typeof ON_LOST[number]

/** How long work may wait: critical never waits, charging_only waits for mains, background for a good battery. */
export const CLASSES = ['critical', 'charging_only', 'background', 'normal'] as const
export type Class = typeof CLASSES[number]

/** The fields of a definition that say when its runs may start, be held and be stopped. */
export const HoldFields = {
  constraints: Type.Optional(ConstraintsSchema),
  deadline: Type.Optional(lasting('no run could be held')),
  on_deadline: Type.Optional(word(ON_DEADLINE, 'What happens to a run that is still held at its deadline')),
  on_unmet: Type.Optional(
    word(ON_UNMET, 'What happens to a due run whose conditions are not met: hold, skip, or run anyway')
  ),
  on_lost: Type.Optional(word(ON_LOST, 'What happens to a running run whose conditions are no longer met')),
  class: Type.Optional(word(CLASSES, 'Class of the work; inferred from its words when absent')),
  flex: Type.Optional({ ...DurationSchema, description: 'How far a scheduled run may move to a quieter hour' }),
  preemptible: Type.Optional(
    Type.Boolean({ description: 'A critical or high run without a slot may take the slot of its run' })
  )
}

/** The fields with defaults filled in. */
export interface HoldPolicy {
  constraints: Constraints
  /** How long a run may be held after it is due. */
  deadlineMs: number
  on_deadline: OnDeadline
  on_unmet: OnUnmet
  on_lost: OnLost
  /** Null: inferred from its words, see `classify`. */
  class: Class | null
  flexMs: number
  preemptible: boolean
}
