import { SECOND } from '../../model/base/duration.ts'
import { messageOf, nameOf, numberOf } from '../../model/run/progress-words.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Progress } from '../../model/run/run.ts'
import type { TaskProgress } from '../../model/task/context.ts'

/** The time constant of the smoothed rate, ms. */
const SMOOTHING = 10 * SECOND

/** Turns the calls of a task into a `Progress`. The rate is smoothed exponentially over about ten seconds; the ETA is
 *  computed from the rate, or from the durations of earlier runs. */
export class ProgressTracker implements TaskProgress {
  readonly #clock: Clock
  #current = 0
  #total: number | null = null
  #unit: string | null = null
  #message: string | null = null
  #rate: number | null = null
  #markAt: number
  #markCurrent = 0
  #stage: string | null = null
  #dirty = false
  readonly #beganAt: number
  /** The expected duration of the run, ms; null when it is unknown, undefined before `expect`. */
  #expected: number | null | undefined

  constructor (clock: Clock) {
    this.#clock = clock
    this.#beganAt = clock.monotonic()
    this.#markAt = this.#beganAt
  }

  /** True when there is progress to report and `expect` was not called yet. */
  get wonders (): boolean {
    return this.#dirty && this.#expected === undefined
  }

  /** Sets the duration of earlier runs, ms, or null. The ETA is computed from it until there is a rate. */
  expect (ms: number | null): void {
    this.#expected = ms
  }

  setTotal (total: number, unit?: string): void {
    const count = numberOf(total) ?? -1
    this.#total = count >= 0 ? count : null
    this.#unit = nameOf(unit) ?? this.#unit
    this.#dirty = true
  }

  advance (by = 1, message?: string): void {
    this.update(this.#current + (numberOf(by) ?? 0), message)
  }

  update (current: number, message?: string): void {
    this.#current = numberOf(current) ?? this.#current
    this.#message = messageOf(message) ?? this.#message
    this.#dirty = true
  }

  setMessage (message: string): void {
    this.#message = messageOf(message) ?? ''
    this.#dirty = true
  }

  setStage (name: string, total?: number, unit?: string): void {
    this.#stage = nameOf(name) ?? ''
    this.#current = 0
    this.#total = null
    this.#unit = null
    this.#message = null
    this.#rate = null
    this.#markAt = this.#clock.monotonic()
    this.#markCurrent = 0
    this.#dirty = true
    if (total !== undefined) this.setTotal(total, unit)
  }

  /** The progress when it has changed since the last call, else null. */
  take (): Progress | null {
    if (!this.#dirty) return null
    this.#dirty = false
    return this.read()
  }

  read (): Progress {
    this.#measure()
    const share = this.#total === null || this.#total === 0 ? null : Math.min(1, this.#current / this.#total)
    return {
      ...this.#stage !== null && { stage: this.#stage },
      current: this.#current,
      total: this.#total,
      message: this.#message,
      unit: this.#unit,
      rate: this.#rate,
      percentage: share === null ? null : Math.floor(share * 1000) / 10,
      eta: this.#eta(),
      at: this.#clock.now()
    }
  }

  #eta (): number | null {
    if (this.#total !== null && this.#rate) {
      return numberOf(Math.ceil(Math.max(0, this.#total - this.#current) / this.#rate)) ?? null
    }
    const left = (this.#expected ?? 0) - (this.#clock.monotonic() - this.#beganAt)
    return left > 0 ? Math.ceil(left / SECOND) : null
  }

  #measure (): void {
    const at = this.#clock.monotonic()
    const elapsed = at - this.#markAt
    // A rate over less than a second is not meaningful.
    if (elapsed < (this.#rate === null ? SECOND : SECOND / 10)) return
    const rate = (this.#current - this.#markCurrent) / elapsed * SECOND
    const weight = 1 - Math.exp(-elapsed / SMOOTHING)
    this.#rate = numberOf(Math.max(0, this.#rate === null ? rate : this.#rate + weight * (rate - this.#rate))) ?? null
    this.#markAt = at
    this.#markCurrent = this.#current
  }
}
