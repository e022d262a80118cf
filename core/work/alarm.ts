import { SECOND } from '../model/duration.ts'
import { after } from '../model/clock.ts'
import type { Clock } from '../model/clock.ts'

/** No timer is longer: timers count monotonic time and overflow after 24.8 days, so the wall clock is read again this often. */
export const LONGEST_WAIT = 30 * SECOND

/** Timers may be so late (ms): an exact alarm looks at the clock in every turn of the event loop from so long before its instant. */
const NEAR = 2

/** It does so once in so many ms and for so many turns at most: there is other work than to look at the clock. */
const SELDOM = 900
const MOST_TURNS = 20_000

/** `exact`: as near to its instant as can be, at the cost of some ms of a processor. */
export interface AlarmOptions { clock: Clock, ring: () => void, exact?: boolean }

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
    let turns = 0
    let turn: NodeJS.Immediate
    const look = () => {
      if (turns++ >= MOST_TURNS || this.#clock.now() >= this.#at!) return this.#wake()
      turn = setImmediate(look)
    }
    turn = setImmediate(look)
    this.#cancel = () => clearImmediate(turn)
  }

  #wake (): void {
    if (this.#at === null) return
    if (this.#clock.now() < this.#at) return this.#wait()
    this.clear()
    this.#ring()
  }
}
