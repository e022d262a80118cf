import { SECOND } from '../../model/base/duration.ts'
import { after } from '../../model/base/clock.ts'
import type { Clock } from '../../model/base/clock.ts'

/** The longest timer, ms. Timers count monotonic time and overflow after 24.8 days, so the wall clock is read at least
 *  this often. */
const LONGEST_WAIT = 30 * SECOND

/** Timers may be this late, ms. An exact alarm blocks the event loop for the last part of its wait. */
const NEAR = 2

/** The time between two readings of the clock, ms. */
const READ_EVERY = 0.05

/** The least time between two such waits, ms, and the most readings of the clock in one: other work has to run, and the
 *  clock may be set back. */
const WATCH_INTERVAL = 900
const MOST_READS = 60

/** Memory that is never changed, so that `Atomics.wait` on it only waits. */
const UNCHANGED = new Int32Array(new SharedArrayBuffer(4))

/** `exact`: rings as close to its instant as possible. */
interface AlarmOptions {
  clock: Clock
  ring: () => void
  exact?: boolean
}

/** Calls `ring` once at an instant of the wall clock. */
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
    // The timers of a simulated clock are never late.
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
    return this.#clock.monotonic() - this.#watchedAt >= WATCH_INTERVAL
  }

  #watch (): void {
    this.#watchedAt = this.#clock.monotonic()
    // Letting the event loop turn instead would create garbage, which V8 might collect at that instant.
    const turn = setImmediate(() => {
      for (let reads = 0; reads < MOST_READS && this.#clock.now() < this.#at!; reads++) {
        Atomics.wait(UNCHANGED, 0, 0, READ_EVERY)
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
