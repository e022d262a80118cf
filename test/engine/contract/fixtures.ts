import type { Test } from 'tap'
import type { Claimed, Engine, PlanAsk } from '../../../core/engine/engine.ts'
import type { Offer } from '../../../core/model/run/cohort.ts'
import type { DueRuns, ExpireAsk } from '../../../core/engine/engine.ts'
import { FINAL_STATES, PRIORITIES } from '../../../core/model/run/run.ts'
import type { NewRun, Run, State } from '../../../core/model/run/run.ts'
import type { Outcome } from '../../../core/model/run/outcome.ts'
import type { Schedule } from '../../../core/model/schedule/schedule.ts'

/** Returns an empty, started engine, which is stopped and removed at the end of the test. */
export type Setup = (t: Test) => Promise<Engine>

export const T0 = 1_700_000_000_000
export const BY_HAND = { code: 'by_hand', message: 'Requested by hand' }
export const BOOM = { name: 'Error', message: 'boom' }

export const ask = (more: Partial<NewRun> = {}): NewRun => ({
  task: 'a',
  queue: 'default',
  priority: 'normal',
  source: 'manual',
  due_at: T0,
  max_retries: 2,
  ...more
})

export const addOne = async (engine: Engine, more: Partial<NewRun> = {}, now = T0): Promise<Run> =>
  (await engine.add([ask(more)], now))[0]!.run

/** One offer for each due cohort and single run, ranked by priority. Each needs and takes a slot and a place of its
 *  task. */
export function offersOf ({ cohorts, singles }: Pick<DueRuns, 'cohorts' | 'singles'>, now: number): Offer[] {
  const pools = (task: string) => ({ needs: ['slots', `task/${task}`], takes: ['slots', `task/${task}`] })
  return [
    ...cohorts.map(({ count: _count, first: _first, ...cohort }): Offer => ({
      cohort: { ...cohort, from: 0, until: now },
      rank: PRIORITIES.indexOf(cohort.priority),
      ...pools(cohort.task)
    })),
    ...singles.map(({ id, task, priority }): Offer => ({ id, rank: PRIORITIES.indexOf(priority), ...pools(task) }))
  ]
}

export interface ClaimMore {
  now?: number
  limit?: number
  owner?: string
  tasks?: Record<string, number>
  lease?: number
}

/** Claims the due runs of some tasks in the order of priority, due time and id. */
export async function claimAll (engine: Engine, more: ClaimMore = {}): Promise<Claimed[]> {
  const { now = T0, limit = 100, owner = 'me', tasks = { a: 100, b: 100 }, lease = 30_000 } = more
  const { cohorts, singles } = await engine.due({ now, owner })
  const isOpen = ({ task }: { task: string }) => Object.hasOwn(tasks, task)
  const offers = offersOf({ cohorts: cohorts.filter(isOpen), singles: singles.filter(isOpen) }, now)
  const pools = {
    slots: limit,
    ...Object.fromEntries(Object.entries(tasks).map(([task, many]) => [`task/${task}`, many]))
  }
  return await engine.claim({ owner, now, lease_until: now + lease, offers, pools })
}

/** Removes the owner, and expires the leases of its runs. */
export async function crash (engine: Engine, more: Partial<ExpireAsk & { owner: string }> = {}) {
  const { owner = 'me', ...rest } = more
  await engine.leave({ owner })
  return await engine.expire({ now: T0 + 10, restart: 'restart', crash_cap: 3, ...rest })
}

export const settleAs = (engine: Engine, { id, turn }: Pick<Run, 'id' | 'turn'>, outcome: Outcome, now = T0) =>
  engine.settle({ lease: { id, turn }, outcome, now })

export const OUTCOMES: Record<string, Outcome> = {
  completed: { kind: 'completed', result: { n: 1 } },
  failed: { kind: 'failed', error: BOOM, retry_at: null },
  cancelled: { kind: 'cancelled', reason: BY_HAND },
  skipped: { kind: 'skipped', reason: BY_HAND }
}

/** Adds a run and brings it into the state with calls of the engine. */
export async function runIn (engine: Engine, state: Exclude<State, 'blocked'>): Promise<Run> {
  const added = await addOne(engine)
  if (state === 'queued') return added
  const run = (await claimAll(engine)).find(({ id }) => id === added.id)!
  if (state === 'running') return (await engine.list({ task: 'a', state: ['running'], limit: 1 })).items[0]!
  return (await settleAs(engine, run, OUTCOMES[state]!))!
}

export const REACHABLE = ['queued', 'running', ...FINAL_STATES] as const

export const schedule = (more: Partial<Schedule> = {}): Schedule => ({
  id: 'a',
  task: 'a',
  origin: 'file',
  trigger: 'cron',
  trigger_args: { minute: 0 },
  timezone: 'UTC',
  payload: null,
  anchor: T0,
  cursor: T0,
  nominal_at: T0 + 1000,
  next_at: T0 + 1000,
  created_at: T0,
  created_by: 'me',
  ...more
})

export const fire = (at: number, more: Partial<NewRun> = {}) =>
  ask({ source: 'schedule', schedule: 'a', key: `@${at}`, due_at: at, nominal_at: at, ...more })

export const planAsk = (more: Partial<PlanAsk> = {}): PlanAsk => ({
  schedule: schedule(),
  from: null,
  fires: [],
  overlap: 'allow',
  now: T0,
  ...more
})
