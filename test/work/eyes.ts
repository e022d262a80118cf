import { unknownReading } from '../../core/model/reading.ts'
import type { Clock } from '../../core/model/clock.ts'
import type { Eyes } from '../../core/manager.ts'
import type { Reading, Signal } from '../../core/model/reading.ts'

type Change = { [K in keyof Reading]?: Reading[K] extends object ? Partial<Reading[K]> : Reading[K] }

/** A calm desktop on mains, with every sensor telling. */
export const calm = (at: number): Reading => ({
  ...unknownReading(at),
  power: 'mains',
  battery: { present: false, level: 'unknown', charging: 'unknown', seconds_left: 'unknown' },
  cpu: { busy: 0.05, own: 0, load: 0.1, cores: 4 },
  memory: { used: 0.4, available_bytes: 8e9 },
  io: { busy: 0.02, bytes_per_s: 0 },
  network: { online: true, metered: false, bytes_per_s: 0 },
  disks: [{ path: '/', free_bytes: 50e9, used: 0.5 }],
  temperature: 45,
  idle_seconds: 3600,
  loop_delay_ms: 1
})

/** Senses that see what the test tells them. */
export function fakeEyes (clock: Clock) {
  let change: Change = {}
  let signals: Record<string, Signal> = {}
  const reading = (): Reading => {
    const base = calm(clock.now())
    const merged = Object.fromEntries(Object.entries(base).map(([key, value]) => {
      const over = change[key as keyof Reading]
      if (over === undefined) return [key, value]
      return [key, typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value, ...over as object } : over]
    }))
    return { ...merged, signals } as Reading
  }
  const eyes: Eyes = {
    start: async () => undefined,
    stop: async () => undefined,
    get latest () { return reading() },
    sample: async () => reading(),
    troubles: () => [],
    query: () => [],
    register: () => () => undefined,
    dropSignal: name => delete signals[name],
    setSignal: (name, value, ttlMs = 3_600_000) => {
      const signal = { value: value as Signal['value'], at: clock.now(), expires_at: clock.now() + ttlMs }
      signals = { ...signals, [name]: signal }
      return signal
    }
  }
  return { eyes, reading, see: (next: Change) => { change = { ...change, ...next } } }
}
