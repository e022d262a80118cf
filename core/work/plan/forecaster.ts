import { HOUR, SECOND } from '../../model/base/duration.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { MOST_HOURS } from '../../model/forecast/forecast.ts'
import { askedNow, forecastInput } from './forecast-input.ts'
import type { Forecast, ForecastInput } from '../../model/forecast/forecast.ts'
import type { ForecastInputOptions } from './forecast-input.ts'
import type { Run } from '../../model/run/run.ts'
import type { Task } from '../../model/task/task.ts'

/** One run, or the next start of a task. */
export type Target = { run: string } | { task: string }

export interface ForecastAsk {
  to: number
  /** Restricts the forecast to this target and ends it with its start. Starts beyond the limit of a forecast are
   *  ignored instead of refused. */
  until?: Target
}

interface Earliest {
  at: number
  certain: boolean
}

interface ForecasterOptions extends ForecastInputOptions {
  /** Computes a forecast outside this thread. */
  computeForecast: (present: ForecastInput, ask: ForecastAsk) => Promise<Forecast>
}

/** `asked`: a hypothetical run to add to the forecast. */
interface Wanted {
  askFor: (now: number) => ForecastAsk
  asked: Run | null
}

/** How long a forecast is reused when nothing changes, ms. */
const FRESH = 5 * SECOND

/** Computes forecasts, one at a time. Callers that wait for the same forecast share it. */
export class Forecaster {
  readonly #options: ForecasterOptions
  readonly #waiting = new Map<string, Promise<Forecast>>()
  readonly #known = new Map<string, { forecast: Forecast, at: number }>()
  #changes = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor (options: ForecasterOptions) {
    this.#options = options
  }

  /** Discards the cached forecasts. Called after each change. */
  readonly changed = (): void => {
    this.#changes++
    this.#known.clear()
  }

  /** The forecast for the next hours. Rejects with OFFPEAK_FORECAST_TOO_LARGE. */
  async forecast (hours: number): Promise<Forecast> {
    return await this.#shared(`${hours}`, { askFor: now => ({ to: now + hours * HOUR }), asked: null })
  }

  /** When a waiting run starts if the machine stays in its present state. `certain`: the start does not depend on
   *  readings. Null when no start is forecast. */
  async earliestOf (
    { id, deadline_at: deadline, due_at: due }: Pick<Run, 'id' | 'deadline_at' | 'due_at'>
  ): Promise<Earliest | null> {
    return await this.#first({ run: id }, Math.max(deadline ?? 0, due))
  }

  /** Like `earliestOf` for the next start of a task. `due`: its next fire, epoch ms, or null for a run requested
   *  now. */
  async nextOf (task: Task, due: number | null): Promise<Earliest | null> {
    const now = this.#options.clock.now()
    const asked = due === null ? askedNow(task, now) : null
    return await this.#first(
      asked === null ? { task: task.id } : { run: asked.id },
      (due ?? now) + task.deadlineMs,
      asked
    )
  }

  async #first (until: Target, deadline: number, asked: Run | null = null): Promise<Earliest | null> {
    const now = this.#options.clock.now()
    const to = Math.min(now + MOST_HOURS * HOUR, Math.max(deadline, now) + HOUR)
    try {
      const { items } = await this.#shared(JSON.stringify(until), { askFor: () => ({ to, until }), asked })
      const found = items.find(({ run, task, stage }) =>
        'run' in until ? run === until.run : task === until.task && stage !== 'running'
      )
      return found === undefined || found.likely_at === null
        ? null
        : { at: found.likely_at, certain: found.certainty === 'certain' }
    } catch (error) {
      if (error instanceof OffpeakError && error.code === 'OFFPEAK_FORECAST_TOO_LARGE') return null
      throw error
    }
  }

  async #shared (key: string, wanted: Wanted): Promise<Forecast> {
    const known = this.#fresh(key)
    if (known !== null) return known
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) return await waiting
    const asked = this.#last.then(async () => {
      // Later callers need a newer state.
      this.#waiting.delete(key)
      return this.#fresh(key) ?? await this.#ask(key, wanted)
    })
    this.#waiting.set(key, asked)
    this.#last = asked.catch(() => undefined)
    return await asked
  }

  #fresh (key: string): Forecast | null {
    const known = this.#known.get(key)
    return known !== undefined && Math.abs(this.#options.clock.now() - known.at) < FRESH ? known.forecast : null
  }

  async #ask (key: string, { askFor, asked }: Wanted): Promise<Forecast> {
    const changes = this.#changes
    const present = await forecastInput(this.#options)
    if (asked !== null) present.waiting.push({ ...asked, after: [] })
    const forecast = await this.#options.computeForecast(present, askFor(present.at))
    for (const one of this.#known.keys()) if (this.#fresh(one) === null) this.#known.delete(one)
    if (changes === this.#changes) this.#known.set(key, { forecast, at: present.at })
    return forecast
  }
}
