import { Worker } from 'node:worker_threads'
import { extname, join } from 'node:path'
import { SECOND } from '../model/base/duration.ts'
import { forecastTooLarge } from '../model/errors/request-errors.ts'
import type { Forecast, ForecastInput } from '../model/forecast/forecast.ts'
import type { ForecastAsk } from '../work/plan/forecaster.ts'
import type { ForecastMessage } from './forecast-entry.ts'

const ENTRY = join(import.meta.dirname, `forecast-entry${extname(import.meta.filename)}`)

/** A thread without a request for this long ends. */
const IDLE = 20 * SECOND

interface Question {
  present: ForecastInput
  ask: ForecastAsk
}

/** A thread that works forecasts out, one after another: begun when it is first asked, kept warm for those who ask
 *  again soon. It keeps no process alive that has nothing else to do. */
export class ForecastThread {
  readonly #idleMs: number
  #worker: Worker | null = null
  #idle: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor (idleMs = IDLE) {
    this.#idleMs = idleMs
  }

  /** Throws OFFPEAK_FORECAST_TOO_LARGE, and what ended the thread. */
  readonly computeForecast = (present: ForecastInput, ask: ForecastAsk): Promise<Forecast> => {
    const answer = this.#last.then(() => this.#ask({ present, ask }))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  /** Ends the thread; the next one who asks begins another. */
  async end (): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  async #ask (question: Question): Promise<Forecast> {
    const worker = this.#begun()
    clearTimeout(this.#idle)
    worker.ref()
    try {
      const answer = await answerOf(worker, question)
      if ('forecast' in answer) return answer.forecast
      throw answer.tooLarge ? forecastTooLarge(answer.tooLarge) : answer.error
    } finally {
      worker.unref()
      this.#idle = setTimeout(() => void this.end(), this.#idleMs).unref()
    }
  }

  #begun (): Worker {
    if (this.#worker !== null) return this.#worker
    const worker = new Worker(ENTRY, { stdout: false, stderr: false })
    const gone = () => {
      if (this.#worker === worker) this.#worker = null
    }
    worker.once('error', gone)
    worker.once('exit', gone)
    return this.#worker = worker
  }
}

/** The thread of this process: all managers in it share one. */
export const forecastThread = new ForecastThread()

function answerOf (worker: Worker, question: Question): Promise<ForecastMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<ForecastMessage>()
  const ended = (code: number) => reject(new Error(`The thread that works out forecasts ended with code ${code}`))
  worker.once('message', resolve)
  worker.once('error', reject)
  worker.once('exit', ended)
  worker.postMessage(question, [])
  return promise.finally(() => {
    worker.off('message', resolve)
    worker.off('error', reject)
    worker.off('exit', ended)
  })
}
