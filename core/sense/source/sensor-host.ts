import { UNKNOWN, unknownReading } from '../../model/machine/reading.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Files } from './files.ts'

/** The answer of one sensor: any part of a reading. */
export type PartialReading = {
  [K in keyof Reading as K extends 'at' | 'signals' | 'probes' ? never : K]?: Reading[K] extends unknown[] ? Reading[K]
    : Partial<Reading[K]> | Reading[K]
}

/** Measures a part of a reading. Members that it leaves out are unknown; when it throws, all are unknown and the error
 *  is reported. */
export interface Sensor {
  /** How often it is read, ms; 0: at every sample. Its last answer is used in between. */
  everyMs: number
  /** Reads files off the event loop: one that hangs keeps one of the few threads that all file work of the process
   *  shares. */
  threaded?: boolean
  /** Replaces its answer while it fails or does not respond; absent: everything is unknown. */
  silence?: PartialReading
  /** Values that it leaves out as impossible, and why. */
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

/** What every sensor is given. */
export interface SensorHost {
  files: Files
  roots: Roots
  clock: Clock
}

type Plain = Record<string, unknown>

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)

const SHARES = new Set(['busy', 'own', 'used'])

/** A number that no machine can mean is unknown: no number, infinite, or below zero where only temperatures go. */
function sane (value: number, key: string): number | typeof UNKNOWN {
  if (!Number.isFinite(value) || (value < 0 && key !== 'temperature')) return UNKNOWN
  if (SHARES.has(key)) return Math.min(1, value)
  return key === 'level' ? Math.min(100, value) : value
}

/** The same value with sane numbers; what has no others is answered as it is. */
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

/** One reading of many parts; a later part overrides an earlier one. */
export function assemble (at: number, parts: readonly PartialReading[]): Reading {
  const reading = unknownReading(at) as unknown as Plain
  for (const part of parts as readonly Plain[]) {
    for (const key in part) if (Object.hasOwn(reading, key)) reading[key] = laid(reading[key], mended(part[key], key))
  }
  return reading as unknown as Reading
}
