import type { Test } from 'tap'
import type { Engine } from '../../../core/engine/engine.ts'
import type { NewRun } from '../../../core/model/run/run.ts'
import { T0, BY_HAND, addOne, claimAll, runIn } from './ground.ts'
import type { Setup } from './ground.ts'

const keyed = (engine: Engine, more: Partial<NewRun>) => addOne(engine, { key: 'k', ...more })

/** Queues, and who waits in them. */
export async function lining (t: Test, setup: Setup) {
  t.test('queues tell what waits and runs, and since when the oldest is due at whatever priority', async t => {
    const engine = await setup(t)
    t.same(await engine.queues({ now: T0 }), [])
    await runIn(engine, 'running')
    await addOne(engine, { priority: 'high', due_at: T0 - 5 })
    const old = await addOne(engine, { priority: 'low', due_at: T0 - 60 })
    await addOne(engine, { task: 'b', due_at: T0 - 7 })
    await addOne(engine, { queue: 'q', due_at: T0 + 9 })
    await addOne(engine, { queue: 'q', after: [{ run: old.id, condition: 'done' }], due_at: T0 - 99 })
    t.same(await engine.queues({ now: T0 }), [
      { queue: 'default', blocked: 0, queued: 3, running: 1, oldest: T0 - 60 }, { queue: 'q', blocked: 1, queued: 1, running: 0, oldest: null }
    ])
    t.same(await engine.queues({ names: ['q', 'nobody'] }), [{ queue: 'q', blocked: 1, queued: 1, running: 0, oldest: null }])
    t.match(await engine.queues({ now: T0 + 9, names: ['q'] }), [{ oldest: T0 + 9 }])
    await claimAll(engine)
    t.match(await engine.queues({ now: T0 }), [{ queued: 0, running: 4, oldest: null }, {}])
  })
  t.test('the oldest that wait are skipped until as many are left as were said, and their dependents with them', async t => {
    const engine = await setup(t)
    const [running, first, second] = [await runIn(engine, 'running'), await addOne(engine, { priority: 'high' }), await addOne(engine, { task: 'b', due_at: T0 + 9 })]
    const blocked = await addOne(engine, { after: [{ run: running.id, condition: 'done' }] })
    const last = await addOne(engine, { priority: 'low' })
    const follower = await addOne(engine, { queue: 'q', after: [{ run: first.id, condition: 'completed' }] })
    const thin = (most: number) => engine.thin({ queue: 'default', most, now: T0 + 1, reason: BY_HAND })
    t.same(await thin(4), [])
    t.match(await thin(2), [{ id: first.id, state: 'skipped', reason: BY_HAND, finished_at: T0 + 1 }, { id: second.id, state: 'skipped' }])
    t.match(await engine.get(follower.id), { state: 'skipped', reason: { code: 'dependency_failed' } })
    t.match(await thin(0), [{ id: blocked.id }, { id: last.id }])
    t.equal((await engine.get(running.id))!.state, 'running')
  })
  t.test('of those that wait the one that was asked for first is skipped first, whenever it is due and whoever asked', async t => {
    const engine = await setup(t)
    const cause = await addOne(engine, { queue: 'q' })
    const after = [{ run: cause.id, condition: 'done' as const }]
    const ids: string[] = []
    for (const more of [{ due_at: T0 + 9 }, { after, source: 'schedule' as const }, { due_at: T0 + 5, source: 'task' as const }, { after }, { due_at: T0 }]) {
      ids.push((await addOne(engine, more)).id)
    }
    for (const most of [4, 3, 2, 1, 0]) {
      t.same((await engine.thin({ queue: 'default', most, now: T0, reason: BY_HAND })).map(({ id }) => id), [ids[4 - most]])
    }
  })
  t.test('who holds a key is told, as long as it is its own', async t => {
    const engine = await setup(t)
    const holder = async (now = T0, task = 'a') => (await engine.holder({ task, key: 'k', now }))?.id ?? null
    t.equal(await holder(), null)
    const timed = await keyed(engine, { unique: { until: 60, conflict: 'return' } })
    t.same([await holder(), await holder(T0 + 59), await holder(T0 + 60), await holder(T0, 'b')], [timed.id, timed.id, null, null])
    const queued = await keyed(engine, { task: 'b', unique: { until: 'started', conflict: 'return' } })
    t.equal(await holder(T0, 'b'), queued.id)
    await claimAll(engine)
    t.equal(await holder(T0, 'b'), null)
  })
}
