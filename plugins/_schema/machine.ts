import Type from 'typebox'
import type { Static, TSchema } from 'typebox'
import { CLASSES, DECISIONS, FIELDS, PROFILES, RECOMMENDATIONS } from '../../core/index.ts'
import { Instant, exactly, nullable, word } from './base.ts'

/** A value that is `unknown` when no sensor can measure it. */
const maybe = <S extends TSchema>(schema: S) => {
  const { type, ...rest } = schema as S & { type: string }
  return Type.Unsafe<Static<S> | 'unknown'>({
    ...rest,
    type: [type, 'string'],
    description: `${(rest as { description?: string }).description ?? ''} or unknown`.trim()
  })
}

const Share = maybe(Type.Number({ description: '0 to 1' }))
const Number = maybe(Type.Number())
const Flag = maybe(Type.Boolean())
const Percent = maybe(Type.Number({ description: 'Percent' }))
const Pressure = exactly({ some: Percent, full: Percent })

/** The value of a signal or of a stored reading. */
export const Value = Type.Unsafe<number | string | boolean>({ type: ['number', 'string', 'boolean'] })

const SignalFields = { value: Value, at: Instant, expires_at: Instant }
export const Signal = exactly({ name: Type.String(), ...SignalFields }, { title: 'Signal' })

export const Trouble = exactly({ sensor: Type.String(), message: Type.String(), since: Instant }, { title: 'Trouble' })

/** One sample of the machine. */
const Reading = exactly({
  at: Instant,
  power: word(['mains', 'battery', 'unknown']),
  battery: exactly({ present: Flag, level: Percent, charging: Flag, seconds_left: Number }),
  ups: nullable(
    exactly({
      on_battery: Flag,
      level: Percent,
      seconds_left: Number,
      warning: Type.Optional(nullable(word(['low_battery', 'shutdown', 'silent'], 'Why its supply may end soon')))
    })
  ),
  cpu: exactly({ busy: Share, own: Share, niced: Type.Optional(Share), load: Number, cores: Type.Number() }),
  pressure: exactly({ cpu: Pressure, memory: Pressure, io: Pressure }, {
    description: 'Pressure stall information of Linux over the last ten seconds, percent'
  }),
  memory: exactly({ used: Share, available_bytes: Number, own: Type.Optional(Share) }),
  io: exactly({ busy: Share, bytes_per_s: Number, own: Type.Optional(Share), own_bytes_per_s: Type.Optional(Number) }),
  network: exactly({ online: Flag, metered: Flag, bytes_per_s: Number, own_bytes_per_s: Type.Optional(Number) }),
  disks: Type.Array(exactly({ path: Type.String(), free_bytes: Number, used: Share })),
  temperature: maybe(Type.Number({ description: '°C' })),
  idle_seconds: Number,
  loop_delay_ms: Number,
  signals: Type.Record(Type.String(), exactly(SignalFields)),
  probes: Type.Record(Type.String(), exactly({ busy: Flag, at: Instant, detail: nullable(Type.String()) }))
}, { title: 'Reading' })

const Advice = exactly({ decision: word(DECISIONS), reason: Type.String() })

/** The state of the machine, and what follows from it for runs. */
export const Machine = exactly({
  reading: Reading,
  profile: word(PROFILES, 'The limits in force'),
  window: nullable(
    exactly({ name: Type.String(), resource_limit: Type.Number(), closes_at: nullable(Instant) }, {
      description: 'The window in force'
    })
  ),
  hints: exactly({
    batch_size: Type.Integer(),
    quality: Type.String(),
    can_parallel: Type.Boolean(),
    suspend_non_critical: Type.Boolean(),
    cpu_limit: Type.Number(),
    network_limit: Type.Number(),
    profile: word(PROFILES)
  }, { description: 'Hints that running tasks receive' }),
  recommendation: word(RECOMMENDATIONS, 'The kind of work that should wait'),
  advice: exactly(Object.fromEntries(CLASSES.map(name => [name, Advice])), {
    description: 'The decision for a run of each class by power supply alone'
  }),
  troubles: Type.Array(Trouble, { description: 'Sensors that fail' })
}, { title: 'Machine' })

const Values = Type.Object(Object.fromEntries(FIELDS.map(field => [field, Type.Optional(Value)])), {
  additionalProperties: false,
  description: 'Means; a value that was unknown throughout is absent'
})

/** The readings of one step, combined. */
export const Point = exactly({
  at: Instant,
  count: Type.Integer({ description: 'The number of combined readings' }),
  values: Values
}, { title: 'Point' })
