import { SECOND } from '../model/duration.ts'

/** No timer is longer: timers count monotonic time and overflow after 24.8 days, so the wall clock is read again this often. */
export const LONGEST_WAIT = 30 * SECOND

/** Rings once at an instant of the wall clock; setting it earlier brings it forward. */
export class Alarm {
  #timer: NodeJS.Timeout | null = null
  #at: number | null = null
  readonly #now: () => number
  readonly #ring: () => void

  constructor ({ now, ring }: { now: () => number, ring: () => void }) {
    this.#now = now
    this.#ring = ring
  }

  /** The instant it is set to, or null. */
  get at (): number | null {
    return this.#at
  }

  set (at: number | null): void {
    if (at === this.#at && this.#timer !== null) return
    this.clear()
    this.#at = at
    if (at !== null) this.#wait()
  }

  clear (): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#at = null
  }

  #wait (): void {
    const wait = Math.max(0, Math.min(LONGEST_WAIT, this.#at! - this.#now()))
    this.#timer = setTimeout(() => this.#wake(), Math.ceil(wait))
  }

  #wake (): void {
    if (this.#at === null) return
    if (this.#now() < this.#at) return this.#wait()
    this.clear()
    this.#ring()
  }
}
