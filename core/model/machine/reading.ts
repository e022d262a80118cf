/** What no sensor could tell. It is a value: every gate says what it does with it. */
export const UNKNOWN = 'unknown'
export type Unknown = typeof UNKNOWN
export type Maybe<T> = T | Unknown

/** True for a value that a sensor has told. */
export const known = <T>(value: Maybe<T>): value is T => value !== UNKNOWN

/** Where the machine's power comes from. A machine without a battery is on mains. */
export type PowerSource = 'mains' | 'battery'

/** Share of the last ten seconds in which some, or all, tasks waited; 0 to 100. Source: Linux PSI, `avg10`. */
export interface Pressure {
  some: Maybe<number>
  full: Maybe<number>
}

/** One value from outside: price, solar, presence. Instants are epoch ms. */
export interface Signal {
  value: number | string | boolean
  at: number
  expires_at: number
}

/** One activity probe's answer: whether what it looks at is going on. */
export interface ProbeAnswer {
  busy: Maybe<boolean>
  at: number
  detail: string | null
}

/** A UPS that is about to end its supply: its battery is low, or it was told to shut down. `silent`: it does not
 *  answer. */
export type UpsWarning = 'low_battery' | 'shutdown' | 'silent'

/** `warning` absent or null: none. */
export interface Ups {
  on_battery: Maybe<boolean>
  level: Maybe<number>
  seconds_left: Maybe<number>
  warning?: UpsWarning | null
}

/** What is averaged over the dwell. `memory` is what others use; `memory_total` counts offpeak's own too. */
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

/** `mean`: over the dwell; `value`: what gates compare, which falls later than the mean; `lasted`: ms for which
 *  `value` has been at its general limit, null while it is below. */
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
    /** Of all cores, or of the container's share of them, without what runs niced: that gives way by itself. */
    busy: Maybe<number>
    /** The part of `busy` that is offpeak's own, its children included. */
    own: Maybe<number>
    /** The share that niced programs use beside `busy`. */
    niced?: Maybe<number>
    /** One-minute load average by core. */
    load: Maybe<number>
    cores: number
  }
  pressure: { cpu: Pressure, memory: Pressure, io: Pressure }
  /** `used`: what cannot be had any more; caches that the kernel or ZFS gives back are not used. `own`: the part of
   *  it that is offpeak's own. */
  memory: { used: Maybe<number>, available_bytes: Maybe<number>, own?: Maybe<number> }
  /** `busy`: share of time in which the busiest disk had work to do. `own` and `own_bytes_per_s`: the parts that are
   *  offpeak's own. */
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
  /** How late the event loop was at worst since the last sample, ms. */
  loop_delay_ms: Maybe<number>
  signals: Record<string, Signal>
  probes: Record<string, ProbeAnswer>
  /** How loads have gone over time, by name; only in a reading that `steadied` has made. */
  trends?: Readonly<Partial<Record<LoadName, Trend>>>
}

const NO_PRESSURE: Pressure = { some: UNKNOWN, full: UNKNOWN }

/** A reading of a machine whose sensors tell nothing. */
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
