import type { Ask } from './contest.ts'
import type { Engine } from '../core/engine/engine.ts'
import type { ListAsk } from '../core/engine/reports.ts'
import type { Row } from './row.ts'
import { addInBulk, claimOf, drain } from './engine.ts'
import { contest, rateOf } from './contest.ts'
import { createSqliteEngine } from '../core/engine/sqlite/keeper.ts'
import { quantile } from './row.ts'
import { SLOTS, withFolder } from './place.ts'

const GROUP = 'big'
const SAMPLE = 'claim and settle'
const SLICE = 500
const BATCH = 1000

interface Size {
  finished: number
  queued: number
  sample: number
  pages: number
  slices: number
}

const sizeOf = ({ small }: Ask): Size =>
  small
    ? { finished: 300, queued: 300, sample: 100, pages: 3, slices: 2 }
    : { finished: 10_000_000, queued: 1_000_000, sample: 20_000, pages: 50, slices: 50 }

/** Adds finished runs, each with an attempt and a result. */
async function finish (engine: Engine, count: number): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) {
    const limit = Math.min(BATCH, left)
    await addInBulk(engine, limit, limit)
    const runs = await engine.claim(claimOf(limit))
    await Promise.all(
      runs.map(({ id, turn }) =>
        engine.settle({ lease: { id, turn }, outcome: { kind: 'completed', result: null }, now: Date.now() })
      )
    )
  }
}

/** Runs claimed and settled per second, of runs added to those that wait. */
async function throughput (engine: Engine, count: number): Promise<number> {
  await addInBulk(engine, count, Math.min(BATCH, count))
  return await rateOf(count, () => drain(engine, SLOTS, count))
}

const pagesAt = (now: number): [string, ListAsk][] => [
  ['newest of all', { limit: 50 }],
  ['newest done of a task', { task: 'bench', state: ['completed'], limit: 50 }],
  ['failed, of which there are none', { state: ['failed'], limit: 50 }],
  ['waiting and due', { due_by: now + 60_000, limit: 50 }],
  ['by who asked', { source: 'manual', limit: 50 }],
  ['waiting, by a source that none of them has', { state: ['queued'], source: 'schedule', limit: 50 }],
  ['done, by a source that all of them have', { state: ['completed'], source: 'manual', limit: 50 }],
  ['since an hour', { from: now - 3_600_000, state: ['completed'], limit: 50 }],
  ['of a queue', { queue: 'default', state: ['queued', 'completed'], limit: 50 }]
]

/** Reads pages from the newest run on; returns the duration of the slowest, ms. */
async function slowestPage (engine: Engine, ask: ListAsk, pages: number): Promise<number> {
  const times: number[] = []
  let cursor: string | null = null
  for (let page = 0; page < pages; page++) {
    const begun = performance.now()
    const { next } = await engine.list(cursor === null ? ask : { ...ask, cursor })
    times.push(performance.now() - begun)
    cursor = next
  }
  return Math.max(...times)
}

/** Claims of one run while old runs are removed slice by slice, ms each. */
async function claimsWhileSweeping (engine: Engine, slices: number): Promise<number[]> {
  const times: number[] = []
  for (let slice = 0; slice < slices; slice++) {
    const now = Date.now()
    const swept = engine.sweep({ now, before: now + 60_000, keep: 1_000_000_000, limit: SLICE })
    await new Promise<void>(resolve => {
      setImmediate(resolve)
    })
    const begun = performance.now()
    const [run] = await engine.claim(claimOf(1))
    times.push(performance.now() - begun)
    if (run) {
      await engine.settle({ lease: { id: run.id, turn: run.turn }, outcome: { kind: 'completed', result: null }, now })
    }
    await swept
  }
  return times
}

const words = (count: number) => count.toLocaleString('en')

async function measure (engine: Engine, size: Size): Promise<Row[]> {
  await throughput(engine, size.sample)
  const empty = await throughput(engine, size.sample)
  const filling = await rateOf(size.finished, () => finish(engine, size.finished))
  await addInBulk(engine, size.queued, Math.min(BATCH, size.queued))
  const full = await throughput(engine, size.sample)
  const rows: Row[] = [
    { group: GROUP, name: `empty: ${SAMPLE}`, unit: '/s', value: empty },
    { group: GROUP, name: `filling: add, claim and settle ${BATCH} at a time`, unit: '/s', value: filling },
    {
      group: GROUP,
      name: `full: ${SAMPLE}`,
      unit: '/s',
      value: full,
      ratio_to: `empty: ${SAMPLE}`,
      target: { of: 'ratio', least: 0.8 },
      note: `${words(size.queued)} wait, ${words(size.finished)} are over`
    }
  ]
  for (const [name, ask] of pagesAt(Date.now())) {
    rows.push({
      group: GROUP,
      name: `full: slowest page, ${name}`,
      unit: 'ms',
      value: await slowestPage(engine, ask, size.pages),
      target: { of: 'value', most: 20 }
    })
  }
  const claims = await claimsWhileSweeping(engine, size.slices)
  rows.push({
    group: GROUP,
    name: 'full: slowest claim while a slice is removed',
    unit: 'ms',
    value: Math.max(...claims),
    target: { of: 'value', most: 10 },
    note: `half of them took ${quantile(claims, 0.5).toFixed(2)} ms; ${SLICE} runs are removed at a time`
  })
  return rows
}

const own = (ask: Ask): Promise<Row[]> =>
  withFolder(async folder => {
    const engine = createSqliteEngine({ folder })
    await engine.start()
    try {
      return await measure(engine, sizeOf(ask))
    } finally {
      await engine.stop()
    }
  })

/** The engine with large tables: a million waiting runs, ten million finished ones. */
export const contenders = [{ name: 'offpeak', run: own }]
export const rounds = 1
export const run = contest(contenders)
