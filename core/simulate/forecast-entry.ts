import { parentPort } from 'node:worker_threads'
import { OffpeakError } from '../model/errors/errors.ts'
import { computeForecast } from './compute-forecast.ts'
import type { Forecast, ForecastInput } from '../model/forecast/forecast.ts'
import type { ForecastAsk } from '../work/plan/forecaster.ts'

/** What the thread answers. */
export type ForecastMessage = { forecast: Forecast } | { error: unknown,
  tooLarge: { message: string, fix: string } | null }

async function answerTo ({ present, ask }: { present: ForecastInput, ask: ForecastAsk }): Promise<ForecastMessage> {
  try {
    return { forecast: await computeForecast(present, ask) }
  } catch (error) {
    const tooLarge = error instanceof OffpeakError && error.code === 'OFFPEAK_FORECAST_TOO_LARGE'
      ? { message: error.message, fix: error.fix ?? '' }
      : null
    return { error, tooLarge }
  }
}

parentPort?.on('message', question => void answerTo(question).then(answer => parentPort!.postMessage(answer, [])))
