import { SECOND } from '../../model/base/duration.ts'
import { after } from '../../model/base/clock.ts'
import type { Clock } from '../../model/base/clock.ts'

/** The longest timer: timers count monotonic time and overflow after 24.8 days, so the wall clock is read this
 *  often. */
const LONGEST_WAIT = 30 * SECOND

/** Timers may be this late, ms: an exact alarm waits for the last part itself and blocks the event loop meanwhile. */
const NEAR = 2

/** Between two looks at the clock, ms. */
const LITTLE = 0.05

/** How often it may do so, ms, and how often it looks: there is other work, and the clock may be set back. */
const SELDOM = 900
const MOST_LOOKS = 60

/** Memory that nobody changes: `Atomics.wait` on it only waits. */
const STILL = new Int32Array(new SharedArrayBuffer(4))

/** `exact`: rings as close to its instant as possible. */
interface AlarmOptions {
  clock: Clock
  ring: () => void
  exact?: boolean
}

/** Rings once at an instant of the wall clock; setting it earlier brings it forward. */
export class Alarm {
  #cancel: (() => void) | null = null
  #at: number | null = null
  #watchedAt = -Infinity
  readonly #clock: Clock
  readonly #ring: () => void
  readonly #exact: boolean

  constructor ({ clock, ring, exact = false }: AlarmOptions) {
    this.#clock = clock
    this.#ring = ring
    // A clock with timers of its own is never late.
    this.#exact = exact && clock.after === undefined
  }

  /** The instant it is set to, or null. */
  get at (): number | null {
    return this.#at
  }

  set (at: number | null): void {
    if (at === this.#at && this.#cancel !== null) return
    this.clear()
    this.#at = at
    if (at !== null) this.#wait()
  }

  clear (): void {
    this.#cancel?.()
    this.#cancel = null
    this.#at = null
  }

  #wait (): void {
    const left = Math.max(0, this.#at! - this.#clock.now())
    if (this.#exact && left > 0 && left <= NEAR && this.#mayWatch()) return this.#watch()
    const wait = Math.min(LONGEST_WAIT, this.#exact && left > NEAR ? left - NEAR : left)
    this.#cancel = after(this.#clock, Math.ceil(wait), () => this.#wake())
  }

  #mayWatch (): boolean {
    return this.#clock.monotonic() - this.#watchedAt >= SELDOM
  }

  #watch (): void {
    this.#watchedAt = this.#clock.monotonic()
    // Turning the event loop meanwhile would make garbage, which V8 might collect at the very instant.
    const turn = setImmediate(() => {
      for (let looks = 0; looks < MOST_LOOKS && this.#clock.now() < this.#at!; looks++) {
        Atomics.wait(STILL, 0, 0, LITTLE)
      }
      this.#wake()
    })
    this.#cancel = () => clearImmediate(turn)
  }

  #wake (): void {
    if (this.#at === null) return
    if (this.#clock.now() < this.#at) return this.#wait()
    this.clear()
    this.#ring()
  }
}
