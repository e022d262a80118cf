import type { GateInput, GateResult } from './gate.ts'
import { READ, inDefinition, rounded, shareWords } from './gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'
import { generalLimit, lastingLoad } from '../machine/limit.ts'
import { isMonitor } from './monitor.ts'
import { relaxedUp } from './relaxation.ts'
import { FALL } from '../machine/trend.ts'
import { milliseconds, spanWords } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { LoadName, Maybe } from '../machine/reading.ts'

/** A share that must stay below a limit. */
interface Limit {
  gate: string
  load: LoadName
  /** The subject of the message: `other programs use … of the processors`. */
  words: (share: string) => string
  /** The code while it is closed. */
  busy: string
  observed: Maybe<number>
  /** The mean to show, where `observed` lags behind it. */
  mean?: number | undefined
  /** The limit of the task, which replaces the general one. */
  own?: { name: string, value: number | undefined }
}

const PERCENT = 100

/** What a mean that is below its limit must still do before the gate opens, in words; empty at or above the limit. */
function leaving (limit: number, mean: number, { scheduling }: Pick<Config, 'scheduling'>): string {
  if (mean >= limit) return ''
  const under = `below ${Math.ceil(limit / FALL * PERCENT)} %`
  const rest = `stay ${under} for ${spanWords(milliseconds(scheduling.dwell))}`
  return `, must ${mean * FALL >= limit ? `fall ${under}` : rest}`
}

/** The result for a share that must stay below a limit. An unknown share holds only a task with its own limit. The
 *  general limit does not hold monitors, nor, on mains, any run once the load has lasted for
 *  scheduling.load_patience. */
export function below (ask: GateInput, { gate, load, words, busy, observed, mean, own }: Limit): GateResult {
  const asked = own?.value
  const general = generalLimit(load, ask.reading, ask.config)!
  const full = asked ?? general.value
  const required = rounded(relaxedUp(full, ask.relaxed))
  const source = asked === undefined ? general.source : inDefinition(own!.name)
  const facts = { gate, required, ...READ, source, ...required !== full && { relaxed_from: full } }
  if (!known(observed)) {
    const ok = asked === undefined
    const rest = ok ? ' (does not hold the run)' : `, the task needs less than ${shareWords(required)}`
    const message = `cannot tell whether ${words('too much')}${rest}`
    return { ...facts, ok, code: ok ? 'unknown' : `${gate}_unknown`, message, observed: UNKNOWN }
  }
  const shown = mean ?? observed
  const measured = { ...facts, observed: rounded(shown) }
  const message = `${words(shareWords(shown))}, limit ${shareWords(required)}`
  // A limit of 100 % never holds.
  if (observed < required || required >= 1) return { ...measured, ok: true, code: 'ok', message }
  const passes = asked === undefined ? exemption(ask, load) : null
  if (passes !== null) return { ...measured, ok: true, code: passes.code, message: `${message}: ${passes.words}` }
  return { ...measured, ok: false, code: busy, message: `${message}${leaving(required, shown, ask.config)}` }
}

function exemption ({ task, reading, config }: GateInput, load: LoadName): { code: string, words: string } | null {
  if (task !== undefined && isMonitor(task)) return { code: 'monitor', words: 'load never holds a check or monitor' }
  const lasted = lastingLoad(load, reading, config)
  if (lasted === null) return null
  const words = `it has lasted ${spanWords(lasted)}, lasting load holds nothing on mains`
  return { code: 'lasting', words }
}

/** The result for the general limit on waiting for a resource; null where it is open or the pressure is unknown. */
export function pressed (ask: GateInput, limit: Omit<Limit, 'own'>): GateResult | null {
  const result = known(limit.observed) ? below(ask, limit) : null
  return result === null || result.code === 'ok' ? null : result
}

/** The result to show of two on one resource: a closed one, else one that explains why it is open, else the first. */
export const resultToShow = (first: GateResult, second: GateResult | null): GateResult =>
  second === null || !first.ok || (second.ok && first.code !== 'ok') ? first : second
