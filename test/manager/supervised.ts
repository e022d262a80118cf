import { faultyManager, halt, live, wrongs } from './day.ts'
import type { Faulty } from './day.ts'
import type { Site } from './faulty.ts'
import type { Test } from 'tap'

/** Whether a place is only reached by a day with a forecast. */
export const isOfForecast = ({ from }: Site): boolean => /forecast|present/.test(from)

/** Errors that nobody has caught; without this they would end the process. */
export const uncaught: string[] = []
for (const name of ['uncaughtException', 'unhandledRejection']) {
  process.removeAllListeners(name)
  process.on(name, (error: Error) => void uncaught.push(error.stack ?? String(error)))
}

/** Runs what a test does with a manager of its own, and stops what is left. */
export async function withManager<T> (
  options: Parameters<typeof faultyManager>[0],
  work: (it: Faulty) => Promise<T>
): Promise<T> {
  const it = await faultyManager(options)
  try {
    return await work(it)
  } finally {
    it.faults.heal()
    await it.kit.close().catch(() => undefined)
    it.clean()
  }
}

/** Every place that asks the engine for something, as a day without a fault comes by it. */
export const sitesOfADay = (t: Test): Promise<Site[]> =>
  withManager({ forecasts: true }, async it => {
    await live(it)
    const { sites } = it.faults
    t.strictSame(await wrongs(it), [], 'a day without a fault is right')
    await halt(it)
    return [...sites, ...it.faults.sites.filter(({ call }) => call === 'stop')]
  })
