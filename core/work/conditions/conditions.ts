import { Listeners } from '../../model/base/listeners.ts'
import { hintsFor } from '../../model/machine/hints.ts'
import { signalChanges, nextHysteresis, nextSignalHysteresis } from '../../model/machine/hysteresis.ts'
import { unknownReading } from '../../model/machine/reading.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Hints } from '../../model/machine/hints.ts'
import type { ListenerFault } from '../../model/base/listeners.ts'
import type { Conditions, Pause, Trials } from '../../model/conditions/gate.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Hysteresis } from '../../model/machine/hysteresis.ts'

/** What has changed. `reading`: the machine was looked at, and anything about it may have; else `signals` alone
 *  names the signals that count otherwise than before. */
export interface Changed {
  reading: boolean
  signals: readonly string[]
  pauses: boolean
  trials: boolean
}

interface LiveConditionsOptions {
  clock: Clock
  config: () => Config
  /** Called when a listener has thrown: the others and the caller go on. */
  failed?: (fault: ListenerFault) => void
}

const NOTHING: Changed = { reading: false, signals: [], pauses: false, trials: false }

/** The latest reading and what was made of those before it; calls its listeners after each change. */
export class LiveConditions {
  readonly #config: () => Config
  readonly #listeners: Listeners<[Changed]>
  #reading: Reading
  #hysteresis: Hysteresis | null = null
  #pauses: readonly Pause[] = []
  #trials: Trials = new Map()
  /** Signals that count otherwise than listeners know. */
  readonly #changedSignals = new Set<string>()

  constructor ({ clock, config, failed = () => undefined }: LiveConditionsOptions) {
    this.#config = config
    this.#listeners = new Listeners(failed)
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

  get current (): Conditions {
    return {
      reading: this.#reading,
      hysteresis: this.#hysteresis,
      config: this.#config(),
      pauses: this.#pauses,
      trials: this.#trials
    }
  }

  /** Takes one more reading. */
  take (reading: Reading, now: number): void {
    const before = this.#hysteresis
    this.#reading = reading
    this.#hysteresis = nextHysteresis(before, reading, this.#config(), now)
    this.#note(signalChanges(before, this.#hysteresis))
    this.#tell({ ...NOTHING, reading: true })
  }

  /** Takes other signals, and leaves the machine as it was looked at last. Listeners are called once for all that
   *  are set together, and not for a value that changes nothing. */
  signal (signals: Reading['signals'], now: number): void {
    const before = this.#hysteresis
    this.#reading = { ...this.#reading, signals }
    if (before === null) return
    this.#hysteresis = nextSignalHysteresis(before, signals, this.#config(), now)
    const isFirst = this.#changedSignals.size === 0
    this.#note(signalChanges(before, this.#hysteresis))
    if (isFirst && this.#changedSignals.size > 0) queueMicrotask(() => this.#tellSignals())
  }

  /** Goes on from what another one has made of its readings. */
  resume ({ reading, hysteresis: before }: Pick<Conditions, 'reading' | 'hysteresis'>): void {
    this.#reading = reading
    this.#hysteresis = before
    this.#tell({ ...NOTHING, reading: true })
  }

  /** Puts the pauses made by hand in force. */
  pause (pauses: readonly Pause[]): void {
    this.#pauses = pauses
    this.#tell({ ...NOTHING, pauses: true })
  }

  /** Says which tasks are tried with one run. */
  try (trials: Trials): void {
    this.#trials = trials
    this.#tell({ ...NOTHING, trials: true })
  }

  /** Calls a listener after every change; returns an unsubscribe function. `name` stands in the report when it
   *  throws. */
  onChange (listener: (changed: Changed) => unknown, name?: string): () => void {
    return this.#listeners.add(listener, name)
  }

  #note (signals: readonly string[]): void {
    for (const name of signals) this.#changedSignals.add(name)
  }

  #tellSignals (): void {
    if (this.#changedSignals.size > 0) this.#tell(NOTHING)
  }

  #tell (changed: Changed): void {
    const signals = [...this.#changedSignals]
    this.#changedSignals.clear()
    this.#listeners.call({ ...changed, signals })
  }
}
