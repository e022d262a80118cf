import { createTestManager } from '../../../core/index.ts'
import { computeForecast } from '../../../core/simulate/compute-forecast.ts'
import { forecastInput } from '../../../core/work/plan/forecast-input.ts'
import type { ForecastItem } from '../../../core/model/forecast/forecast.ts'
import type { TestClock, TestManager } from '../../../core/index.ts'
import type { World } from './worlds.ts'

const MINUTE = 60_000
const START = Date.parse('2026-03-10T12:30:00Z')

/** A run that has started after the forecast was made. */
export interface Started {
  id: string
  task: string
  schedule: string | null
  nominal_at: number
  at: number
}

export interface Lived {
  items: ForecastItem[]
  started: Started[]
  from: number
  to: number
}

/** The forecast of the next minutes, computed in this thread. */
export async function ahead ({ manager: m }: TestManager, minutes: number): Promise<ForecastItem[]> {
  const present = await forecastInput({
    engine: m.engine,
    clock: m.clock,
    conditions: m.conditions,
    config: () => m.config,
    planner: () => m.planner,
    tasks: () => m.catalog.tasks,
    activity: () => m.activity.histogram
  })
  return (await computeForecast(present, { to: present.at + minutes * MINUTE })).items
}

interface Named {
  idOf(task: number): string
  /** The instant, minutes after the forecast. */
  until(minutes: number): number
}

/** Does what is done before the forecast: a change of the machine, a run that is added, or a pause. */
async function take (kit: TestManager, one: World['acts'][number] | World['course'][number], { idOf, until }: Named) {
  if ('change' in one) return void await kit.set(one.change)
  if (one.kind === 'enqueue') {
    return void await kit.enqueue(
      idOf(one.task),
      { priority: one.priority, ...one.delay > 0 && { delay: one.delay * 60 } }
    )
  }
  return void await kit.manager.pauses.add({
    scope: one.scope,
    name: one.scope === 'all' ? null : one.scope === 'queue' ? 'q' : idOf(one.task),
    by: 'test',
    until: one.minutes === null ? null : until(one.minutes)
  })
}

/** The first start of each run. */
function startedIn (notices: TestManager['notices']): Started[] {
  const started = new Map<string, Started>()
  for (const notice of notices) {
    if (notice.kind !== 'claimed' || started.has(notice.run.id)) continue
    const { id, task, schedule, nominal_at, started_at } = notice.run
    started.set(id, { id, task, schedule, nominal_at, at: started_at! })
  }
  return [...started.values()]
}

/** Runs a world with a forecast in the middle; returns the forecast and the runs that have started since. */
export async function live ({ config, tasks, acts, reading, asked, course }: World, minutes: number): Promise<Lived> {
  const kit = await createTestManager({
    at: START,
    config,
    reading,
    tasks: tasks.map(({ definition, took }) => ({
      ...definition,
      func: ctx => (ctx.services.clock as TestClock).sleep(took * MINUTE)
    }))
  })
  try {
    const at = (minute: number) => START + minute * MINUTE
    const idOf = (task: number) => tasks[task % tasks.length]!.definition.id
    const before = [
      ...acts.filter(act => act.at <= asked),
      ...course.filter(one => one.at <= asked)
    ].toSorted((a, b) => a.at - b.at)
    for (const one of before) {
      await kit.advanceTo(at(one.at))
      await take(kit, one, { idOf, until: minutes => at(asked + minutes) })
    }
    await kit.advanceTo(at(asked))
    const items = await ahead(kit, minutes)
    const from = kit.clock.now()
    const seen = kit.notices.length
    for (const { at: minute, change } of course.filter(one => one.at > asked && one.at < asked + minutes)) {
      await kit.advanceTo(at(minute))
      await kit.set(change)
    }
    await kit.advanceTo(from + minutes * MINUTE)
    return { items, started: startedIn(kit.notices.slice(seen)), from, to: from + minutes * MINUTE }
  } finally {
    await kit.close()
  }
}

const NEAR = 1000

/** Messages on a start and its forecast, with instants in minutes after the forecast. */
function words (from: number) {
  const minute = (at: number | null) => at === null ? 'never' : `${((at - from) / MINUTE).toFixed(2)} min`
  const spread = (item: ForecastItem) => `${minute(item.earliest_at)} to ${minute(item.latest_at)}`
  return {
    unforeseen: (one: Started) => `${one.task} (${minute(one.nominal_at)}) started at ${minute(one.at)}, not forecast`,
    outside: (one: Started, item: ForecastItem) =>
      `${one.task} started at ${minute(one.at)}, forecast for ${spread(item)}`,
    missed: (item: ForecastItem) =>
      `${item.task} (${minute(item.nominal_at)}) was certain ${spread(item)}, did not start`
  }
}

const isOf = (item: ForecastItem, { id, schedule, nominal_at: nominal }: Started): boolean =>
  item.run === null ? item.schedule === schedule && item.nominal_at === nominal : item.run === id

const isWithin = ({ earliest_at: least, latest_at: most }: ForecastItem, at: number): boolean =>
  least !== null && at >= least - NEAR && at <= (most ?? Infinity) + NEAR

/** The errors of a forecast against the starts that followed, as messages. */
export function faultsOf ({ items, started, from, to }: Lived): string[] {
  const say = words(from)
  const wrong = started.flatMap(one => {
    const item = items.find(candidate => isOf(candidate, one))
    if (item === undefined) return one.at < to - NEAR ? [say.unforeseen(one)] : []
    return item.stage === 'running' || isWithin(item, one.at) ? [] : [say.outside(one, item)]
  })
  const missed = items.filter(item =>
    item.stage !== 'running' && item.certainty === 'certain' &&
    (item.latest_at ?? Infinity) < to - NEAR && !started.some(one => isOf(item, one))
  )
  return [...wrong, ...missed.map(say.missed)]
}
