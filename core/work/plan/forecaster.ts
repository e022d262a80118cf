import { MINUTE, milliseconds } from '../../model/base/duration.ts'
import { emptyHistogram, isHistogram, learn, quietest } from '../../model/machine/activity.ts'
import { othersBusy } from '../../model/machine/others.ts'
import { isOpen } from '../../model/machine/window.ts'
import { known } from '../../model/machine/reading.ts'
import { windowFor } from '../../model/gates/window.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Earliest, Forecaster } from './forecast.ts'
import type { ForecastItem } from '../../model/forecast/forecast.ts'
import type { Histogram } from '../../model/machine/activity.ts'
import type { Json } from '../../model/json/json.ts'
import type { Moved, Run } from '../../model/run/run.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Task } from '../../model/task/task.ts'

interface ForesightOptions {
  engine: Engine
  clock: Clock
  config: () => Config
  /** Absent: nothing is foreseen. */
  forecaster?: Forecaster
}

const FACT = 'activity'
const SAVE_EVERY = 15 * MINUTE

/** What is learned of the machine's week, and what can be said of the hours to come. */
export class Foresight {
  readonly #options: ForesightOptions
  #histogram: Histogram = emptyHistogram()
  #savedAt = 0

  constructor (options: ForesightOptions) {
    this.#options = options
  }

  /** Reads what was learned before this start. */
  async load (): Promise<void> {
    const [fact] = await this.#options.engine.kept({ prefix: FACT })
    // What is none begins anew.
    if (isHistogram(fact?.value)) this.#histogram = fact.value
    this.#savedAt = this.#options.clock.now()
  }

  get histogram (): Histogram {
    return this.#histogram
  }

  /** Learns from one more reading: offpeak's own load is not the machine's habit. */
  learn (reading: Reading): void {
    const busy = othersBusy(reading)
    if (!known(busy)) return
    const { activity, manager } = this.#options.config()
    const used = known(reading.idle_seconds) && reading.idle_seconds < milliseconds(activity.idle_after) / 1000
    this.#histogram = learn({
      histogram: this.#histogram,
      at: reading.at,
      busy: Math.max(busy, used ? 0.5 : 0),
      zone: manager.timezone,
      activity
    })
  }

  /** Stores what was learned, at most every quarter of an hour. */
  async saveWhenDue (): Promise<void> {
    if (Math.abs(this.#options.clock.now() - this.#savedAt) >= SAVE_EVERY) await this.save()
  }

  async save (): Promise<void> {
    this.#savedAt = this.#options.clock.now()
    await this.#options.engine.keep({ name: FACT, value: this.#histogram as unknown as Json, now: this.#savedAt })
  }

  /** The quietest start for a fire of a task within its `flex`, and before the fire after it; null: the nominal time
   *  stands. */
  move (task: Task, nominal: number, next: number | null): { at: number, moved: Moved } | null {
    if (task.flexMs === 0) return null
    const config = this.#options.config()
    const { activity, manager } = config
    const window = windowFor(task, config)
    const allows = (at: number) => window === null || isOpen(window, at)
    const to = Math.min(nominal + task.flexMs, next === null ? Infinity : next - 1)
    const { at, confidence, reason } = quietest({
      histogram: this.#histogram,
      from: nominal,
      to,
      durationMs: 10 * MINUTE,
      zone: manager.timezone,
      activity,
      allows
    })
    return at === nominal ? null : { at, moved: { code: 'quieter_hour', message: reason, confidence } }
  }

  /** Every start that the coming hours may bring, in order of the likely ones. Throws OFFPEAK_FORECAST_TOO_LARGE. */
  async forecast (hours: number): Promise<ForecastItem[]> {
    return (await this.#options.forecaster!.ahead(hours)).items
  }

  /** See `Forecaster.earliestOf`. */
  async earliestOf (run: Run): Promise<Earliest | null> {
    return await this.#options.forecaster!.earliestOf(run)
  }

  /** See `Forecaster.nextOf`. */
  async nextOf (task: Task, due: number | null): Promise<Earliest | null> {
    return await this.#options.forecaster!.nextOf(task, due)
  }
}
