import { faultyManager, halt, live, wrongs } from './day.ts'
import type { Faulty } from './day.ts'
import type { Site } from './faulty.ts'
import type { Test } from 'tap'

/** Whether only a day with a forecast makes this call. */
export const isOfForecast = ({ from }: Site): boolean => /forecast|present/.test(from)

/** Uncaught errors; without these listeners they would end the process. */
export const uncaught: string[] = []
for (const name of ['uncaughtException', 'unhandledRejection']) {
  process.removeAllListeners(name)
  process.on(name, (error: Error) => void uncaught.push(error.stack ?? String(error)))
}

/** Calls `work` with a new manager, and closes it. */
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

/** Every call of the engine in a day without faults. */
export const sitesOfADay = (t: Test): Promise<Site[]> =>
  withManager({ forecasts: true }, async it => {
    await live(it)
    const { sites } = it.faults
    t.strictSame(await wrongs(it), [], 'nothing is wrong after a day without faults')
    await halt(it)
    return [...sites, ...it.faults.sites.filter(({ call }) => call === 'stop')]
  })
