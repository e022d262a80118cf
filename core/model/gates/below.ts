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
  /** The mean that people are shown, where `observed` lags behind it. */
  mean?: number | undefined
  /** The limit of the task itself, which takes the place of the general one. */
  own?: { name: string, value: number | undefined }
}

const PERCENT = 100

/** What a mean below a limit that was reached still has to do before it counts as left. */
function leaving (limit: number, mean: number, { scheduling }: Pick<Config, 'scheduling'>): string {
  if (mean >= limit) return ''
  const under = `below ${Math.ceil(limit / FALL * PERCENT)} %`
  const rest = `stay ${under} for ${spanWords(milliseconds(scheduling.dwell))}`
  return `, and it has to ${mean * FALL >= limit ? `fall ${under}` : rest}`
}

/** The answer on a share that must stay below a limit. What nobody knows holds only a task that asks for the limit
 *  itself; the general limit holds neither monitors nor, on mains, anything once the load has lasted longer than
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
    const rest = ok ? ': not held for it' : `, and the task asks for less than ${shareWords(required)}`
    const message = `nobody can tell whether ${words('too much')}${rest}`
    return { ...facts, ok, code: ok ? 'unknown' : `${gate}_unknown`, message, observed: UNKNOWN }
  }
  const shown = mean ?? observed
  const said = { ...facts, observed: rounded(shown) }
  const message = `${words(shareWords(shown))}, and the limit is ${shareWords(required)}`
  // A limit of all there is has given way: nothing is above it.
  if (observed < required || required >= 1) return { ...said, ok: true, code: 'ok', message }
  const passes = asked === undefined ? exemption(ask, load) : null
  if (passes !== null) return { ...said, ok: true, code: passes.code, message: `${message}: ${passes.words}` }
  return { ...said, ok: false, code: busy, message: `${message}${leaving(required, shown, ask.config)}` }
}

function exemption ({ task, reading, config }: GateInput, load: LoadName): { code: string, words: string } | null {
  if (task !== undefined && isMonitor(task)) return { code: 'monitor', words: 'load never holds a check or monitor' }
  const lasted = lastingLoad(load, reading, config)
  if (lasted === null) return null
  const words = `it has lasted for ${spanWords(lasted)}, and on mains load that lasts holds nothing`
  return { code: 'lasting', words }
}

/** The general limit on waiting for a resource, where the kernel measures it and it has something to say; null where
 *  it is open or not known. */
export function pressed (ask: GateInput, limit: Omit<Limit, 'own'>): GateResult | null {
  const said = known(limit.observed) ? below(ask, limit) : null
  return said === null || said.code === 'ok' ? null : said
}

/** Of the answers on one resource the one that counts: one that is closed, else one that says why it is open, else
 *  the first. */
export const foremost = (first: GateResult, second: GateResult | null): GateResult =>
  second === null || !first.ok || (second.ok && first.code !== 'ok') ? first : second
