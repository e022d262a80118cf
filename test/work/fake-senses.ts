import { calmReading as calm } from '../../core/model/machine/machine-state.ts'
import type { Clock } from '../../core/model/base/clock.ts'
import type { MachineSenses } from '../../core/manager.ts'
import type { Reading, Signal } from '../../core/model/machine/reading.ts'

export { calmReading as calm } from '../../core/model/machine/machine-state.ts'

type Change = { [K in keyof Reading]?: Reading[K] extends object ? Partial<Reading[K]> : Reading[K] }

/** Senses whose readings the test sets. */
export function fakeSenses (clock: Clock) {
  let change: Change = {}
  let signals: Record<string, Signal> = {}
  const reading = (): Reading => {
    const base = calm(clock.now())
    const merged = Object.fromEntries(Object.entries(base).map(([key, value]) => {
      const over = change[key as keyof Reading]
      if (over === undefined) return [key, value]
      return [key,
        typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value, ...over as object } : over]
    }))
    return { ...merged, signals } as Reading
  }
  const senses: MachineSenses = {
    start: async () => undefined,
    stop: async () => undefined,
    get latest () {
      return reading()
    },
    sample: async () => reading(),
    troubles: () => [],
    query: () => [],
    register: () => () => undefined,
    dropSignal: name => Object.hasOwn(signals, name) && delete signals[name],
    setSignal: (name, value, ttlMs = 3_600_000) => {
      const signal = { value: value as Signal['value'], at: clock.now(), expires_at: clock.now() + ttlMs }
      signals = { ...signals, [name]: signal }
      return signal
    }
  }
  return {
    senses,
    reading,
    see: (next: Change) => {
      change = { ...change, ...next }
    }
  }
}
