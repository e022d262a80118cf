import { UNKNOWN, known } from './reading.ts'
import { generalLimit } from './limit.ts'
import { isRecent, nextLoad } from './trend.ts'
import { milliseconds } from '../base/duration.ts'
import { othersBusy, othersIo, othersMemory, othersNetwork, othersPressure } from './others.ts'
import type { Config } from '../config/config.ts'
import type { Load, Moment } from './trend.ts'
import type { LoadName, Maybe, Pressure, Reading, Signal } from './reading.ts'

/** A drifting value that reverses its direction at most once per dwell. `direction`: the sign of its last change. */
interface Level {
  value: number
  moved_at: number
  direction: number
  seen_at: number
}

/** A discrete value that changes at most once per dwell. `changed_at`: null before the first change. */
interface Word {
  value: Signal['value']
  changed_at: number | null
  seen_at: number
}

/** The smoothed state of the readings so far, as plain JSON that the caller stores. */
export interface Hysteresis {
  at: number
  loads: Partial<Record<LoadName, Load>>
  levels: Record<string, Level>
  words: Record<string, Word>
}

type Rules = Pick<Config, 'scheduling' | 'power' | 'resources' | 'sense'>

/** The range for the smoothed level of a value: it differs from the value only on the side that starts fewer runs. */
type Range = (value: number) => [least: number, most: number]

interface Drift {
  value: Maybe<number>
  range: Range
}

function nextLevel (level: Level | undefined, { value, range }: Drift, moment: Moment): Level | undefined {
  const { now } = moment
  if (!known(value)) return level !== undefined && isRecent(level.seen_at, moment) ? level : undefined
  if (level === undefined) return { value, moved_at: now, direction: 0, seen_at: now }
  const [least, most] = range(value)
  const target = Math.min(most, Math.max(least, level.value))
  const direction = Math.sign(target - level.value)
  const turnsBack = direction !== 0 && direction === -level.direction && isRecent(level.moved_at, moment)
  if (direction === 0 || turnsBack) return { ...level, seen_at: now }
  return { value: target, moved_at: now, direction, seen_at: now }
}

function nextWord (word: Word | undefined, value: Maybe<Word['value']>, moment: Moment): Word | undefined {
  const { now } = moment
  if (value === UNKNOWN) return word !== undefined && isRecent(word.seen_at, moment) ? word : undefined
  if (word === undefined) return { value, changed_at: null, seen_at: now }
  const tooSoon = word.changed_at !== null && isRecent(word.changed_at, moment)
  return word.value === value || tooSoon ? { ...word, seen_at: now } : { value, changed_at: now, seen_at: now }
}

/** A UPS that was on battery when it stopped answering counts as on battery until it answers: the path to it may have
 *  lost its power. */
function nextUps (word: Word | undefined, value: Maybe<boolean>, moment: Moment): Word | undefined {
  return value === UNKNOWN && word?.value === true ? { ...word, seen_at: moment.now } : nextWord(word, value, moment)
}

function loadsOf (reading: Reading): Record<LoadName, Maybe<number>> {
  const { busy, bytes_per_s: moved } = othersIo(reading)
  return {
    cpu: othersBusy(reading),
    memory: othersMemory(reading),
    memory_total: reading.memory.used,
    io: busy,
    io_bytes: moved,
    network: othersNetwork(reading),
    cpu_pressure: othersPressure(reading, 'cpu'),
    memory_pressure: othersPressure(reading, 'memory'),
    io_pressure: othersPressure(reading, 'io')
  }
}

/** The value from which a load counts as lasting. */
function limitOf (load: LoadName, reading: Reading, config: Rules): number | null {
  const limit = generalLimit(load, reading, config)?.value ?? null
  const { network_capacity: capacity } = config.resources
  if (load !== 'network') return limit
  return limit === null || capacity === null ? null : limit * capacity
}

const HOT_MARGIN = 1.04
const FREE_MARGIN = 1.05

const free: Range = value => [value / FREE_MARGIN, value]

function levelsOf (reading: Reading, margin: number): Record<string, { value: Maybe<number>, range: Range }> {
  // The margin does not apply at 100 %, so that a battery can count as full.
  const battery: Range = value => [value >= 100 ? 100 : Math.max(0, value - margin), value]
  return {
    battery: { value: reading.battery.level, range: battery },
    ...reading.ups && { ups: { value: reading.ups.level, range: battery } },
    temperature: { value: reading.temperature, range: value => [value, value * HOT_MARGIN] },
    ...Object.fromEntries(reading.disks.map(({ path, free_bytes: value }) => [`disk ${path}`, { value, range: free }]))
  }
}

const wordsOf = (reading: Reading): Record<string, Maybe<Word['value']>> => ({
  power: reading.power,
  charging: reading.battery.charging,
  online: reading.network.online,
  metered: reading.network.metered,
  ...Object.fromEntries(Object.entries(reading.probes).map(([name, { busy }]) => [`probe ${name}`, busy]))
})

const SIGNAL = 'signal '

/** The signals that have not expired. After an expiry the next value counts at once. */
const signalsOf = (signals: Reading['signals'], now: number): Record<string, Word['value']> =>
  Object.fromEntries(Object.entries(signals)
    .flatMap(([name, { value, expires_at: until }]) => until > now ? [[`${SIGNAL}${name}`, value]] : []))

type Step<T, V> = (before: T | undefined, value: V, name: string) => T | undefined

function stepped<T, V> (
  past: Record<string, T> | undefined,
  values: Record<string, V>,
  step: Step<T, V>
): Record<string, T> {
  const entries = Object.entries(values).flatMap(([name, value]) => {
    const next = step(past?.[name], value, name)
    return next === undefined ? [] : [[name, next] as const]
  })
  return Object.fromEntries(entries)
}

const momentsOf = ({ scheduling, sense }: Rules, now: number): { moment: Moment, signals: Moment } => {
  const dwell = milliseconds(scheduling.dwell)
  const farMs = Math.max(dwell, 2 * milliseconds(sense.every))
  return { moment: { now, dwell, farMs }, signals: { now, dwell: milliseconds(scheduling.signal_dwell), farMs } }
}

/** The part of the previous state that still counts. When the clock was set back by more than a dwell, everything
 *  starts over, except a UPS on battery. */
function counting (previous: Hysteresis | null, { now, dwell }: Moment): Omit<Hysteresis, 'at'> | null {
  if (previous === null || previous.at <= now + dwell) return previous
  const ups = previous.words.ups
  return { loads: {}, levels: {}, words: ups?.value === true ? { ups } : {} }
}

/** The state after one more reading; `previous` is null for the first. Loads follow their mean, levels and words count
 *  at once. No value crosses a threshold twice within scheduling.dwell, so each gate opens or closes at most once in
 *  it. A value that becomes unknown counts for one more dwell. */
export function nextHysteresis (previous: Hysteresis | null, reading: Reading, config: Rules, now: number): Hysteresis {
  const { moment, signals } = momentsOf(config, now)
  const before = counting(previous, moment)
  const hasUps = reading.ups !== null || config.sense.ups !== null
  const ups = hasUps ? nextUps(before?.words.ups, reading.ups?.on_battery ?? UNKNOWN, moment) : undefined
  return {
    at: now,
    loads: stepped(before?.loads as Record<string, Load> | undefined, loadsOf(reading),
      (load, value, name) => nextLoad(load, { value, limit: limitOf(name as LoadName, reading, config) }, moment)),
    levels: stepped(before?.levels, levelsOf(reading, config.power.margin),
      (level, drift) => nextLevel(level, drift, moment)),
    words: {
      ...stepped(before?.words, wordsOf(reading), (word, value) => nextWord(word, value, moment)),
      ...ups !== undefined && { ups },
      ...stepped(before?.words, signalsOf(reading.signals, now), (word, value) => nextWord(word, value, signals))
    }
  }
}

/** The state with new signals; everything else stays as it was. */
export function nextSignalHysteresis (
  previous: Hysteresis,
  signals: Reading['signals'],
  config: Rules,
  now: number
): Hysteresis {
  const { moment, signals: own } = momentsOf(config, now)
  const before = counting(previous, moment)
  const machine = Object.entries(previous.words).filter(([name]) => !name.startsWith(SIGNAL))
  const fresh = stepped(before?.words, signalsOf(signals, now), (word, value) => nextWord(word, value, own))
  return { ...previous, words: { ...Object.fromEntries(machine), ...fresh } }
}

/** The names of the signals whose smoothed value has changed. */
export function signalChanges (before: Hysteresis | null, after: Hysteresis): string[] {
  const names = Object.keys({ ...before?.words, ...after.words }).filter(name => name.startsWith(SIGNAL))
  const changed = names.filter(name => before?.words[name]?.value !== after.words[name]?.value)
  return changed.map(name => name.slice(SIGNAL.length))
}

const mapped = <V>(values: Readonly<Record<string, V>>, change: (value: V, name: string) => V): Record<string, V> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]))

function replaced (reading: Reading, { loads, levels, words }: Hysteresis): Reading {
  const load = (name: LoadName): Maybe<number> => loads[name]?.value ?? UNKNOWN
  const level = (name: string): Maybe<number> => levels[name]?.value ?? UNKNOWN
  const word = <T>(name: string) => (words[name]?.value ?? UNKNOWN) as Maybe<T>
  const pressure = (name: keyof Reading['pressure']): Pressure => {
    const others = load(`${name}_pressure`)
    return { ...reading.pressure[name], some: known(others) ? others * 100 : UNKNOWN }
  }
  return {
    ...reading,
    power: word('power'),
    battery: { ...reading.battery, level: level('battery'), charging: word('charging') },
    ups: upsOf(reading, word('ups'), level('ups')),
    cpu: { ...reading.cpu, busy: load('cpu'), own: 0, niced: 0 },
    pressure: { cpu: pressure('cpu'), memory: pressure('memory'), io: pressure('io') },
    memory: { ...reading.memory, used: load('memory'), own: 0 },
    io: { busy: load('io'), bytes_per_s: load('io_bytes'), own: 0, own_bytes_per_s: 0 },
    network: { online: word('online'), metered: word('metered'), bytes_per_s: load('network'), own_bytes_per_s: 0 },
    disks: reading.disks.map(disk => ({ ...disk, free_bytes: level(`disk ${disk.path}`) })),
    temperature: level('temperature'),
    signals: mapped(reading.signals,
      (signal, name) => ({ ...signal, value: words[`${SIGNAL}${name}`]?.value ?? signal.value })),
    probes: mapped(reading.probes, (answer, name) => ({ ...answer, busy: word<boolean>(`probe ${name}`) })),
    trends: loads
  }
}

function upsOf ({ ups }: Reading, onBattery: Maybe<boolean>, level: Maybe<number>): Reading['ups'] {
  if (ups !== null) return { ...ups, on_battery: onBattery, level }
  return onBattery === true ? { on_battery: true, level: UNKNOWN, seconds_left: UNKNOWN, warning: 'silent' } : null
}

const answers = new WeakMap<Hysteresis, { of: Reading, is: Reading }>()

/** The reading with smoothed values; its loads are those of other programs. */
export function smoothed (reading: Reading, state: Hysteresis): Reading {
  const before = answers.get(state)
  if (before?.of === reading) return before.is
  const is = replaced(reading, state)
  answers.set(state, { of: reading, is })
  return is
}
