import { HOUR, MINUTE, milliseconds } from '../../model/base/duration.ts'
import { emptyHistogram, learn, quietest } from '../../model/machine/activity.ts'
import { forecast } from '../../model/admit/forecast.ts'
import { othersBusy } from '../../model/machine/others.ts'
import { known } from '../../model/machine/reading.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Forecast, Took } from '../../model/admit/forecast.ts'
import type { Histogram } from '../../model/machine/activity.ts'
import type { Json } from '../../model/base/json.ts'
import type { Moved } from '../../model/run/run.ts'
import type { Planner } from './planner.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Situation } from '../conditions/situation.ts'
import type { Task } from '../../model/task/task.ts'

export interface ForesightOptions {
  engine: Engine
  clock: Clock
  config: () => Config
  situation: Situation
  planner: () => Planner
  tasks: () => ReadonlyMap<string, Task>
}

const FACT = 'activity'
const RECENT = 50
const MOST_FIRES = 2000
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
    const [fact] = await this.#options.engine.kept(FACT)
    if (fact) this.#histogram = fact.value as unknown as Histogram
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
    this.#histogram = learn({ histogram: this.#histogram, at: reading.at, busy: Math.max(busy, used ? 0.5 : 0), zone: manager.timezone, activity })
  }

  /** Stores what was learned, at most every quarter of an hour. */
  async saveWhenDue (): Promise<void> {
    if (Math.abs(this.#options.clock.now() - this.#savedAt) >= SAVE_EVERY) await this.save()
  }

  async save (): Promise<void> {
    this.#savedAt = this.#options.clock.now()
    await this.#options.engine.keep({ name: FACT, value: this.#histogram as unknown as Json, now: this.#savedAt })
  }

  /** The quietest start for a fire of a task within its `flex`, and before the fire after it; null: the nominal time stands. */
  move (task: Task, nominal: number, next: number | null): { at: number, moved: Moved } | null {
    if (task.flexMs === 0) return null
    const { activity, manager } = this.#options.config()
    const to = Math.min(nominal + task.flexMs, next === null ? Infinity : next - 1)
    const { at, confidence, reason } = quietest({ histogram: this.#histogram, from: nominal, to, durationMs: 10 * MINUTE, zone: manager.timezone, activity })
    return at === nominal ? null : { at, moved: { code: 'quieter_hour', message: reason, confidence } }
  }

  /** Every fire of the coming hours, with when it can start and what that hangs on. */
  async forecast (hours: number): Promise<Forecast[]> {
    const { clock, config, situation, planner, tasks } = this.#options
    const now = clock.now()
    const to = now + hours * HOUR
    const planned = planner().planned.flatMap(one => {
      // Most of many schedules do not fire in these hours.
      if (one.schedule.nominal_at === null || one.schedule.nominal_at > to) return []
      const task = tasks().get(one.schedule.task)
      return task?.enabled ? [{ ...one, task }] : []
    })
    const took = new Map(await Promise.all([...new Set(planned.map(({ task }) => task.id))].map(async id => [id, await this.#took(id)] as const)))
    const learned = new Map([...took].flatMap(([id, one]) => one === null ? [] : [[id, one] as const]))
    return forecast({ ...situation.now, planned, took: learned, slots: config().manager.scheduler_thread_pool, from: now, to, limit: MOST_FIRES })
  }

  async #took (task: string): Promise<Took | null> {
    const { items } = await this.#options.engine.list({ task, state: ['completed'], limit: RECENT })
    const times = items.map(run => run.finished_at! - run.started_at!).toSorted((a, b) => a - b)
    if (times.length === 0) return null
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))]!
    return { p50: at(0.5), p90: at(0.9), runs: times.length }
  }
}
