import { BusyWhen, PROBE_EVERY, ProbeSchema } from './sense.ts'
import { ID_PATTERN, validId } from '../task/task.ts'
import { expectedWords, foundWords, pointerOf } from '../base/check.ts'
import { milliseconds } from '../base/duration.ts'
import type { Detail } from '../errors/errors.ts'
import type { Duration } from '../base/duration.ts'
import type { ProbeKind, ProbeSetting, SignalSetting } from './sense.ts'

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
