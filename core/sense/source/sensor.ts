import { UNKNOWN, unknownReading } from '../../model/machine/reading.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Files } from './files.ts'

/** What one sensor tells: any part of a reading. */
export type PartialReading = {
  [K in keyof Reading as K extends 'at' | 'signals' | 'probes' ? never : K]?: Reading[K] extends unknown[] ? Reading[K]
    : Partial<Reading[K]> | Reading[K]
}

/** Something that tells a part of a reading. What it does not tell stays unknown; a throw makes all of it unknown
 *  and is named. */
export interface Sensor {
  /** How often it is asked, ms; 0 at every sample. Its answer stands in between. */
  everyMs: number
  /** Reads files off the event loop: one that hangs keeps one of the few threads that all file work of the process
   *  shares. */
  threaded?: boolean
  /** What stands for its answer while it fails or does not answer; absent: everything is unknown. */
  silence?: PartialReading
  /** What it leaves out of its answer, and why: values that no machine can mean. */
  doubts?(): readonly string[]
  read(): PartialReading | Promise<PartialReading>
  /** Lets go of what it holds. */
  stop?(): void
}

/** Where the machine tells of itself. */
export interface Roots {
  proc: string
  sys: string
  cgroup: string
  dev: string
  run: string
}

export const ROOTS: Roots = { proc: '/proc', sys: '/sys', cgroup: '/sys/fs/cgroup', dev: '/dev', run: '/run' }

/** What every sensor is made of. */
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

/** One reading of many parts; a later part is laid over an earlier one. */
export function assemble (at: number, parts: readonly PartialReading[]): Reading {
  const reading = unknownReading(at) as unknown as Plain
  for (const part of parts as readonly Plain[]) {
    for (const key in part) if (Object.hasOwn(reading, key)) reading[key] = laid(reading[key], mended(part[key], key))
  }
  return reading as unknown as Reading
}
