import t from 'tap'
import type { Test } from 'tap'
import type { SweepAsk } from '../../core/engine/engine.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { SOURCES } from '../../core/model/run/run.ts'
import { T0, ask } from './contract/fixtures.ts'
import { folderOf } from './process.ts'

const GONE = { code: 'overlap', message: 'it ran' }

/** Finished runs of each task, added in turn. */
async function setup (t: Test, counts: Record<string, number>) {
  const engine = createSqliteEngine({ folder: folderOf(t), synchronous: 'off' })
  t.teardown(() => engine.stop())
  await engine.start()
  for (let turn = 0; turn < Math.max(...Object.values(counts)); turn++) {
    const due = Object.keys(counts).filter(task => turn < counts[task]!)
    await engine.add(due.map(task => ask({ task, skipped: GONE })), T0 + turn)
  }
  const sweep = (more: Partial<SweepAsk>) =>
    engine.sweep({ now: T0 + 1e6, before: T0 + 1e6, keep: 1e6, limit: 10, ...more })
  const left = async () => Object.fromEntries((await engine.count()).map(({ task, states }) => [task, states.skipped]))
  const newest = async (task: string) =>
    (await engine.list({ task, limit: 100 })).items.map(({ created_at: at }) => at - T0)
  return { sweep, left, newest }
}

t.test('a slice removes the same number of the oldest runs of each task', async t => {
  const { sweep, left, newest } = await setup(t, { a: 8, b: 8 })
  t.equal(await sweep({ limit: 10 }), 10)
  t.strictSame(await left(), { a: 3, b: 3 })
  t.strictSame(await newest('a'), [7, 6, 5])
})

t.test('a slice removes more runs of other tasks when one task has too few', async t => {
  const { sweep, left } = await setup(t, { a: 2, b: 25, c: 9 })
  t.equal(await sweep({ limit: 20 }), 20)
  t.equal(Object.values(await left()).reduce((sum, count) => sum + count, 0), 16)
  t.equal(await sweep({ limit: 20 }), 16)
  t.equal(await sweep({ limit: 20 }), 0)
})

t.test('the newest runs of each task are kept, however many the others have', async t => {
  const { sweep, left, newest } = await setup(t, { a: 3, b: 30, c: 6 })
  for (const removed of [10, 10, 8, 0]) t.equal(await sweep({ before: 0, keep: 4 }), removed)
  t.strictSame(await left(), { a: 3, b: 4, c: 4 })
  t.strictSame(await newest('b'), [29, 28, 27, 26])
})

t.test('the oldest runs of a task are removed first, whatever their source', async t => {
  const engine = createSqliteEngine({ folder: folderOf(t), synchronous: 'off' })
  t.teardown(() => engine.stop())
  await engine.start()
  for (let turn = 0; turn < 12; turn++) {
    await engine.add([ask({ source: SOURCES[turn * 3 % SOURCES.length]!, skipped: GONE })], T0 + turn)
  }
  const left = async () => (await engine.list({ limit: 100 })).items.map(({ created_at: at }) => at - T0)
  t.equal(await engine.sweep({ now: T0 + 1e6, before: T0 + 1e6, keep: 1e6, limit: 7 }), 7)
  t.strictSame(await left(), [11, 10, 9, 8, 7])
  t.equal(await engine.sweep({ now: T0 + 1e6, before: T0 + 9, keep: 1e6, limit: 7 }), 2)
  t.strictSame(await left(), [11, 10, 9])
})
