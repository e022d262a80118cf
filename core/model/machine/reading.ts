/** The value of a field that no sensor could measure; each gate decides what it means. */
export const UNKNOWN = 'unknown'
export type Unknown = typeof UNKNOWN
export type Maybe<T> = T | Unknown

/** True for a value that a sensor measured. */
export const known = <T>(value: Maybe<T>): value is T => value !== UNKNOWN

/** The power source of the machine. A machine without a battery is on mains. */
export type PowerSource = 'mains' | 'battery'

/** Share of the last ten seconds in which some, or all, tasks waited; 0 to 100. Source: Linux PSI, `avg10`. */
export interface Pressure {
  some: Maybe<number>
  full: Maybe<number>
}

/** One custom value, such as a price or presence. Instants are epoch ms. */
export interface Signal {
  value: number | string | boolean
  at: number
  expires_at: number
}

/** The answer of one activity probe: whether the activity it watches is going on. `at`: epoch ms. */
export interface ProbeAnswer {
  busy: Maybe<boolean>
  at: number
  detail: string | null
}

/** Why a UPS may end its supply soon: its battery is low, it is shutting down, or (`silent`) it does not answer. */
export type UpsWarning = 'low_battery' | 'shutdown' | 'silent'

/** The state of a UPS; `level` in percent. `warning`: absent or null: none. */
export interface Ups {
  on_battery: Maybe<boolean>
  level: Maybe<number>
  seconds_left: Maybe<number>
  warning?: UpsWarning | null
}

/** The loads that are averaged over the dwell. `memory` is that of other programs, `memory_total` includes
 *  offpeak's. */
const LOADS = [
  'cpu',
  'memory',
  'memory_total',
  'io',
  'io_bytes',
  'network',
  'cpu_pressure',
  'memory_pressure',
  'io_pressure'
] as const
export type LoadName = typeof LOADS[number]

/** A load over time. `mean`: over the dwell. `value`: what gates compare; it falls later than the mean. `lasted`: ms
 *  for which `value` has been at its general limit, null below it. */
export interface Trend {
  mean: number
  value: number
  lasted: number | null
}

/** One sample of the machine. Shares are 0 to 1, rates per second, instants epoch ms. */
export interface Reading {
  at: number
  power: Maybe<PowerSource>
  battery: {
    present: Maybe<boolean>
    /** Percent, 0 to 100. */
    level: Maybe<number>
    charging: Maybe<boolean>
    seconds_left: Maybe<number>
  }
  /** A UPS that NUT or the kernel reports; null when there is none. */
  ups: Ups | null
  cpu: {
    /** Share of all cores, or of the container's cores, without niced programs, which yield to others. */
    busy: Maybe<number>
    /** The part of `busy` used by offpeak and its children. */
    own: Maybe<number>
    /** The share of niced programs, not included in `busy`. */
    niced?: Maybe<number>
    /** One-minute load average per core. */
    load: Maybe<number>
    cores: number
  }
  pressure: { cpu: Pressure, memory: Pressure, io: Pressure }
  /** `used`: without caches that the kernel or ZFS would free. `own`: the part of it used by offpeak. */
  memory: { used: Maybe<number>, available_bytes: Maybe<number>, own?: Maybe<number> }
  /** `busy`: share of time in which the busiest disk was busy. `own`, `own_bytes_per_s`: the parts of offpeak. */
  io: { busy: Maybe<number>, bytes_per_s: Maybe<number>, own?: Maybe<number>, own_bytes_per_s?: Maybe<number> }
  network: {
    online: Maybe<boolean>
    metered: Maybe<boolean>
    bytes_per_s: Maybe<number>
    own_bytes_per_s?: Maybe<number>
  }
  disks: { path: string, free_bytes: Maybe<number>, used: Maybe<number> }[]
  /** The hottest sensor, °C. */
  temperature: Maybe<number>
  /** Seconds since a person last touched the machine. */
  idle_seconds: Maybe<number>
  /** The longest delay of the event loop since the last sample, ms. */
  loop_delay_ms: Maybe<number>
  signals: Record<string, Signal>
  probes: Record<string, ProbeAnswer>
  /** Loads over time; only in a reading made by `smoothed`. */
  trends?: Readonly<Partial<Record<LoadName, Trend>>>
}

const NO_PRESSURE: Pressure = { some: UNKNOWN, full: UNKNOWN }

/** A reading with every value unknown. */
export const unknownReading = (at: number): Reading => ({
  at,
  power: UNKNOWN,
  battery: { present: UNKNOWN, level: UNKNOWN, charging: UNKNOWN, seconds_left: UNKNOWN },
  ups: null,
  cpu: { busy: UNKNOWN, own: UNKNOWN, load: UNKNOWN, cores: 1 },
  pressure: { cpu: NO_PRESSURE, memory: NO_PRESSURE, io: NO_PRESSURE },
  memory: { used: UNKNOWN, available_bytes: UNKNOWN },
  io: { busy: UNKNOWN, bytes_per_s: UNKNOWN },
  network: { online: UNKNOWN, metered: UNKNOWN, bytes_per_s: UNKNOWN },
  disks: [],
  temperature: UNKNOWN,
  idle_seconds: UNKNOWN,
  loop_delay_ms: UNKNOWN,
  signals: {},
  probes: {}
})
