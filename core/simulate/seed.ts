import { milliseconds } from '../model/base/duration.ts'
import { queueSettings, refilled } from '../model/config/queue.ts'
import type { Config } from '../model/config/config.ts'
import type { Engine } from '../engine/engine.ts'
import type { NewRun, Run } from '../model/run/run.ts'
import type { ForecastInput } from '../model/forecast/forecast.ts'
import type { Task } from '../model/task/task.ts'

/** The tasks without constraints and dependencies, so that runs that have already started can be claimed. */
export const emptied = (tasks: ReadonlyMap<string, Task>): ReadonlyMap<string, Task> =>
  new Map([...tasks].map(([id, task]) => [
    id,
    { ...task, enabled: true, constraints: {}, depends_on: [], breaker: null, on_unmet: 'run' }
  ]))

/** The settings without limits that could hold runs that have already started. */
export const unlimited = (config: Config, running: number): Config => ({
  ...config,
  queues: {},
  manager: {
    ...config.manager,
    crash_cap: Infinity,
    scheduler_thread_pool: Math.max(config.manager.scheduler_thread_pool, running)
  },
  scheduling: {
    ...config.scheduling,
    priority_slots: 'never',
    profile_slots: 'never',
    max_background_batch: Math.max(config.scheduling.max_background_batch, running)
  }
})

const uniqueOf = ({ key, key_until: until, created_at: at }: Run): Pick<NewRun, 'unique'> =>
  key === null || until === null
    ? {}
    : { unique: { until: typeof until === 'number' ? Math.max(0, until - at) : until, conflict: 'return' } }

/** The fields that a simulated run takes from the real one. */
const COPIED = ['task', 'queue', 'priority', 'source', 'schedule', 'key', 'due_at', 'nominal_at', 'max_retries',
  'missed', 'deadline_at', 'moved'] as const
type Copied = Pick<Run, typeof COPIED[number]>

function askFor (
  run: Run & Partial<Pick<ForecastInput['waiting'][number], 'after'>>,
  { ids, tasks }: { ids: ReadonlyMap<string, string>, tasks: ReadonlyMap<string, Pick<Task, 'on_deadline'>> }
): NewRun {
  const { after = [], now, single, state } = run
  const seeded = new Map([...ids].map(([own, real]) => [real, own]))
  const waitsFor = after.flatMap(({ run: id, condition }) =>
    seeded.has(id) ? [{ run: seeded.get(id)!, condition }] : []
  )
  const expires = (tasks.get(run.task)?.on_deadline ?? 'run') !== 'run'
  return {
    ...Object.fromEntries(COPIED.map(name => [name, run[name]])) as Copied,
    ...uniqueOf(run),
    ...expires && { expires },
    ...single && { single },
    ...now && { now },
    ...state === 'blocked' && waitsFor.length > 0 && { after: waitsFor }
  }
}

/** Adds a copy of each run. Stores the id of the run in `ids`, by the id of its copy. */
export async function seedRuns (
  engine: Engine,
  runs: readonly Run[],
  { ids, tasks }: { ids: Map<string, string>, tasks: ReadonlyMap<string, Pick<Task, 'on_deadline'>> }
): Promise<void> {
  const blocked = runs.filter(({ state }) => state === 'blocked')
  const add = async (run: Run) => {
    const [added] = await engine.add([askFor(run, { ids, tasks })], run.created_at)
    if (added?.created) ids.set(added.run.id, run.id)
  }
  await Promise.all(runs.filter(({ state }) => state !== 'blocked').map(add))
  // In order: a run may wait for another blocked run, which has a lower id.
  for (const run of blocked) await add(run)
}

/** Maximum number of starts that are taken from a rate. */
const MOST_DRAWN = 500

/** Brings the rate limits of queues to their present state: adds, claims and completes runs at the instant from which
 *  the bucket refills to the present number of tokens. */
export async function seedRates (engine: Engine, { rates, config, at }: ForecastInput): Promise<void> {
  for (const [queue, bucket] of Object.entries(rates)) {
    const { rate } = queueSettings(config.queues, queue)
    if (rate === undefined) continue
    const { tokens } = refilled(bucket, rate, at)
    const drawn = Math.min(MOST_DRAWN, Math.ceil(rate.limit - tokens))
    const perMs = rate.limit / milliseconds(rate.per)
    const now = Math.floor(at - (tokens - (rate.limit - drawn)) / perMs)
    const run: NewRun = { task: 'drawn', queue, priority: 'normal', source: 'manual', due_at: now, max_retries: 0 }
    const added = await engine.add(Array.from({ length: drawn }, () => run), now)
    const offers = added.map(({ run: { id } }) => ({ id, rank: 0, needs: [], takes: [] }))
    const claimed = await engine.claim({
      owner: 'seed',
      now,
      lease_until: now,
      offers,
      pools: {},
      rates: { [queue]: { count: rate.limit, per_ms: milliseconds(rate.per) } }
    })
    await Promise.all(claimed.map(({ id, turn }) =>
      engine.settle({
        lease: { id, turn },
        outcome: { kind: 'completed', result: null },
        now
      })
    ))
  }
}

/** Stores the schedules unchanged. */
export async function seedSchedules (engine: Engine, { schedules, at }: ForecastInput): Promise<void> {
  if (schedules.length > 0) {
    await engine.plan(schedules.map(schedule => ({
      schedule,
      from: null,
      fires: [],
      overlap: 'skip' as const,
      now: at
    })))
  }
}

/** The engine, whose lists include the ended runs of the present state. Their ids belong to no simulated run: those are
 *  made from instants too, and an equal one would make an ended run look as if it had begun again. */
export function remembering (engine: Engine, { ended }: ForecastInput): Engine {
  if (ended.length === 0) return engine
  const byTask = Map.groupBy(ended.map(run => ({ ...run, id: `ended/${run.id}` })), ({ task }) => task)
  return {
    ...engine,
    list: async ask => {
      const page = await engine.list(ask)
      const past = ask.task === undefined || ask.state !== undefined ? [] : byTask.get(ask.task) ?? []
      return { ...page, items: [...page.items, ...past].slice(0, ask.limit) }
    }
  }
}

/** The engine, whose runs have the number of crashes of the real runs: suspects start one at a time. */
export function suspecting (
  engine: Engine,
  { running, waiting }: ForecastInput,
  ids: ReadonlyMap<string, string>
): Engine {
  const crashed = new Map([...running, ...waiting].flatMap(({ id, crashes }) => crashes > 0 ? [[id, crashes]] : []))
  if (crashed.size === 0) return engine
  const withCrashes = <R extends Run>(run: R): R => ({ ...run, crashes: crashed.get(ids.get(run.id) ?? '') ?? 0 })
  return {
    ...engine,
    due: async ask => {
      const due = await engine.due(ask)
      return { ...due, singles: due.singles.map(withCrashes) }
    },
    claim: async ask => (await engine.claim(ask)).map(withCrashes)
  }
}
