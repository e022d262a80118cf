import { SECOND } from '../model/duration.ts'
import type { Clock } from '../model/clock.ts'
import type { Progress } from '../model/run.ts'
import type { TaskProgress } from '../model/context.ts'

/** Time constant of the smoothed rate: what is older counts for little. */
const SMOOTHING = 10 * SECOND

/** Turns a task's calls into a `Progress`: rate smoothed exponentially over about ten seconds, ETA from it. */
export class ProgressTracker implements TaskProgress {
  readonly #clock: Clock
  #current = 0
  #total: number | null = null
  #unit: string | null = null
  #message: string | null = null
  #rate: number | null = null
  #markAt: number
  #markCurrent = 0
  #dirty = false

  constructor (clock: Clock) {
    this.#clock = clock
    this.#markAt = clock.monotonic()
  }

  setTotal (total: number, unit?: string): void {
    this.#total = Number.isFinite(total) && total >= 0 ? total : null
    this.#unit = unit ?? this.#unit
    this.#dirty = true
  }

  advance (by = 1, message?: string): void {
    this.update(this.#current + by, message)
  }

  update (current: number, message?: string): void {
    if (Number.isFinite(current)) this.#current = current
    if (message !== undefined) this.#message = message.slice(0, 500)
    this.#dirty = true
  }

  setMessage (message: string): void {
    this.#message = message.slice(0, 500)
    this.#dirty = true
  }

  /** What has changed since the last call, or null. */
  take (): Progress | null {
    if (!this.#dirty) return null
    this.#dirty = false
    return this.read()
  }

  read (): Progress {
    this.#measure()
    const share = this.#total === null || this.#total === 0 ? null : Math.min(1, this.#current / this.#total)
    const left = this.#total === null ? null : Math.max(0, this.#total - this.#current)
    return {
      current: this.#current,
      total: this.#total,
      message: this.#message,
      unit: this.#unit,
      rate: this.#rate,
      percentage: share === null ? null : Math.floor(share * 1000) / 10,
      eta: left === null || !this.#rate ? null : Math.ceil(left / this.#rate),
      at: this.#clock.now()
    }
  }

  #measure (): void {
    const at = this.#clock.monotonic()
    const elapsed = at - this.#markAt
    // The first rate is told after a second: over less it is chance.
    if (elapsed < (this.#rate === null ? SECOND : SECOND / 10)) return
    const rate = (this.#current - this.#markCurrent) / elapsed * SECOND
    const weight = 1 - Math.exp(-elapsed / SMOOTHING)
    this.#rate = Math.max(0, this.#rate === null ? rate : this.#rate + weight * (rate - this.#rate))
    this.#markAt = at
    this.#markCurrent = this.#current
  }
}
