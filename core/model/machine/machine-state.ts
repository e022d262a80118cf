import { overlay } from '../config/config.ts'
import { known, unknownReading } from './reading.ts'
import type { Reading, Signal } from './reading.ts'

type Part<K extends keyof Reading> = Partial<NonNullable<Reading[K]>>

/** What a made-up machine does, as far as it is not calm. Signals and probes by name; `null` forgets a signal. */
export interface Scene
  extends Partial<Pick<Reading, 'power' | 'disks' | 'temperature' | 'idle_seconds' | 'loop_delay_ms'>> {
  battery?: Part<'battery'>
  ups?: Reading['ups']
  cpu?: Part<'cpu'>
  pressure?: Part<'pressure'>
  memory?: Part<'memory'>
  io?: Part<'io'>
  network?: Part<'network'>
  signals?: Record<string, Signal['value'] | null>
  probes?: Record<string, boolean | 'unknown'>
}

/** Far enough for every calendar, and still an instant that a date can hold. */
const FOR_EVER = 8.64e15

/** A calm desktop on mains with every sensor telling. */
export const calmReading = (at: number): Reading => ({
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

/** A scene with a change laid upon it: what the change does not name stays. */
export const sceneWith = (scene: Scene, change: Scene): Scene => overlay(scene, change) as Scene

/** What the sensors tell of a scene at an instant. A machine whose battery has a level, or that runs on it, has one. */
export function readingOf (scene: Scene, at: number): Reading {
  const { signals = {}, probes = {}, ...rest } = scene
  const reading = overlay(calmReading(at), rest) as Reading
  const hasBattery = known(reading.battery.level) || reading.power === 'battery'
  return {
    ...reading,
    ...hasBattery && { battery: { ...reading.battery, present: rest.battery?.present ?? true } },
    signals: Object.fromEntries(
      Object.entries(signals).flatMap(([name, value]) =>
        value === null ? [] : [[name, { value, at, expires_at: FOR_EVER }] as const]
      )
    ),
    probes: Object.fromEntries(Object.entries(probes).map(([name, busy]) => [name, { busy, at, detail: null }]))
  }
}
