import { hintsFor } from '../../model/machine/hints.ts'
import { steady } from '../../model/machine/hysteresis.ts'
import { unknownReading } from '../../model/machine/reading.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Hints } from '../../model/machine/hints.ts'
import type { Pause, Trials } from '../../model/gates/gate.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Steady } from '../../model/machine/hysteresis.ts'

/** How the machine stands, as the gates look at it. */
export interface Standpoint { reading: Reading, steady: Steady | null, config: Config, pauses: readonly Pause[], trials: Trials }

/** The latest reading and what was made of those before it; tells who listens when it has changed. */
export class Situation {
  readonly #config: () => Config
  readonly #listeners = new Set<() => void>()
  #reading: Reading
  #steady: Steady | null = null
  #pauses: readonly Pause[] = []
  #trials: Trials = new Map()

  constructor ({ clock, config }: { clock: Clock, config: () => Config }) {
    this.#config = config
    this.#reading = unknownReading(clock.now())
  }

  get reading (): Reading {
    return this.#reading
  }

  /** What a running task is told to spend. */
  get hints (): Hints {
    return hintsFor(this.#reading, this.#config())
  }

  get pauses (): readonly Pause[] {
    return this.#pauses
  }

  get now (): Standpoint {
    return { reading: this.#reading, steady: this.#steady, config: this.#config(), pauses: this.#pauses, trials: this.#trials }
  }

  /** Takes one more reading. */
  take (reading: Reading, now: number): void {
    this.#reading = reading
    this.#steady = steady(this.#steady, reading, this.#config(), now)
    this.#tell()
  }

  /** Puts the pauses made by hand in force. */
  pause (pauses: readonly Pause[]): void {
    this.#pauses = pauses
    this.#tell()
  }

  /** Says which tasks are tried with one run. */
  try (trials: Trials): void {
    this.#trials = trials
    this.#tell()
  }

  /** Calls back after every change; the answer ends it. */
  onChange (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell (): void {
    for (const listener of this.#listeners) listener()
  }
}
