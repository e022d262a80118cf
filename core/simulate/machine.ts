import { MINUTE, SECOND, milliseconds } from '../model/base/duration.ts'
import { readingOf, sceneWith } from '../model/machine/machine-state.ts'
import type { Clock } from '../model/base/clock.ts'
import type { MachineSenses, TaskManager } from '../manager.ts'
import type { Scene } from '../model/machine/machine-state.ts'
import type { Signal } from '../model/machine/reading.ts'

/** A machine that does what a test says. */
export class Machine {
  readonly #clock: Clock
  #scene: Scene
  #changedAt: number

  constructor (clock: Clock, scene: Scene) {
    this.#clock = clock
    this.#scene = scene
    this.#changedAt = clock.now()
  }

  /** The level of its battery, percent, as far as it was said. */
  get level (): number | undefined {
    const level = this.#scene.battery?.level
    return typeof level === 'number' ? level : undefined
  }

  /** What the change does not name stays. */
  change (change: Scene): void {
    this.#scene = sceneWith(this.#scene, change)
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
    const reading = () => readingOf(this.#scene, this.#clock.now())
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
