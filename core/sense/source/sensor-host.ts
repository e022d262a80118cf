import { UNKNOWN, unknownReading } from '../../model/machine/reading.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Files } from './files.ts'

/** The answer of one sensor: any part of a reading. */
export type PartialReading = {
  [K in keyof Reading as K extends 'at' | 'signals' | 'probes' ? never : K]?: Reading[K] extends unknown[] ? Reading[K]
    : Partial<Reading[K]> | Reading[K]
}

/** Measures a part of a reading. Missing members are unknown. If it throws, all are unknown and the error is
 *  reported. */
export interface Sensor {
  /** The period, ms; 0: at every sample. In between, the last answer is used. */
  everyMs: number
  /** True when it reads files asynchronously. If it hangs, it blocks one of the few threads that all file operations
   *  share. */
  threaded?: boolean
  /** The answer while the sensor fails or does not respond. Default: everything is unknown. */
  silence?: PartialReading
  /** Messages about values that are ignored as impossible. */
  doubts?(): readonly string[]
  read(): PartialReading | Promise<PartialReading>
  /** Releases its resources. */
  stop?(): void
}

/** Folders of the system that sensors read. */
export interface Roots {
  proc: string
  sys: string
  cgroup: string
  dev: string
  run: string
}

export const ROOTS: Roots = { proc: '/proc', sys: '/sys', cgroup: '/sys/fs/cgroup', dev: '/dev', run: '/run' }

/** The environment of sensors: files, folders of the system, and the clock. */
export interface SensorHost {
  files: Files
  roots: Roots
  clock: Clock
}

type Plain = Record<string, unknown>

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)

const SHARES = new Set(['busy', 'own', 'used'])

/** Replaces impossible numbers by unknown: NaN, infinite, or negative except for temperatures. Limits shares to 1. */
function sane (value: number, key: string): number | typeof UNKNOWN {
  if (!Number.isFinite(value) || (value < 0 && key !== 'temperature')) return UNKNOWN
  if (SHARES.has(key)) return Math.min(1, value)
  return key === 'level' ? Math.min(100, value) : value
}

/** A value with all its numbers checked. Returns the value itself if nothing changes. */
function mended (value: unknown, key: string): unknown {
  if (typeof value === 'number') return sane(value, key)
  if (Array.isArray(value)) return value.map(item => mended(item, key))
  if (!isPlain(value)) return value
  let copy: Plain | null = null
  for (const inner in value) {
    const fine = mended(value[inner], inner)
    if (fine !== value[inner]) copy = { ...copy ?? value, [inner]: fine }
  }
  return copy ?? value
}

function laid (base: unknown, part: unknown): unknown {
  if (part === undefined) return base
  if (Array.isArray(base) && Array.isArray(part)) return [...base, ...part]
  return isPlain(base) && isPlain(part) ? { ...base, ...part } : part
}

/** Assembles a reading from parts. Later parts override earlier ones. */
export function assemble (at: number, parts: readonly PartialReading[]): Reading {
  const reading = unknownReading(at) as unknown as Plain
  for (const part of parts as readonly Plain[]) {
    for (const key in part) if (Object.hasOwn(reading, key)) reading[key] = laid(reading[key], mended(part[key], key))
  }
  return reading as unknown as Reading
}
