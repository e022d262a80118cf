import { UNKNOWN, known } from './reading.ts'
import { milliseconds } from '../base/duration.ts'
import { othersBusy } from './idle.ts'
import type { Config } from '../config/config.ts'
import type { Maybe, Reading, Signal } from './reading.ts'

/** A value that spikes: it counts when all readings of a dwell agree, and begins at rest. */
export interface Load { value: number, since: number, spans: { at: number, last: number, min: number, max: number }[] }

/** A value that drifts: it turns back at most once in a dwell. `direction`: of its last move. */
export interface Level { value: number, moved_at: number, direction: number, seen_at: number }

/** A word or a truth: it changes at most once in a dwell. `changed_at`: null before the first change. */
export interface Word { value: Signal['value'], changed_at: number | null, seen_at: number }

/** What was made of the readings so far, as plain JSON that the caller keeps. */
export interface Steady { at: number, loads: Record<string, Load>, levels: Record<string, Level>, words: Record<string, Word> }

interface Moment { now: number, dwell: number }

// A dwell is kept as so many spans: a sample period of any length costs the same memory.
const SPANS = 12

function nextLoad (load: Load | undefined, value: Maybe<number>, { now, dwell }: Moment): Load | undefined {
  const spans = load?.spans.filter(({ last }) => last >= now - dwell) ?? []
  if (!known(value)) return spans.length === 0 ? undefined : load
  if (load === undefined || spans.length === 0) return { value: 0, since: now, spans: [{ at: now, last: now, min: value, max: value }] }
  const newest = spans.at(-1)!
  const grown = now - newest.at < dwell / SPANS
    ? [...spans.slice(0, -1), { at: newest.at, last: now, min: Math.min(newest.min, value), max: Math.max(newest.max, value) }]
    : [...spans, { at: now, last: now, min: value, max: value }]
  const least = now - load.since < dwell ? 0 : Math.min(...grown.map(({ min }) => min))
  const most = Math.max(...grown.map(({ max }) => max))
  return { value: Math.min(most, Math.max(least, load.value)), since: load.since, spans: grown }
}

/** The range in which a steady level may lie: on the side that starts fewer runs, by as much as it has to recover to count as better. */
type Range = (value: number) => [least: number, most: number]

function nextLevel (level: Level | undefined, { value, range }: { value: Maybe<number>, range: Range }, { now, dwell }: Moment): Level | undefined {
  if (!known(value)) return level !== undefined && now - level.seen_at < dwell ? level : undefined
  if (level === undefined) return { value, moved_at: now, direction: 0, seen_at: now }
  const [least, most] = range(value)
  const target = Math.min(most, Math.max(least, level.value))
  const direction = Math.sign(target - level.value)
  const turnsBack = direction !== 0 && direction === -level.direction && now - level.moved_at < dwell
  if (direction === 0 || turnsBack) return { ...level, seen_at: now }
  return { value: target, moved_at: now, direction, seen_at: now }
}

function nextWord (word: Word | undefined, value: Maybe<Word['value']>, { now, dwell }: Moment): Word | undefined {
  if (value === UNKNOWN) return word !== undefined && now - word.seen_at < dwell ? word : undefined
  if (word === undefined) return { value, changed_at: null, seen_at: now }
  const tooSoon = word.changed_at !== null && now - word.changed_at < dwell
  return word.value === value || tooSoon ? { ...word, seen_at: now } : { value, changed_at: now, seen_at: now }
}

const loadsOf = (reading: Reading): Record<string, Maybe<number>> => ({
  cpu: othersBusy(reading),
  memory: reading.memory.used,
  io: reading.io.busy,
  io_bytes: reading.io.bytes_per_s,
  network: reading.network.bytes_per_s
})

const HOT_MARGIN = 1.04
const FREE_MARGIN = 1.05

function levelsOf (reading: Reading, margin: number): Record<string, { value: Maybe<number>, range: Range }> {
  // A full battery is full: no margin keeps it from ever being so.
  const battery: Range = value => [value >= 100 ? 100 : Math.max(0, value - margin), value]
  return {
    battery: { value: reading.battery.level, range: battery },
    ...reading.ups && { ups: { value: reading.ups.level, range: battery } },
    temperature: { value: reading.temperature, range: value => [value, value * HOT_MARGIN] },
    ...Object.fromEntries(reading.disks.map(({ path, free_bytes: value }) => [`disk ${path}`, { value, range: (free: number): [number, number] => [free / FREE_MARGIN, free] }]))
  }
}

const wordsOf = (reading: Reading): Record<string, Maybe<Word['value']>> => ({
  power: reading.power,
  charging: reading.battery.charging,
  ...reading.ups && { ups: reading.ups.on_battery },
  online: reading.network.online,
  metered: reading.network.metered,
  ...Object.fromEntries(Object.entries(reading.probes).map(([name, { busy }]) => [`probe ${name}`, busy]))
})

const signalsOf = (reading: Reading): Record<string, Word['value']> =>
  Object.fromEntries(Object.entries(reading.signals).map(([name, { value }]) => [`signal ${name}`, value]))

function stepped<T, V> (past: Record<string, T> | undefined, values: Record<string, V>, step: (before: T | undefined, value: V) => T | undefined): Record<string, T> {
  const entries = Object.entries(values).flatMap(([name, value]) => {
    const next = step(past?.[name], value)
    return next === undefined ? [] : [[name, next] as const]
  })
  return Object.fromEntries(entries)
}

/** What one more reading makes of what was steady before; `previous` null begins. No threshold is crossed to and fro within scheduling.dwell,
 *  so no gate opens or closes more than once in it: load counts when a whole dwell agrees, levels and words count at once
 *  and then stay. What a sensor no longer tells counts for one more dwell. */
export function steady (previous: Steady | null, reading: Reading, config: Pick<Config, 'scheduling' | 'power'>, now: number): Steady {
  const moment = { now, dwell: milliseconds(config.scheduling.dwell) }
  const signals = { now, dwell: milliseconds(config.scheduling.signal_dwell) }
  return {
    at: now,
    loads: stepped(previous?.loads, loadsOf(reading), (load, value) => nextLoad(load, value, moment)),
    levels: stepped(previous?.levels, levelsOf(reading, config.power.margin), (level, value) => nextLevel(level, value, moment)),
    words: {
      ...stepped(previous?.words, wordsOf(reading), (word, value) => nextWord(word, value, moment)),
      ...stepped(previous?.words, signalsOf(reading), (word, value) => nextWord(word, value, signals))
    }
  }
}

function replaced (reading: Reading, { loads, levels, words }: Steady): Reading {
  const load = (name: string): Maybe<number> => loads[name]?.value ?? UNKNOWN
  const level = (name: string): Maybe<number> => levels[name]?.value ?? UNKNOWN
  const word = <T>(name: string) => (words[name]?.value ?? UNKNOWN) as Maybe<T>
  return {
    ...reading,
    power: word('power'),
    battery: { ...reading.battery, level: level('battery'), charging: word('charging') },
    ups: reading.ups && { ...reading.ups, on_battery: word('ups'), level: level('ups') },
    cpu: { ...reading.cpu, busy: load('cpu'), own: 0 },
    memory: { ...reading.memory, used: load('memory') },
    io: { busy: load('io'), bytes_per_s: load('io_bytes') },
    network: { online: word('online'), metered: word('metered'), bytes_per_s: load('network') },
    disks: reading.disks.map(disk => ({ ...disk, free_bytes: level(`disk ${disk.path}`) })),
    temperature: level('temperature'),
    signals: Object.fromEntries(Object.entries(reading.signals).map(([name, signal]) => [name, { ...signal, value: words[`signal ${name}`]?.value ?? signal.value }])),
    probes: Object.fromEntries(Object.entries(reading.probes).map(([name, answer]) => [name, { ...answer, busy: word<boolean>(`probe ${name}`) }]))
  }
}

const answers = new WeakMap<Steady, { of: Reading, is: Reading }>()

/** The reading with every value that may flap replaced by the steady one; what offpeak itself uses of the processors is taken out of `cpu.busy`. */
export function steadied (reading: Reading, state: Steady): Reading {
  const before = answers.get(state)
  if (before?.of === reading) return before.is
  const is = replaced(reading, state)
  answers.set(state, { of: reading, is })
  return is
}
