import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { Duration } from '../base/duration.ts'
import { DurationSchema, lasting } from '../base/section.ts'

const word = <const W extends readonly string[]>(words: W, description: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], description })

const share = (description: string) => Type.Optional(Type.Number({ minimum: 0.001, maximum: 1, description }))
const percent = (description: string) => Type.Optional(Type.Number({ minimum: 0, maximum: 100, description }))

/** What a task asks of the machine beyond the limits of config.json. All of it must hold. */
const ConstraintsSchema = Type.Object({
  power: Type.Optional(
    word(['mains', 'charging', 'any'], 'mains; charging: on mains with the battery filling or well filled')
  ),
  battery_above: percent('Percent; a machine without a battery has it'),
  battery_below: percent('Percent, on battery alone: for work that wants it so'),
  idle: Type.Optional(Type.Unsafe<boolean | Duration>({
    anyOf: [{ type: 'boolean' }, { type: 'number', minimum: 0 }, { type: 'string', minLength: 1 }],
    description: 'Nobody is using the machine: for activity.idle_after, or for so long'
  })),
  cpu_below: share('Share of the processors that others use, 0 to 1'),
  memory_below: share('Share of the memory in use, 0 to 1'),
  io_below: share('Share of the time in which the busiest disk works, 0 to 1'),
  network: Type.Optional(word(['online', 'unmetered'], 'What the network must be')),
  disk_free: Type.Optional(Type.Unsafe<number | string>({
    anyOf: [{ type: 'number', minimum: 0 }, { type: 'string', minLength: 1 }],
    description: 'Bytes, or "5 GB", free on every watched disk; takes the place of resources.disk_reserve'
  })),
  temperature_below: Type.Optional(
    Type.Number({
      minimum: 20,
      maximum: 200,
      why: 'every machine is warmer: its runs would wait for ever',
      description: '°C of the hottest sensor'
    })
  ),
  window: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'A window of scheduling.time_windows by name, or "01:00-05:00" in the zone of the task'
    })
  ),
  not_while: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { maxItems: 32, description: 'Probes that must not say busy' })
  ),
  signals: Type.Optional(
    Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      description: 'Custom signals and what they must be: "> 500", "!= away"'
    })
  )
}, { additionalProperties: false, description: 'What the task asks of the machine' })
export type Constraints = Static<typeof ConstraintsSchema>

export const ON_DEADLINE = ['run', 'skip', 'fail'] as const
export type OnDeadline = typeof ON_DEADLINE[number]
export const ON_UNMET = ['hold', 'skip', 'run'] as const
export type OnUnmet = typeof ON_UNMET[number]
export const ON_LOST = ['continue', 'yield', 'cancel'] as const
export type OnLost = typeof ON_LOST[number]

/** How much a task minds waiting: critical never does, charging_only waits for mains, background for a good battery. */
export const CLASSES = ['critical', 'charging_only', 'background', 'normal'] as const
export type Class = typeof CLASSES[number]

/** The fields of a definition that say when its runs may start, be held and be stopped. */
export const HoldFields = {
  constraints: Type.Optional(ConstraintsSchema),
  deadline: Type.Optional(lasting('no run could be held at all')),
  on_deadline: Type.Optional(word(ON_DEADLINE, 'What becomes of a run that is held at its deadline')),
  on_unmet: Type.Optional(
    word(ON_UNMET, 'What becomes of a due run whose conditions are not met: held, skipped, or run all the same')
  ),
  on_lost: Type.Optional(word(ON_LOST, 'What becomes of a running run whose conditions are lost')),
  class: Type.Optional(word(CLASSES, 'How much it minds waiting; told from its words when absent')),
  flex: Type.Optional({ ...DurationSchema, description: 'A scheduled run may be moved so far to a quieter hour' }),
  preemptible: Type.Optional(Type.Boolean({ description: 'A critical or high run that finds no slot may take its' }))
}

/** The same with every default filled in. */
export interface HoldPolicy {
  constraints: Constraints
  /** How long a run may be held from when it is due. */
  deadlineMs: number
  on_deadline: OnDeadline
  on_unmet: OnUnmet
  on_lost: OnLost
  /** Null: told from its words, see `classify`. */
  class: Class | null
  flexMs: number
  preemptible: boolean
}
