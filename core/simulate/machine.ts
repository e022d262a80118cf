import { MINUTE, SECOND, milliseconds } from '../model/base/duration.ts'
import { readingOf, stateWith } from '../model/machine/machine-state.ts'
import type { Clock } from '../model/base/clock.ts'
import type { MachineSenses, TaskManager } from '../manager.ts'
import type { MachineState } from '../model/machine/machine-state.ts'
import type { Signal } from '../model/machine/reading.ts'

/** A machine whose state a test sets. */
export class Machine {
  readonly #clock: Clock
  #state: MachineState
  #changedAt: number

  constructor (clock: Clock, state: MachineState) {
    this.#clock = clock
    this.#state = state
    this.#changedAt = clock.now()
  }

  /** The level of its battery, percent, as far as it was said. */
  get level (): number | undefined {
    const level = this.#state.battery?.level
    return typeof level === 'number' ? level : undefined
  }

  /** What the change does not name stays. */
  change (change: MachineState): void {
    this.#state = stateWith(this.#state, change)
    this.#changedAt = this.#clock.now()
  }

  /** How long until the next sample is worth its while, ms. */
  every ({ sense, scheduling: { dwell, signal_dwell: signals } }: TaskManager['config']): number {
    const every = Math.max(SECOND, milliseconds(sense.every))
    const settled = this.#clock.now() - this.#changedAt > 2 * Math.max(
              milliseconds(dwell),
              milliseconds(signals)
            ) + every
    return settled ? Math.max(MINUTE, every) : every
  }

  /** Senses that see it. */
  senses (): MachineSenses {
    const reading = () => readingOf(this.#state, this.#clock.now())
    return {
      start: async () => undefined,
      stop: async () => undefined,
      get latest () {
        return reading()
      },
      sample: async () => reading(),
      troubles: () => [],
      query: () => [],
      register: () => () => undefined,
      setSignal: (name, value) => {
        this.change({ signals: { [name]: value as Signal['value'] } })
        return reading().signals[name]!
      },
      dropSignal: name => {
        const had = Object.hasOwn(reading().signals, name)
        this.change({ signals: { [name]: null } })
        return had
      }
    }
  }
}
