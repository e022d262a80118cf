import { createTestManager } from '../../../core/index.ts'
import { foretell } from '../../../core/simulate/foretell.ts'
import { presentOf } from '../../../core/work/plan/present.ts'
import type { Foreseen } from '../../../core/model/forecast/forecast.ts'
import type { TestClock, TestManager } from '../../../core/index.ts'
import type { World } from './worlds.ts'

const MINUTE = 60_000
const START = Date.parse('2026-03-10T12:30:00Z')

/** A run that has started after the forecast was made. */
export interface Started { id: string, task: string, schedule: string | null, nominal_at: number, at: number }

export interface Lived { items: Foreseen[], started: Started[], from: number, to: number }

/** What the coming minutes may bring, worked out in this thread. */
export async function ahead ({ manager: m }: TestManager, minutes: number): Promise<Foreseen[]> {
  const present = await presentOf({
    engine: m.engine, clock: m.clock, config: () => m.config, situation: m.situation, planner: () => m.planner, tasks: () => m.catalog.tasks, activity: () => m.foresight.histogram
  })
  return (await foretell(present, { to: present.at + minutes * MINUTE })).items
}

/** Lives through a world, with a forecast in the middle; tells what was foreseen and what has started since. */
export async function live ({ config, tasks, acts, reading, asked, course }: World, minutes: number): Promise<Lived> {
  const kit = await createTestManager({
    at: START, config, reading, tasks: tasks.map(({ definition, took }) => ({ ...definition, func: ctx => (ctx.services.clock as TestClock).sleep(took * MINUTE) }))
  })
  try {
    const at = (minute: number) => START + minute * MINUTE
    const idOf = (task: number) => tasks[task % tasks.length]!.definition.id
    const before = [...acts.filter(act => act.at <= asked), ...course.filter(one => one.at <= asked)].toSorted((a, b) => a.at - b.at)
    for (const one of before) {
      await kit.advanceTo(at(one.at))
      if ('change' in one) await kit.set(one.change)
      else if (one.kind === 'enqueue') await kit.enqueue(idOf(one.task), { priority: one.priority, ...one.delay > 0 && { delay: one.delay * 60 } })
      else await kit.manager.pauses.add({ scope: one.scope, name: one.scope === 'all' ? null : one.scope === 'queue' ? 'q' : idOf(one.task), by: 'test', until: one.minutes === null ? null : at(asked + one.minutes) })
    }
    await kit.advanceTo(at(asked))
    const items = await ahead(kit, minutes)
    const from = kit.clock.now()
    const told = kit.notices.length
    for (const { at: minute, change } of course.filter(one => one.at > asked && one.at < asked + minutes)) {
      await kit.advanceTo(at(minute))
      await kit.set(change)
    }
    await kit.advanceTo(from + minutes * MINUTE)
    const started = new Map<string, Started>()
    for (const notice of kit.notices.slice(told)) {
      if (notice.kind !== 'claimed' || started.has(notice.run.id)) continue
      const { id, task, schedule, nominal_at, started_at } = notice.run
      started.set(id, { id, task, schedule, nominal_at, at: started_at! })
    }
    return { items, started: [...started.values()], from, to: from + minutes * MINUTE }
  } finally {
    await kit.close()
  }
}

const NEAR = 1000

/** What a forecast has said wrong of what has come, in words. */
export function faultsOf ({ items, started, from, to }: Lived): string[] {
  const minute = (at: number | null) => at === null ? 'never' : `${((at - from) / MINUTE).toFixed(2)} min`
  const spread = ({ earliest_at: least, latest_at: most }: Foreseen) => `${minute(least)} to ${minute(most)}`
  const found = (one: Started) => items.find(item => item.run === null ? item.schedule === one.schedule && item.nominal_at === one.nominal_at : item.run === one.id)
  const of = (item: Foreseen) => started.find(one => found(one) === item)
  const unforeseen = started.filter(one => found(one) === undefined && one.at < to - NEAR).map(one => `${one.task} (${minute(one.nominal_at)}) started at ${minute(one.at)} and was not foreseen`)
  const early = started.flatMap(one => {
    const item = found(one)
    return item === undefined || item.stage === 'running' || (item.earliest_at !== null && one.at >= item.earliest_at - NEAR) ? [] : [`${one.task} started at ${minute(one.at)}, foreseen ${spread(item)}`]
  })
  const late = items.filter(({ stage }) => stage !== 'running').flatMap(item => {
    const one = of(item)
    if (one !== undefined) return item.latest_at !== null && one.at > item.latest_at + NEAR ? [`${one.task} started at ${minute(one.at)}, foreseen ${spread(item)}`] : []
    const isMissed = item.certainty === 'certain' && item.latest_at !== null && item.latest_at < to - NEAR
    return isMissed ? [`${item.task} (${minute(item.nominal_at)}) was certain ${spread(item)} and did not start`] : []
  })
  return [...unforeseen, ...early, ...late]
}
