import { Type } from 'typebox'
import type { Static } from 'typebox'
import { DurationSchema, lasting } from '../base/section.ts'

const duration = (standard: string | number, description: string) => ({
  ...DurationSchema,
  default: standard,
  description
})
const own = (description: string) => Type.Optional({ ...DurationSchema, description })
const ownLasting = (why: string, description: string) => Type.Optional({ ...lasting(why), description })
const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 2000, description }))
const texts = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 2000 }), { minItems: 1, maxItems: 100, description })

/** Whether the connection is metered; `auto`: as the system reports. */
const METERED = ['auto', 'yes', 'no'] as const

const Sense = Type.Object({
  every: duration('5s', 'How often the machine is sampled'),
  slow_every: duration('60s', 'How often values are read that need a program'),
  timeout: {
    ...lasting('no sensor could ever answer in time'),
    default: '5s',
    description: 'Values of a sensor that does not answer in this time are unknown'
  },
  disks: Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
    default: [],
    maxItems: 32,
    description: 'Paths whose file systems are watched besides that of the data folder'
  }),
  ups: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    default: null,
    minLength: 1,
    maxLength: 200,
    pattern: '^[^-]',
    description: 'The name of a UPS in Network UPS Tools, such as rack@localhost'
  }),
  metered: Type.Unsafe<typeof METERED[number]>({
    type: 'string',
    enum: [...METERED],
    default: 'auto',
    description: 'Whether the network is metered'
  })
}, { additionalProperties: false, description: 'How the machine is measured' })

const PROBE_KINDS = ['process', 'url', 'command', 'file'] as const
export type ProbeKind = typeof PROBE_KINDS[number]

export const BusyWhen = Type.Object({
  running: Type.Optional(Type.Boolean({ description: 'process: busy while one runs; false inverts it' })),
  status: Type.Optional(
    Type.Array(Type.Integer({ minimum: 100, maximum: 599 }), {
      minItems: 1,
      maxItems: 20,
      description: 'url: the answer has one of these status codes'
    })
  ),
  contains: text('url and command: the answer contains this text'),
  pointer: Type.Optional(
    Type.String({
      pattern: '^(?:/[^/]*)*$',
      maxLength: 1000,
      description: 'url and command: JSON pointer into the answer; alone: busy unless false, 0, null or empty'
    })
  ),
  equals: Type.Optional(
    Type.Unsafe<string | number | boolean | null>({
      type: ['string', 'number', 'boolean', 'null'],
      description: 'The value at the pointer equals this'
    })
  ),
  above: Type.Optional(Type.Number({ description: 'The number at the pointer is above this' })),
  below: Type.Optional(Type.Number({ description: 'The number at the pointer is below this' })),
  exit: Type.Optional(
    Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), {
      minItems: 1,
      maxItems: 20,
      description: 'command: one of these exit codes; 0 when absent'
    })
  ),
  exists: Type.Optional(Type.Boolean({ description: 'file: busy while it exists; false inverts it' })),
  newer_than: own('file: busy while it was changed within this time')
}, { additionalProperties: false, description: 'When the answer counts as busy; all conditions must hold' })
export type BusyWhen = Static<typeof BusyWhen>

/** How often a probe is checked by default, seconds. */
export const PROBE_EVERY = 30

/** A probe of an activity outside offpeak. */
export const ProbeSchema = Type.Object({
  kind: Type.Unsafe<ProbeKind>({ type: 'string', enum: [...PROBE_KINDS], description: 'What is checked' }),
  processes: Type.Optional(texts('process: names of programs, as `ps -o comm` shows them')),
  url: Type.Optional(
    Type.String({ pattern: '^https?://', maxLength: 2000, description: 'url: fetched with GET' })
  ),
  headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'url: headers of the request' })),
  command: Type.Optional(texts('command: the program and its arguments, run without a shell')),
  path: text('file: its path'),
  busy_when: Type.Optional(BusyWhen),
  every: own('How often it is checked; 30 s when absent'),
  timeout: ownLasting('no answer could ever come in time', 'Timeout of one check; 5 s when absent'),
  ttl: ownLasting('no answer would ever count', 'How long an answer is valid; four times `every` when absent')
}, { additionalProperties: false, description: 'A check of activity outside offpeak' })
export type ProbeSetting = Static<typeof ProbeSchema>

const SIGNAL_TYPES = ['number', 'text', 'flag'] as const
export type SignalType = typeof SIGNAL_TYPES[number]

const SignalSchema = Type.Object({
  type: Type.Optional(
    Type.Unsafe<SignalType>({
      type: 'string',
      enum: [...SIGNAL_TYPES],
      description: 'The type of its values; any when absent'
    })
  ),
  ttl: ownLasting('no value would ever count', 'How long a value counts when its sender does not say; 1 h when absent'),
  description: text('What its values mean')
}, { additionalProperties: false, description: 'A value that another program sends' })
export type SignalSetting = Static<typeof SignalSchema>

/** The sections of the configuration about the measurement of the machine. */
export const SENSE_SECTIONS = {
  sense: Sense,
  probes: Type.Record(Type.String(), ProbeSchema, {
    default: {},
    description: 'Checks of activity outside offpeak, by name'
  }),
  signals: Type.Record(Type.String(), SignalSchema, {
    default: {},
    description: 'Values set from outside, by name; other names are accepted too'
  })
}

export const SENSE_BASE = { sense: {}, probes: {}, signals: {} }
