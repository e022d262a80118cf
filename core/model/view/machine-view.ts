import { CLASSES } from '../task/constraint.ts'
import { SECOND } from '../base/duration.ts'
import { decisionFor, recommendationFor } from '../conditions/advice.ts'
import { hintsFor } from '../machine/hints.ts'
import { iso } from '../base/clock.ts'
import { profileOf } from '../machine/power.ts'
import { smoothed } from '../machine/hysteresis.ts'
import { windowAt } from '../machine/window.ts'
import type { Advice } from '../conditions/advice.ts'
import type { Class } from '../task/constraint.ts'
import type { Config } from '../config/config.ts'
import type { ForecastItem } from '../forecast/forecast.ts'
import type { Pause } from '../conditions/gate.ts'
import type { Point } from '../machine/history.ts'
import type { Reading, Signal } from '../machine/reading.ts'
import type { Hysteresis } from '../machine/hysteresis.ts'

/** An instant as REST shows it; null for an infinite one. */
const instant = (at: number | null): string | null => at === null || !Number.isFinite(at) ? null : iso(at)

const secondsOf = (ms: number): number => ms / SECOND

function mapped<V, A> (values: Readonly<Record<string, V>>, answer: (value: V) => A): Record<string, A> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, answer(value)]))
}

const signalFields = ({ value, at, expires_at: until }: Signal) => ({ value, at: iso(at)!, expires_at: iso(until)! })

/** A custom signal as REST shows it. */
export const signalView = (name: string, signal: Signal) => ({ name, ...signalFields(signal) })
export type SignalView = ReturnType<typeof signalView>

/** A reading as REST shows it: every instant in ISO 8601, without signals that have expired. */
export const readingView = (reading: Reading) => ({
  ...reading,
  at: iso(reading.at)!,
  signals: mapped(
    Object.fromEntries(Object.entries(reading.signals).filter(([, { expires_at: until }]) => until > reading.at)),
    signalFields
  ),
  probes: mapped(reading.probes, probe => ({ ...probe, at: iso(probe.at)! }))
})

/** A point of the history as REST shows it. */
export const pointView = ({ at, count, values }: Point) => ({ at: iso(at)!, count, values })

interface MachineAsk {
  reading: Reading
  hysteresis: Hysteresis | null
  config: Config
  troubles: readonly { sensor: string, message: string, since: number }[]
  now: number
}

/** The state of the machine as REST shows it. Profile, recommendation and advice follow from the smoothed values, which
 *  decide verdicts. */
export function machineView ({ reading, hysteresis, config, troubles, now }: MachineAsk) {
  const seen = hysteresis === null ? reading : smoothed(reading, hysteresis)
  const window = windowAt(config, now)
  return {
    reading: readingView(reading),
    profile: profileOf(seen, config),
    window: window &&
      { name: window.name, resource_limit: window.resource_limit, closes_at: instant(window.closes_at) },
    hints: hintsFor(reading, config),
    recommendation: recommendationFor(seen, config),
    advice: Object.fromEntries(CLASSES.map(kind => [kind, decisionFor(kind, seen, config)])) as Record<Class, Advice>,
    troubles: troubles.map(({ since, ...trouble }) => ({ ...trouble, since: iso(since)! }))
  }
}
export type MachineView = ReturnType<typeof machineView>

/** A pause as REST shows it. */
export const pauseView = ({ scope, name, until, by, at, reason = null }: Pause) => ({
  scope,
  name,
  until: iso(until),
  by,
  at: iso(at)!,
  reason
})
export type PauseView = ReturnType<typeof pauseView>

/** One forecast item as REST shows it: instants in ISO 8601, durations in seconds. */
export const forecastView = (
  { nominal_at: nominal, earliest_at: earliest, likely_at: likely, latest_at: latest, ends_at: ends, took, ...rest }:
    ForecastItem
) => ({
  ...rest,
  nominal_at: iso(nominal)!,
  earliest_at: iso(earliest),
  likely_at: iso(likely),
  latest_at: iso(latest),
  ends_at: iso(ends),
  took: took && { p50: secondsOf(took.p50), p90: secondsOf(took.p90), runs: took.runs }
})
export type ForecastView = ReturnType<typeof forecastView>

/** Time held as REST shows it, in seconds. */
export const heldView = ({ ms, ...rest }: { task: string, code: string, ms: number, runs: number }) => ({
  ...rest,
  seconds: secondsOf(ms)
})
