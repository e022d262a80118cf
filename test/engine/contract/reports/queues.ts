import { T0, addOne, claimAll, runIn } from '../fixtures.ts'
import { Suite } from '../suite.ts'

/** Queues and their waiting runs. */
export const queues = new Suite()

queues.test('queues returns the waiting and running runs, and the due time of the oldest of any priority',
  async (t, setup) => {
    const engine = await setup(t)
    t.same(await engine.queues({ now: T0 }), [])
    await runIn(engine, 'running')
    await addOne(engine, { priority: 'high', due_at: T0 - 5 })
    const old = await addOne(engine, { priority: 'low', due_at: T0 - 60 })
    await addOne(engine, { task: 'b', due_at: T0 - 7 })
    await addOne(engine, { queue: 'q', due_at: T0 + 9 })
    await addOne(engine, { queue: 'q', after: [{ run: old.id, condition: 'done' }], due_at: T0 - 99 })
    t.same(await engine.queues({ now: T0 }), [
      { queue: 'default', blocked: 0, queued: 3, running: 1, oldest: T0 - 60 },
      { queue: 'q', blocked: 1, queued: 1, running: 0, oldest: null }
    ])
    t.same(await engine.queues({ names: ['q', 'nobody'] }), [{
      queue: 'q',
      blocked: 1,
      queued: 1,
      running: 0,
      oldest: null
    }])
    t.match(await engine.queues({ now: T0 + 9, names: ['q'] }), [{ oldest: T0 + 9 }])
    await claimAll(engine)
    t.match(await engine.queues({ now: T0 }), [{ queued: 0, running: 4, oldest: null }, {}])
  })
