import { HOUR, MINUTE } from '../../model/base/duration.ts'
import type { Clock } from '../../model/base/clock.ts'

/** A wall clock that was set forward by more than this may be mistaken, ms. */
const LARGE = HOUR

/** It is believed once it has stood for so long, ms. */
const SETTLES = 5 * MINUTE

/** Tells whether the wall clock was set forward by much a short while ago: what would end for good by it waits until it
 *  has stood. */
export class ClockSteps {
  readonly #clock: Clock
  #seen: { wall: number, counted: number } | null = null
  /** When it was last set forward by much, as it is counted; null: it was not, or was set back since. */
  #forwardAt: number | null = null

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** The clock was set forward while nobody counted, such as before a start. */
  doubt (): void {
    this.#forwardAt = this.#clock.monotonic()
  }

  /** How long it takes until the clock is believed, ms; 0: it is. */
  settlesIn (): number {
    const [wall, counted] = [this.#clock.now(), this.#clock.monotonic()]
    const before = this.#seen
    this.#seen = { wall, counted }
    const step = before === null ? 0 : wall - before.wall - (counted - before.counted)
    if (step > LARGE) this.#forwardAt = counted
    else if (step < -LARGE) this.#forwardAt = null
    return this.#forwardAt === null ? 0 : Math.max(0, this.#forwardAt + SETTLES - counted)
  }
}
