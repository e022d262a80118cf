import type { ExplanationView } from '../remote/answers.ts'
import type { Json } from '../../model/json/json.ts'
import { sizeWords } from '../../model/base/size.ts'
import { spanWords } from '../../model/base/duration.ts'
import { timeWords } from './time-words.ts'

type Gate = Pick<ExplanationView['gates'][number], 'gate' | 'observed' | 'required' | 'relaxed_from'>

const share = (value: number) => `${Math.round(value * 100)} %`
const percent = (value: number) => `${Math.round(value)} %`

/** The units of gates with numbers. */
const UNITS: Record<string, (value: number) => string> = {
  cpu: share,
  memory: share,
  io: share,
  bandwidth: share,
  battery: percent,
  charge: percent,
  temperature: degrees => `${degrees} °C`,
  disk: sizeWords,
  idle: seconds => spanWords(seconds * 1000)
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

/** The value or the limit of a gate in words. */
function valueWords (gate: string, value: Json): string {
  if (value === null) return '-'
  if (typeof value === 'number') return (UNITS[gate] ?? String)(value)
  if (typeof value === 'string') return INSTANT.test(value) ? timeWords(value) : value
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(one => valueWords(gate, one)).join(', ')
  return Object.entries(value).map(([name, wanted]) => `${name} ${valueWords(gate, wanted)}`).join(', ')
}

/** The value and the limit of a gate in words; a relaxed limit is followed by the original one. */
export function gateWords ({ gate, observed, required, relaxed_from: before }: Gate): { seen: string, wanted: string } {
  const wanted = valueWords(gate, required)
  return {
    seen: valueWords(gate, observed),
    wanted: before === undefined ? wanted : `${wanted}, was ${valueWords(gate, before)}`
  }
}
