import { DAY, HOUR, MINUTE, SECOND } from '../base/duration.ts'
import type { Reading } from './reading.ts'

/** What is kept of a reading, in the order of the stored columns. */
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
/** A stretch of time: `at` is its beginning (epoch ms), `count` how many readings it stands for. What was unknown
 *  throughout is absent. */
export interface Point {
  at: number
  count: number
  values: Partial<Record<Field, Value>>
  /** In how many of its readings a field was unknown, where in some. */
  gaps?: Partial<Record<Field, number>>
}

/** How fine a part of the past is kept, and for how long. */
interface Level {
  stepMs: number
  keepMs: number
}

export const LEVELS: readonly Level[] = [
  { stepMs: 5 * SECOND, keepMs: HOUR },
  { stepMs: MINUTE, keepMs: DAY },
  { stepMs: 15 * MINUTE, keepMs: 30 * DAY }
]

/** The past, finest level first; the points of each level are in order of time. */
export type Timeline = readonly (readonly Point[])[]

export const emptyTimeline = (levels: readonly Level[] = LEVELS): Timeline => levels.map(() => [])

function fullest (disks: Reading['disks']): unknown {
  const used = disks.map(disk => disk.used).filter(value => typeof value === 'number')
  return used.length === 0 ? undefined : Math.max(...used)
}

const known = (value: unknown): value is Value => value !== undefined && value !== 'unknown'

/** What is kept of one reading. */
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

const told = ({ count, values, gaps }: Point, field: Field): number =>
  values[field] === undefined ? 0 : count - (gaps?.[field] ?? 0)

/** Two stretches as one, the earlier first: numbers are means over the readings that told them, of words the last one
 *  stands. */
export function merged (first: Point, second: Point): Point {
  const count = first.count + second.count
  const values: Point['values'] = {}
  let gaps: Point['gaps']
  for (const field of FIELDS) {
    const [a, b] = [first.values[field], second.values[field]]
    if (a === undefined && b === undefined) continue
    const [before, after] = [told(first, field), told(second, field)]
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
  // A clock that was set back: what it had called the future is no past of this time.
  const rest = points.length === 0 || (isKept(points[0]!) && isKept(points.at(-1)!)) ? points : points.filter(isKept)
  const last = rest.at(-1)
  return last?.at === at ? [...rest.slice(0, -1), merged(last, point)] : [...rest, { ...point, at }]
}

/** The past with one more reading in it: each level takes it in, and lets go of what is too old for it. */
export const extend = (timeline: Timeline, point: Point, levels: readonly Level[] = LEVELS): Timeline =>
  levels.map((level, index) => extended(timeline[index] ?? [], point, level))

/** What to show: instants in epoch ms, both ends included; `step` ms makes the points coarser than they are kept. */
export interface HistoryAsk {
  from: number
  to: number
  step?: number | undefined
}

/** The points of a span, each from the finest level that reaches back to it. */
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
