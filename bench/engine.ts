import { NO_DEADLINE } from '../core/model/run/cohort.ts'
import { createSqliteEngine } from '../core/engine/sqlite/keeper.ts'
import type { ClaimAsk, Engine } from '../core/engine/engine.ts'
import type { NewRun } from '../core/model/run/run.ts'
import type { Ask } from './contest.ts'
import type { Row } from './row.ts'
import { FULL } from './peers/queue.ts'
import { PAYLOAD, SLOTS, withFolder } from './place.ts'
import { contest, rateOf } from './contest.ts'

const ask = (now: number): NewRun => ({
  task: 'bench',
  queue: 'default',
  priority: 'normal',
  source: 'manual',
  due_at: now,
  max_retries: 0,
  payload: PAYLOAD
})

async function add (engine: Engine, count: number) {
  const now = Date.now()
  await engine.add(Array.from({ length: count }, () => ask(now)), now)
}

/** A claim of up to `limit` due runs, as of a runner with `limit` free slots. */
export function claimOf (limit: number): ClaimAsk {
  const now = Date.now()
  const cohort = {
    task: 'bench',
    queue: 'default',
    priority: 'normal',
    span: NO_DEADLINE,
    scheduled: false,
    from: 0,
    until: now
  } as const
  const offer = { cohort, rank: 2, needs: ['slots'], takes: ['slots'] }
  return { owner: 'bench', now, lease_until: now + 60_000, limit, offers: [offer], pools: { slots: limit } }
}

const timed = async (name: string, count: number, work: () => Promise<unknown>): Promise<Row> => ({
  group: 'engine',
  name,
  unit: '/s',
  value: await rateOf(count, work),
  durability: FULL
})

async function addOneByOne (engine: Engine, count: number) {
  for (let index = 0; index < count; index++) await add(engine, 1)
}

async function addConcurrently (engine: Engine, count: number, callers: number) {
  await Promise.all(Array.from({ length: callers }, () => addOneByOne(engine, count / callers)))
}

export async function addInBulk (engine: Engine, count: number, size: number) {
  for (let index = 0; index < count; index += size) await add(engine, size)
}

/** Settlements that may be on their way to the disk while the slots work on. */
const UNSETTLED = 10 * SLOTS

/** Claims while it settles, as a runner does, until nothing is due or `most` are done: a slot is free as soon as its
 *  work has ended. */
export async function drain (engine: Engine, slots: number, most = Infinity) {
  const take = () => engine.claim(claimOf(slots))
  const settled: Promise<unknown>[] = []
  let done = 0
  for (let runs = await take(); runs.length > 0; runs = done < most ? await take() : []) {
    done += runs.length
    for (const { id, turn } of runs) {
      settled.push(
        engine.settle({ lease: { id, turn }, outcome: { kind: 'completed', result: null }, now: Date.now() })
      )
    }
    if (settled.length >= UNSETTLED) await Promise.all(settled.splice(0, settled.length - UNSETTLED + slots))
  }
  await Promise.all(settled)
}

const own = ({ small }: Ask): Promise<Row[]> =>
  withFolder(async folder => {
    const engine = createSqliteEngine({ folder })
    const scale = small ? 0.1 : 10
    try {
      await engine.start()
      const rows = [
        await timed('add, 1 caller', 500 * scale, () => addOneByOne(engine, 500 * scale)),
        await timed('add, 1,000 callers', 10_000 * scale, () => addConcurrently(engine, 10_000 * scale, 1000)),
        await timed('add, 1,000 at a time', 10_000 * scale, () => addInBulk(engine, 10_000 * scale, 1000))
      ]
      const waiting = 20_500 * scale
      return [...rows, await timed(`drain, ${SLOTS} slots`, waiting, () => drain(engine, SLOTS))]
    } finally {
      await engine.stop()
    }
  })

/** The engine alone; each call resolves once it is durable. `add` and `drain` measure the whole product. */
export const contenders = [{ name: 'offpeak', run: own }]
export const run = contest(contenders)
