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

  /** The battery level, percent; undefined when it is not set. */
  get level (): number | undefined {
    const level = this.#state.battery?.level
    return typeof level === 'number' ? level : undefined
  }

  /** Applies a change; absent fields stay unchanged. */
  change (change: MachineState): void {
    this.#state = stateWith(this.#state, change)
    this.#changedAt = this.#clock.now()
  }

  /** The time to the next sample, ms: longer once every dwell has passed. */
  every ({ sense, scheduling: { dwell, signal_dwell: signals } }: TaskManager['config']): number {
    const every = Math.max(SECOND, milliseconds(sense.every))
    const settled = this.#clock.now() - this.#changedAt > 2 * Math.max(
              milliseconds(dwell),
              milliseconds(signals)
            ) + every
    return settled ? Math.max(MINUTE, every) : every
  }

  /** Senses that measure this machine. */
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
