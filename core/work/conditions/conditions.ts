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

/** What has changed. `reading`: there is a new reading of the machine. `signals`: the names of signals whose value for
 *  the gates has changed. */
export interface Changed {
  reading: boolean
  signals: readonly string[]
  pauses: boolean
  trials: boolean
}

interface LiveConditionsOptions {
  clock: Clock
  config: () => Config
  /** Called when a listener throws. The other listeners are still called. */
  failed?: (fault: ListenerFault) => void
}

const NOTHING: Changed = { reading: false, signals: [], pauses: false, trials: false }

/** The conditions in force: the latest reading with its hysteresis, pauses and trials. Calls its listeners after each
 *  change. */
export class LiveConditions {
  readonly #config: () => Config
  readonly #listeners: Listeners<[Changed]>
  #reading: Reading
  #hysteresis: Hysteresis | null = null
  #pauses: readonly Pause[] = []
  #trials: Trials = new Map()
  /** Changed signals of which listeners are not notified yet. */
  readonly #changedSignals = new Set<string>()

  constructor ({ clock, config, failed = () => undefined }: LiveConditionsOptions) {
    this.#config = config
    this.#listeners = new Listeners(failed)
    this.#reading = unknownReading(clock.now())
  }

  get reading (): Reading {
    return this.#reading
  }

  /** The hints for running tasks. */
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

  /** Applies a new reading. */
  take (reading: Reading, now: number): void {
    const before = this.#hysteresis
    this.#reading = reading
    this.#hysteresis = nextHysteresis(before, reading, this.#config(), now)
    this.#note(signalChanges(before, this.#hysteresis))
    this.#notify({ ...NOTHING, reading: true })
  }

  /** Applies new signals to the last reading. Listeners are called once for signals that are set together, and not for
   *  a value that changes nothing. */
  signal (signals: Reading['signals'], now: number): void {
    const before = this.#hysteresis
    this.#reading = { ...this.#reading, signals }
    if (before === null) return
    this.#hysteresis = nextSignalHysteresis(before, signals, this.#config(), now)
    const isFirst = this.#changedSignals.size === 0
    this.#note(signalChanges(before, this.#hysteresis))
    if (isFirst && this.#changedSignals.size > 0) queueMicrotask(() => this.#notifySignals())
  }

  /** Continues from the reading and hysteresis of another instance. */
  resume ({ reading, hysteresis: before }: Pick<Conditions, 'reading' | 'hysteresis'>): void {
    this.#reading = reading
    this.#hysteresis = before
    this.#notify({ ...NOTHING, reading: true })
  }

  /** Applies the pauses. */
  pause (pauses: readonly Pause[]): void {
    this.#pauses = pauses
    this.#notify({ ...NOTHING, pauses: true })
  }

  /** Applies the trials: tasks that may have only one run. */
  try (trials: Trials): void {
    this.#trials = trials
    this.#notify({ ...NOTHING, trials: true })
  }

  /** Calls a listener after every change; returns an unsubscribe function. `name`: identifies the listener when it
   *  throws. */
  onChange (listener: (changed: Changed) => unknown, name?: string): () => void {
    return this.#listeners.add(listener, name)
  }

  #note (signals: readonly string[]): void {
    for (const name of signals) this.#changedSignals.add(name)
  }

  #notifySignals (): void {
    if (this.#changedSignals.size > 0) this.#notify(NOTHING)
  }

  #notify (changed: Changed): void {
    const signals = [...this.#changedSignals]
    this.#changedSignals.clear()
    this.#listeners.call({ ...changed, signals })
  }
}
