import { Type } from 'typebox'
import type { Static } from 'typebox'
import { DurationSchema, lasting } from '../base/section.ts'
import { milliseconds } from '../base/duration.ts'
import { ID_PATTERN, validId } from '../task/task.ts'
import { expectedWords, foundWords, pointerOf } from '../base/check.ts'
import type { Detail } from '../errors/errors.ts'
import type { Duration } from '../base/duration.ts'

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

const BusyWhen = Type.Object({
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

/** A probe of an activity outside offpeak. */
const ProbeSchema = Type.Object({
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
type SignalSetting = Static<typeof SignalSchema>

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

const FIELDS: Record<ProbeKind, { needs: keyof ProbeSetting, also: string[], busy: string[] }> = {
  process: { needs: 'processes', also: [], busy: ['running'] },
  url: { needs: 'url', also: ['headers'], busy: ['status', 'contains', 'pointer', 'equals', 'above', 'below'] },
  command: { needs: 'command', also: [], busy: ['exit', 'contains', 'pointer', 'equals', 'above', 'below'] },
  file: { needs: 'path', also: [], busy: ['exists', 'newer_than'] }
}
const ALWAYS = ['kind', 'busy_when', 'every', 'timeout', 'ttl']

type Plain = Record<string, unknown>
const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const entriesOf = (value: unknown, key: string): [string, unknown][] =>
  isPlain(value) && isPlain(value[key]) ? Object.entries(value[key]) : []

function probeFaults (name: string, probe: unknown): Detail[] {
  const fields = isPlain(probe) ? FIELDS[probe.kind as ProbeKind] : undefined
  if (!isPlain(probe) || fields === undefined) return []
  const { needs, also, busy } = fields
  const when = isPlain(probe.busy_when) ? Object.keys(probe.busy_when) : []
  const foreign = (known: string[]) =>
    `a probe of the kind '${String(probe.kind)}' has no such field: known are ${known.join(', ')}`
  const compared = when.filter(key => ['equals', 'above', 'below'].includes(key))
  return [
    ...probe[needs] === undefined
      ? [{
        pointer: pointerOf(['probes', name]),
        detail: `'${needs}' is missing: a probe of the kind '${String(probe.kind)}' needs it`
      }]
      : [],
    ...Object.keys(probe).filter(key =>
      Object.hasOwn(ProbeSchema.properties, key) && ![...ALWAYS, needs, ...also].includes(key)
    )
      .map(key => ({ pointer: pointerOf(['probes', name, key]), detail: foreign([...ALWAYS, needs, ...also]) })),
    ...when.filter(key => Object.hasOwn(BusyWhen.properties, key) && !busy.includes(key))
      .map(key => ({ pointer: pointerOf(['probes', name, 'busy_when', key]), detail: foreign(busy) })),
    ...compared.length > 0 && !when.includes('pointer')
      ? [{
        pointer: pointerOf(['probes', name, 'busy_when']),
        detail: `'pointer' is missing: it selects the value that '${compared[0]}' compares`
      }]
      : []
  ]
}

const nameFault = (section: string, name: string): Detail[] =>
  validId(name)
    ? []
    : [{
      pointer: pointerOf([section, name]),
      detail: `found the name ${foundWords(name)}, expected ${expectedWords({ type: 'string', pattern: ID_PATTERN })}`
    }]

/** How often a probe is checked by default, seconds. */
export const PROBE_EVERY = 30

const shorter = (path: string[], ttl: Duration, every: Duration, than: string): Detail[] =>
  milliseconds(ttl) >= milliseconds(every) ? [] : [{
    pointer: pointerOf(path),
    detail: `found ${foundWords(ttl)}, expected at least ${than} (${
      foundWords(every)
    }): the value would expire before the next check`
  }]

/** Faults between settings: values that expire before the next check. */
export const expiryFaults = (
  { sense, probes, signals }: { sense: { every: Duration }, probes: Record<string, ProbeSetting>,
    signals: Record<string, SignalSetting> }
): Detail[] => [
  ...Object.entries(probes).flatMap(([name, { every = PROBE_EVERY, ttl }]) =>
    ttl === undefined ? [] : shorter(['probes', name, 'ttl'], ttl, every, 'its every')
  ),
  ...Object.entries(signals).flatMap(([name, { ttl }]) =>
    ttl === undefined ? [] : shorter(['signals', name, 'ttl'], ttl, sense.every, 'sense.every')
  )
]

/** Faults beyond the schema: names, and fields that do not fit the kind of a probe. */
export const sensingFaults = (value: unknown): Detail[] => [
  ...entriesOf(value, 'probes').flatMap(([name, probe]) => [...nameFault('probes', name), ...probeFaults(name, probe)]),
  ...entriesOf(value, 'signals').flatMap(([name]) => nameFault('signals', name))
]
