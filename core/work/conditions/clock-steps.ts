import { HOUR, MINUTE } from '../../model/base/duration.ts'
import type { Clock } from '../../model/base/clock.ts'

/** A wall clock that was set forward by more than this may be wrong, ms. */
const LARGE = HOUR

/** The clock is trusted again after this long, ms. */
const SETTLE_TIME = 5 * MINUTE

/** Detects large forward steps of the wall clock. Decisions that cannot be undone wait until the clock is trusted
 *  again. */
export class ClockSteps {
  readonly #clock: Clock
  #seen: { wall: number, counted: number } | null = null
  /** When the clock was last set far forward, monotonic ms; null when it was not, or was set back since. */
  #forwardAt: number | null = null

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Notes a forward step that was not observed, such as one before the start. */
  doubt (): void {
    this.#forwardAt = this.#clock.monotonic()
  }

  /** The time until the clock is trusted, ms; 0 when it is. */
  settlesIn (): number {
    const [wall, counted] = [this.#clock.now(), this.#clock.monotonic()]
    const before = this.#seen
    this.#seen = { wall, counted }
    const step = before === null ? 0 : wall - before.wall - (counted - before.counted)
    if (step > LARGE) this.#forwardAt = counted
    else if (step < -LARGE) this.#forwardAt = null
    return this.#forwardAt === null ? 0 : Math.max(0, this.#forwardAt + SETTLE_TIME - counted)
  }
}
