import { setImmediate } from 'node:timers/promises'
import { SECOND } from '../../model/base/duration.ts'
import { deadlineFor } from '../../model/conditions/relaxation.ts'
import { emptyHistogram } from '../../model/machine/activity.ts'
import { forecastTooLarge } from '../../model/errors/request-errors.ts'
import { smoothed } from '../../model/machine/hysteresis.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Histogram } from '../../model/machine/activity.ts'
import type { Planner } from './planner.ts'
import type { PlainTask, ForecastInput, Took } from '../../model/forecast/forecast.ts'
import type { Run } from '../../model/run/run.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Task } from '../../model/task/task.ts'

export interface ForecastInputOptions {
  engine: Engine
  clock: Clock
  config: () => Config
  conditions: LiveConditions
  planner: () => Planner
  tasks: () => ReadonlyMap<string, Task>
  activity: () => Histogram
}

const RECENT = 50
const PAGE = 200
/** At most this many waiting runs are read. */
const MOST_WAITING = 5000
const FACTS = ['pause/', 'breaker/']
/** How long the durations of runs are cached, ms. For a task with few runs they are read again after each completed
 *  run. */
const CACHED_FOR = 60 * SECOND

/** The durations of finished runs, in any order; null when there are none. */
export function tookOf (runs: readonly Pick<Run, 'started_at' | 'finished_at'>[]): Took | null {
  const times = runs.flatMap(({
    started_at: from,
    finished_at: to
  }) => from === null || to === null ? [] : [to - from]).toSorted((a, b) => a - b)
  if (times.length === 0) return null
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))]!
  return { p50: at(0.5), p90: at(0.9), most: times.at(-1)!, runs: times.length }
}

interface Learned {
  took: Took | null
  at: number
  completed: number
}

const learned = new WeakMap<Engine, Map<string, Learned>>()

/** Reads one task after the other and lets the event loop turn in between: a list takes a fraction of a millisecond,
 *  and there may be a thousand tasks. */
async function tookBy (
  tasks: Iterable<string>,
  { engine, clock }: ForecastInputOptions
): Promise<Record<string, Took>> {
  const known = learned.getOrInsertComputed(engine, () => new Map())
  const found: Record<string, Took> = {}
  const counts = new Map((await engine.count()).map(({ task, states }) => [task, states.completed]))
  const isOld = ({ at, took, completed }: Learned, now: number): boolean =>
    Math.abs(clock.now() - at) > CACHED_FOR || ((took?.runs ?? 0) < RECENT && completed !== now)
  for (const task of tasks) {
    const completed = counts.get(task) ?? 0
    let one = known.get(task)
    if (one === undefined || isOld(one, completed)) {
      await setImmediate()
      const { items } = await engine.list({ task, state: ['completed'], limit: RECENT })
      one = { took: tookOf(items), at: clock.now(), completed }
      known.set(task, one)
    }
    if (one.took !== null) found[task] = one.took
  }
  return found
}

async function open (engine: Engine): Promise<Run[]> {
  const found: Run[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await engine.list({
      state: ['queued', 'blocked', 'running'],
      limit: PAGE,
      ...cursor !== undefined && { cursor }
    })
    found.push(...page.items)
    cursor = page.next
    if (found.length > MOST_WAITING) {
      throw forecastTooLarge({
        message: `More than ${MOST_WAITING} runs wait, which is the most that a forecast handles`,
        fix: 'Try again when fewer runs wait.'
      })
    }
    await setImmediate()
  }
  return found.toReversed()
}

async function withAfter (run: Run, engine: Engine): Promise<ForecastInput['waiting'][number]> {
  return { ...run, after: run.state === 'blocked' ? (await engine.get(run.id))?.after ?? [] : [] }
}

async function endedOf (tasks: ReadonlyMap<string, Task>, engine: Engine): Promise<Run[]> {
  const wanted = new Set([...tasks.values()].flatMap(({ depends_on: all }) => all.map(({ task }) => task)))
  const pages = await Promise.all([...wanted].map(task => engine.list({ task, limit: RECENT })))
  return pages.flatMap(({ items }) => items.filter(({ finished_at: at }) => at !== null))
}

function plain (task: Task): PlainTask {
  const { work: _, ...rest } = task
  return rest
}

/** A run of a task as if it were requested now. */
export const askedNow = (task: Task, now: number): Run => ({
  id: `asked/${task.id}`,
  task: task.id,
  queue: task.queue,
  priority: task.priority,
  state: 'queued',
  source: 'manual',
  schedule: null,
  key: null,
  key_until: null,
  due_at: now,
  nominal_at: now,
  created_at: now,
  deadline_at: deadlineFor(task, now, now).deadline_at ?? null,
  started_at: null,
  finished_at: null,
  moved: null,
  attempt: 0,
  max_retries: task.max_retries,
  turn: 0,
  crashes: 0,
  missed: 0,
  preempted: 0,
  now: false,
  single: false,
  owner: null,
  lease_until: null,
  cancel: null,
  reason: null,
  error: null,
  warning: null,
  progress: null,
  child: null
})

/** The current state as plain data: the input of a forecast. Throws OFFPEAK_FORECAST_TOO_LARGE. */
export async function forecastInput (options: ForecastInputOptions): Promise<ForecastInput> {
  const { engine, clock, config, conditions, planner, tasks, activity } = options
  const took = await tookBy(tasks().keys(), options)
  const ended = await endedOf(tasks(), engine)
  const facts = (await Promise.all(FACTS.map(prefix => engine.kept({ prefix })))).flat().map(({ name, value }) => ({
    name,
    value
  }))
  const runs = await open(engine)
  const waiting = await Promise.all(runs.filter(({ state }) => state !== 'running').map(run => withAfter(run, engine)))
  const { reading, hysteresis, pauses, trials } = conditions.current
  const { rates } = await engine.due({ now: clock.now(), owner: '' })
  return {
    at: clock.now(),
    config: config(),
    tasks: Array.from(tasks().values(), plain),
    schedules: planner().schedules,
    waiting,
    running: runs.filter(({ state }) => state === 'running'),
    ended,
    pauses: [...pauses],
    trials,
    facts,
    rates,
    reading: hysteresis === null ? reading : smoothed(reading, hysteresis),
    hysteresis,
    activity: activity() ?? emptyHistogram(),
    took
  }
}
