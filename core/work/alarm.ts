import { SECOND } from '../model/duration.ts'
import { after } from '../model/clock.ts'
import type { Clock } from '../model/clock.ts'

/** No timer is longer: timers count monotonic time and overflow after 24.8 days, so the wall clock is read again this often. */
export const LONGEST_WAIT = 30 * SECOND

/** Rings once at an instant of the wall clock; setting it earlier brings it forward. */
export class Alarm {
  #cancel: (() => void) | null = null
  #at: number | null = null
  readonly #clock: Clock
  readonly #ring: () => void

  constructor ({ clock, ring }: { clock: Clock, ring: () => void }) {
    this.#clock = clock
    this.#ring = ring
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
    const wait = Math.max(0, Math.min(LONGEST_WAIT, this.#at! - this.#clock.now()))
    this.#cancel = after(this.#clock, Math.ceil(wait), () => this.#wake())
  }

  #wake (): void {
    if (this.#at === null) return
    if (this.#clock.now() < this.#at) return this.#wait()
    this.clear()
    this.#ring()
  }
}
