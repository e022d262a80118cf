import { overlay } from '../config/config.ts'
import { known, unknownReading } from './reading.ts'
import type { Reading, Signal } from './reading.ts'

export type Part<K extends keyof Reading> = Partial<NonNullable<Reading[K]>>

/** The state of a simulated machine where it differs from `calmReading`. Signals and probes are by name; `null` removes
 *  a signal. */
export interface MachineState
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

/** The last instant that a Date can hold, epoch ms. */
const FOR_EVER = 8.64e15

/** The reading of a calm desktop on mains with a value from every sensor. */
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

/** The state with a change applied; fields that the change does not name stay. */
export const stateWith = (state: MachineState, change: MachineState): MachineState =>
  overlay(state, change) as MachineState

/** The reading of a state at an instant. A machine has a battery when the state gives its level or runs on it. */
export function readingOf (state: MachineState, at: number): Reading {
  const { signals = {}, probes = {}, ...rest } = state
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
