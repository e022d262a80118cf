import { HOUR, SECOND } from '../../model/base/duration.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { MOST_HOURS } from '../../model/forecast/forecast.ts'
import { askedNow, forecastInput } from './forecast-input.ts'
import type { Forecast, ForecastInput } from '../../model/forecast/forecast.ts'
import type { ForecastInputOptions } from './forecast-input.ts'
import type { Run } from '../../model/run/run.ts'
import type { Task } from '../../model/task/task.ts'

/** One run, or the first start to come of a task. */
export type Target = { run: string } | { task: string }

export interface ForetellAsk {
  to: number
  /** It is of this alone, and ends when that starts; of more starts than a forecast may have it looks at the first
   *  ones. */
  until?: Target
}

interface Earliest {
  at: number
  certain: boolean
}

interface ForecasterOptions extends ForecastInputOptions {
  /** Works a forecast out, elsewhere than in this thread. */
  foretell: (present: ForecastInput, ask: ForetellAsk) => Promise<Forecast>
}

/** `asked`: a run that there is not, and that is asked about. */
interface Wanted {
  askFor: (now: number) => ForetellAsk
  asked: Run | null
}

/** A forecast is given again for so long while nothing is said, ms. */
const FRESH = 5 * SECOND

/** Asks for forecasts: one at a time, and those that ask for the same while they wait share one. */
export class Forecaster {
  readonly #options: ForecasterOptions
  readonly #waiting = new Map<string, Promise<Forecast>>()
  readonly #known = new Map<string, { forecast: Forecast, at: number }>()
  #changes = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor (options: ForecasterOptions) {
    this.#options = options
  }

  /** Something has changed: what is known of the hours to come is out of date. */
  readonly changed = (): void => {
    this.#changes++
    this.#known.clear()
  }

  /** What the coming hours may bring. */
  async forecast (hours: number): Promise<Forecast> {
    return await this.#shared(`${hours}`, { askFor: now => ({ to: now + hours * HOUR }), asked: null })
  }

  /** When a waiting run starts if the machine stays as it is, and whether that is so whatever the readings will be;
   *  null: nobody can say. */
  async earliestOf (
    { id, deadline_at: deadline, due_at: due }: Pick<Run, 'id' | 'deadline_at' | 'due_at'>
  ): Promise<Earliest | null> {
    return await this.#first({ run: id }, Math.max(deadline ?? 0, due))
  }

  /** The same of the next start of a task, whose next fire is due then (epoch ms), or of a run that is asked for now
   *  (null). */
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
      // Later callers want the state from now on.
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
    const forecast = await this.#options.foretell(present, askFor(present.at))
    for (const one of this.#known.keys()) if (this.#fresh(one) === null) this.#known.delete(one)
    if (changes === this.#changes) this.#known.set(key, { forecast, at: present.at })
    return forecast
  }
}
