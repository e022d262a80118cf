import type { ActiveRuns } from '../execute/active-runs.ts'
import type { LiveConditions } from '../conditions/conditions.ts'

interface BusynessOptions {
  active: () => ActiveRuns
  conditions: LiveConditions
  /** The longest wait for the real work of a run between two sleeps, ms of real time. */
  patienceMs: number
}

/** Tracks which runs do real work, with files, sockets, processes and timers of this machine, and which wait for the
 *  simulated clock or for their gates. Simulated time must not pass during real work. */
export class Busyness {
  readonly #options: BusynessOptions
  readonly #asleep = new Map<string, number>()
  /** How long to wait for the work of each run, until this instant of real time, ms. */
  readonly #patience = new Map<string, number>()

  constructor (options: BusynessOptions) {
    this.#options = options
  }

  /** Marks a run as waiting for the clock until `sleep` settles. */
  async during (id: string, sleep: Promise<void>): Promise<void> {
    this.#sleeps(id)
    await sleep.finally(() => this.#wakes(id))
  }

  /** Marks a run as waiting for its gates until the conditions change. */
  rests (id: string): void {
    this.#sleeps(id)
    const off = this.#options.conditions.onChange(() => {
      off()
      this.#wakes(id)
    })
  }

  /** True when a running run does real work, within its patience. */
  get atWork (): boolean {
    const now = performance.now()
    return this.#options.active().all().some(({ run: { id } }) => {
      if (this.#asleep.has(id)) return false
      if (!this.#patience.has(id)) this.#patience.set(id, now + this.#options.patienceMs)
      return now < this.#patience.get(id)!
    })
  }

  #sleeps (id: string): void {
    this.#asleep.set(id, (this.#asleep.get(id) ?? 0) + 1)
    this.#patience.delete(id)
  }

  #wakes (id: string): void {
    const left = (this.#asleep.get(id) ?? 1) - 1
    if (left > 0) this.#asleep.set(id, left)
    else this.#asleep.delete(id)
  }
}
