import { MINUTE, milliseconds } from '../../model/base/duration.ts'
import { emptyHistogram, isHistogram, learn, quietest } from '../../model/machine/activity.ts'
import { othersBusy } from '../../model/machine/others.ts'
import { isOpen } from '../../model/machine/window.ts'
import { known } from '../../model/machine/reading.ts'
import { windowFor } from '../../model/gates/window.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Histogram } from '../../model/machine/activity.ts'
import type { Json } from '../../model/json/json.ts'
import type { Moved } from '../../model/run/run.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Task } from '../../model/task/task.ts'

interface ActivityOptions {
  engine: Engine
  clock: Clock
  config: () => Config
}

const FACT = 'activity'
const SAVE_INTERVAL = 15 * MINUTE

/** How busy the machine is by hour of the week: learned from readings, stored in the engine, and used to move flexible
 *  fires. */
export class Activity {
  readonly #options: ActivityOptions
  #histogram: Histogram = emptyHistogram()
  #savedAt = 0

  constructor (options: ActivityOptions) {
    this.#options = options
  }

  /** Reads the stored histogram. */
  async load (): Promise<void> {
    const [fact] = await this.#options.engine.kept({ prefix: FACT })
    // A value that is not a histogram is replaced.
    if (isHistogram(fact?.value)) this.#histogram = fact.value
    this.#savedAt = this.#options.clock.now()
  }

  get histogram (): Histogram {
    return this.#histogram
  }

  /** Adds a reading to the histogram. The load of offpeak itself does not count. */
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

  /** Stores the histogram, at most every 15 minutes. */
  async saveWhenDue (): Promise<void> {
    if (Math.abs(this.#options.clock.now() - this.#savedAt) >= SAVE_INTERVAL) await this.save()
  }

  async save (): Promise<void> {
    this.#savedAt = this.#options.clock.now()
    await this.#options.engine.keep({ name: FACT, value: this.#histogram as unknown as Json, now: this.#savedAt })
  }

  /** The quietest instant for a fire within the `flex` of its task and before the next fire; null when that is the
   *  nominal instant. */
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
}
