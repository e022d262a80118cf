import { MOST_STARTS } from '../model/forecast/forecast.ts'
import { HOUR } from '../model/base/duration.ts'
import { boundsOf } from '../model/forecast/start-bounds.ts'
import { continued } from './continue.ts'
import { firesAhead } from '../model/forecast/fires.ts'
import { forecastTooLarge } from '../model/errors/request-errors.ts'
import { longestOf } from '../model/forecast/longest.ts'
import { merged } from '../model/forecast/merge.ts'
import type { Forecast, PlainTask, ForecastInput } from '../model/forecast/forecast.ts'
import type { ForecastAsk } from '../work/plan/forecaster.ts'
import type { Task } from '../model/task/task.ts'

// No gate looks at the work of a task.
const withWork = (task: PlainTask): Task => ({ ...task, work: { kind: 'function', func: () => null } })

/** The number of hours whose fires do not exceed the limit of a forecast, for the error message. */
function fitting (present: ForecastInput, tasks: ReadonlyMap<string, PlainTask>, hours: number): number {
  let least = 0
  for (let most = hours; most - least > 1;) {
    const middle = (least + most) >> 1
    const fires = firesAhead(present.schedules, tasks, { now: present.at, to: present.at + middle * HOUR }).flat()
    if (fires.length > MOST_STARTS) most = middle
    else least = middle
  }
  return least
}

interface Asked {
  present: ForecastInput
  tasks: ReadonlyMap<string, PlainTask>
  ask: ForecastAsk
}

const countOf = (fires: readonly (readonly unknown[])[]): number => fires.reduce((sum, some) => sum + some.length, 0)

/** The fires until `to`. With `until`, which asks for the start of one run, those until an earlier instant when there
 *  are too many. */
function firesOf ({ present, tasks, ask: { to, until } }: Asked) {
  const fires = firesAhead(present.schedules, tasks, { now: present.at, to })
  if (countOf(fires) <= MOST_STARTS) return { fires, to }
  const hours = fitting(present, tasks, Math.ceil((to - present.at) / HOUR))
  const fit = present.at + hours * HOUR
  if (until !== undefined && hours > 0) {
    return {
      fires: firesAhead(present.schedules, tasks, { now: present.at, to: fit }),
      to: fit
    }
  }
  throw forecastTooLarge({
    message: `More than ${MOST_STARTS} fires are planned in these hours: the maximum of a forecast`,
    fix: hours > 0
      ? `Ask for ${hours} hours at most.`
      : 'There are too many for any forecast.'
  })
}

/** Computes the future starts from a present state: the likely instant by a simulation with the current reading, the
 *  earliest and latest by bounds that hold for every reading. Throws OFFPEAK_FORECAST_TOO_LARGE. */
export async function computeForecast (present: ForecastInput, ask: ForecastAsk): Promise<Forecast> {
  const tasks = new Map(present.tasks.map(task => [task.id, withWork(task)]))
  const { fires, to } = firesOf({ present, tasks, ask })
  const { likely, end } = await continued(present, { to, until: ask.until })
  const { at: now, config, reading, pauses, trials, waiting, running, took, rates } = present
  const bounds = boundsOf({
    now,
    config,
    tasks,
    reading,
    pauses,
    trials,
    waiting,
    running,
    to: end,
    fires,
    slots: config.manager.scheduler_thread_pool,
    buckets: new Map(Object.entries(rates)),
    longest: task => longestOf(task, took[task.id])
  })
  return { from: now, to, items: merged({ bounds, likely, took, from: now, to: end }) }
}
