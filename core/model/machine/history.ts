import { DAY, HOUR, MINUTE, SECOND } from '../base/duration.ts'
import type { Reading } from './reading.ts'

/** The fields of a reading that are stored, in the order of the columns. */
export const FIELDS = [
  'power',
  'battery_level',
  'battery_charging',
  'ups_on_battery',
  'ups_level',
  'cpu_busy',
  'cpu_own',
  'cpu_load',
  'cpu_pressure',
  'memory_pressure',
  'io_pressure',
  'memory_used',
  'io_busy',
  'io_bytes_per_s',
  'online',
  'network_bytes_per_s',
  'disk_used',
  'temperature',
  'idle_seconds',
  'loop_delay_ms'
] as const
export type Field = typeof FIELDS[number]

export type Value = number | string | boolean
/** A step of the history. `at`: its beginning, epoch ms. `count`: the number of its readings. Fields unknown in all of
 *  them are absent. */
export interface Point {
  at: number
  count: number
  values: Partial<Record<Field, Value>>
  /** In how many of its readings each field was unknown; absent fields: in none. */
  gaps?: Partial<Record<Field, number>>
}

/** The resolution of a part of the history, and how long it is kept. */
interface Level {
  stepMs: number
  keepMs: number
}

export const LEVELS: readonly Level[] = [
  { stepMs: 5 * SECOND, keepMs: HOUR },
  { stepMs: MINUTE, keepMs: DAY },
  { stepMs: 15 * MINUTE, keepMs: 30 * DAY }
]

/** The history: the points of each level in order of time, finest level first. */
export type Timeline = readonly (readonly Point[])[]

export const emptyTimeline = (levels: readonly Level[] = LEVELS): Timeline => levels.map(() => [])

function fullest (disks: Reading['disks']): unknown {
  const used = disks.map(disk => disk.used).filter(value => typeof value === 'number')
  return used.length === 0 ? undefined : Math.max(...used)
}

const known = (value: unknown): value is Value => value !== undefined && value !== 'unknown'

/** The point of one reading. */
export function pointOf (reading: Reading): Point {
  const { battery, ups, cpu, pressure, memory, io, network } = reading
  const all: Record<Field, unknown> = {
    power: reading.power,
    battery_level: battery.level,
    battery_charging: battery.charging,
    ups_on_battery: ups?.on_battery,
    ups_level: ups?.level,
    cpu_busy: cpu.busy,
    cpu_own: cpu.own,
    cpu_load: cpu.load,
    cpu_pressure: pressure.cpu.some,
    memory_pressure: pressure.memory.some,
    io_pressure: pressure.io.some,
    memory_used: memory.used,
    io_busy: io.busy,
    io_bytes_per_s: io.bytes_per_s,
    online: network.online,
    network_bytes_per_s: network.bytes_per_s,
    disk_used: fullest(reading.disks),
    temperature: reading.temperature,
    idle_seconds: reading.idle_seconds,
    loop_delay_ms: reading.loop_delay_ms
  }
  const values: Point['values'] = {}
  for (const field of FIELDS) if (known(all[field])) values[field] = all[field]
  return { at: reading.at, count: 1, values }
}

const samplesOf = ({ count, values, gaps }: Point, field: Field): number =>
  values[field] === undefined ? 0 : count - (gaps?.[field] ?? 0)

/** Merges two points, the earlier first: numbers become means over the readings that have them, other values are the
 *  last known ones. */
export function merged (first: Point, second: Point): Point {
  const count = first.count + second.count
  const values: Point['values'] = {}
  let gaps: Point['gaps']
  for (const field of FIELDS) {
    const [a, b] = [first.values[field], second.values[field]]
    if (a === undefined && b === undefined) continue
    const [before, after] = [samplesOf(first, field), samplesOf(second, field)]
    values[field] = typeof a === 'number' && typeof b === 'number'
      ? (a * before + b * after) / (before + after)
      : b ?? a!
    if (before + after < count) gaps = { ...gaps, [field]: count - before - after }
  }
  return { at: first.at, count, values, ...gaps && { gaps } }
}

const startOf = (at: number, stepMs: number) => Math.floor(at / stepMs) * stepMs

function extended (points: readonly Point[], point: Point, { stepMs, keepMs }: Level): readonly Point[] {
  const at = startOf(point.at, stepMs)
  const isKept = (kept: Point) => kept.at <= at && kept.at > point.at - keepMs
  // After the clock was set back, points in the future are dropped.
  const rest = points.length === 0 || (isKept(points[0]!) && isKept(points.at(-1)!)) ? points : points.filter(isKept)
  const last = rest.at(-1)
  return last?.at === at ? [...rest.slice(0, -1), merged(last, point)] : [...rest, { ...point, at }]
}

/** The history with one more point in each level; each level drops points older than it keeps. */
export const extend = (timeline: Timeline, point: Point, levels: readonly Level[] = LEVELS): Timeline =>
  levels.map((level, index) => extended(timeline[index] ?? [], point, level))

/** The part of the history to select: epoch ms, both ends inclusive. `step`: minimum length of a point, ms. */
export interface HistoryAsk {
  from: number
  to: number
  step?: number | undefined
}

/** The points of a span in order of time, each from the finest level that reaches back to it. */
export function select (timeline: Timeline, { from, to, step = 0 }: HistoryAsk): Point[] {
  const found: Point[] = []
  let before = Infinity
  for (const points of timeline) {
    found.unshift(...points.filter(({ at }) => at < before && at >= from && at <= to))
    before = Math.min(before, points[0]?.at ?? Infinity)
  }
  if (step <= 0) return found
  const coarse: Point[] = []
  for (const point of found) {
    const at = startOf(point.at, step)
    const last = coarse.at(-1)
    if (last?.at === at) coarse[coarse.length - 1] = merged(last, point)
    else coarse.push({ ...point, at })
  }
  return coarse
}
