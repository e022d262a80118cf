import type { Test } from 'tap'
import { MINUTE, SECOND } from '../../../core/model/base/duration.ts'
import type { NewRun, Run } from '../../../core/model/run/run.ts'
import { BY_HAND, T0, ask, crash } from './fixtures.ts'
import type { Setup } from './fixtures.ts'
import { Suite } from './suite.ts'
import { cohort, offer, claim } from './offer-fixtures.ts'

/** Offers, and the runs that a claim takes from them. */
export const offers = new Suite()

const filled = async (t: Test, setup: Setup, ...runs: Partial<NewRun>[]) => {
  const engine = await setup(t)
  const ids = (await engine.add(runs.map(more => ask(more)), T0)).map(({ run }) => run.id)
  return { engine, places: (claimed: readonly Pick<Run, 'id'>[]) => claimed.map(({ id }) => ids.indexOf(id)), ids }
}

offers.test('a claim takes only offered runs: a cohort within its range, a single run by its id', async (t, setup) => {
  const { engine, places, ids } = await filled(t, setup, {}, { due_at: T0 + 9 }, { due_at: T0 + 20 }, {
    priority: 'high'
  }, {
    queue: 'q'
  }, { source: 'schedule' }, { single: true }, { single: true }, { deadline_at: T0 + 99 })
  t.same(places(await claim(engine, [offer({ cohort: cohort({ from: T0 + 9, until: T0 + 9 }) })])), [1])
  t.same(places(await claim(engine, [offer({ cohort: cohort({ span: 99 }) })])), [8])
  t.same(places(await claim(engine, [offer({ id: ids[7]! })])), [7])
  t.same(places(await claim(engine, [offer({ cohort: cohort({ scheduled: true }) })])), [5])
  t.same(places(await claim(engine, [offer({ cohort: cohort() })])), [0, 2],
    'not of another queue or priority, and not a single run')
  t.same(places(await claim(engine, [offer({ cohort: cohort({ queue: 'q' }) }), offer({ id: ids[3]! })])), [3, 4])
})

offers.test('runs that are not queued, not due or out of range are not claimed', async (t, setup) => {
  const { engine, places, ids } = await filled(t, setup, {}, { due_at: T0 + 9 }, { single: true, due_at: T0 + 9 })
  t.same(await claim(engine, [offer({ cohort: cohort({ from: T0 + 1 }) }), offer({ id: ids[2]! })], { now: T0 + 8 }),
    [])
  await engine.cancel({ id: ids[0]!, reason: BY_HAND, now: T0 })
  t.same(
    await claim(engine, [offer({ id: ids[0]! }), offer({ id: 'nobody' }), offer({ cohort: cohort({ task: 'x' }) })]),
    []
  )
  t.same(
    places(
      await claim(engine, [offer({ id: ids[2]! }), offer({ id: ids[2]! }), offer({ cohort: cohort() }),
        offer({ cohort: cohort() })])
    ),
    [1, 2],
    'no run is claimed twice'
  )
})

offers.test('claims are in the order of rank, due time and id, and each names its offer', async (t, setup) => {
  const { engine, places, ids } = await filled(t, setup, { due_at: T0 + 3 }, {}, {}, { single: true, due_at: T0 + 2 }, {
    task: 'b',
    due_at: T0 + 1
  }, { task: 'b' })
  const claimed = await claim(engine, [offer({ cohort: cohort(), rank: 1 }), offer({ id: ids[3]!, rank: 1 }),
    offer({ cohort: cohort({ task: 'b' }), rank: 0.5 })])
  t.same(places(claimed), [5, 4, 1, 2, 3, 0])
  t.same(claimed.map(({ offer: index }) => index), [2, 2, 0, 0, 1, 0])
})

offers.test('a claim needs room in each needed pool and takes one from each taken pool, even an empty one',
  async (t, setup) => {
    const { engine, places } = await filled(t, setup, ...Array.from({ length: 4 }, () => ({})),
      ...Array.from({ length: 4 }, () => ({ task: 'b' })))
    const [a, b] = [cohort(), cohort({ task: 'b' })]
    t.same(
      places(
        await claim(engine, [offer({ cohort: a, needs: ['slots', 'a'], takes: ['slots', 'a'] }),
          offer({ cohort: b, rank: 1, needs: ['slots'], takes: ['slots', 'b'] })], { pools: { slots: 3, a: 1, b: 0 } })
      ),
      [0, 4, 5]
    )
    t.same(
      places(
        await claim(engine, [offer({ cohort: a, needs: ['x', 'unlimited'], takes: ['y'] }),
          offer({ cohort: b, rank: 1, needs: ['y'], takes: ['y'] })], { pools: { x: 1, y: 2 } })
      ),
      [1, 2, 3],
      'an offer takes from a pool that it does not need'
    )
    t.same(places(await claim(engine, [offer({ cohort: b })], { limit: 1 })), [6])
    t.same(await claim(engine, [offer({ cohort: b })], { limit: 0 }), [])
  })

offers.test('a hundred runs of ten offers are claimed in one order [F41]', async (t, setup) => {
  const { engine, places } = await filled(t, setup,
    ...Array.from({ length: 100 }, (_, place) => ({ queue: `q${place % 10}`, due_at: T0 + (place * 37) % 50 })))
  const all = (await engine.list({ limit: 100 })).items.toSorted((x, y) =>
    x.due_at - y.due_at || (x.id < y.id ? -1 : 1)
  )
  const offers = Array.from({ length: 10 },
    (_, place) => offer({ cohort: cohort({ queue: `q${place}` }), needs: ['slots'], takes: ['slots'] }))
  const claimed = [...await claim(engine, offers, { pools: { slots: 37 } }),
    ...await claim(engine, offers.toReversed(), { pools: { slots: 99 } })]
  t.same(places(claimed), places(all))
})

offers.test('the pools of tasks, queues and locks count the runs of other owners in the same transaction',
  async (t, setup) => {
    const { engine, places } = await filled(t, setup, ...Array.from({ length: 6 }, () => ({})))
    const one = (pools: Record<string, number>, locks: string[] = []) =>
      offer({ cohort: cohort(), needs: Object.keys(pools), takes: Object.keys(pools), locks })
    const take = (owner: string, pools: Record<string, number>, locks?: string[]) =>
      claim(engine, [one(pools, locks)], { owner, pools, limit: 1 })
    const [first, second] = await Promise.all([take('me', { 'task/a': 1 }), take('you', { 'task/a': 1 })])
    t.same([places(first), places(second)], [[0], []], 'the second claim sees the runs of the first')
    t.same(places(await take('me', { 'task/a': 1 })), [1], 'an owner subtracts its own runs itself')
    t.same(places(await take('you', { 'task/a': 3 })), [2])
    t.same(places(await take('you', { 'queue/default': 2 })), [])
    t.same(places(await take('me', { slots: 1, 'lock/db': 1 }, ['db'])), [3])
    t.same(places(await take('you', { 'lock/db': 1 }, ['db'])), [])
    t.match((await engine.due({ now: T0 + MINUTE, owner: 'you' })).others, {
      tasks: { a: 3 },
      queues: { default: 3 },
      locks: { db: /./ }
    })
    t.match((await engine.due({ now: T0 + MINUTE, owner: 'me' })).others, { tasks: { a: 1 }, locks: {} })
    await crash(engine, { now: T0 + MINUTE })
    t.match((await engine.due({ now: T0 + MINUTE, owner: 'you' })).others, { tasks: {}, queues: {}, locks: {} })
  })

offers.test('each run of another owner takes one from the pool `nobody` in the same transaction', async (t, setup) => {
  const { engine, places } = await filled(t, setup, {}, {}, {})
  const take = async (owner: string, name: string) =>
    places(
      await claim(engine, [offer({ cohort: cohort(), needs: [name], takes: [name] })], {
        owner,
        pools: { [name]: 1 },
        limit: 1
      })
    )
  t.same(await Promise.all([take('me', 'slots'), take('you', 'nobody')]), [[0], []])
  t.same(await take('me', 'nobody'), [1], 'an owner subtracts its own runs itself')
  await crash(engine, { now: T0 + MINUTE })
  t.equal((await take('you', 'nobody')).length, 1)
})

offers.test('a rate allows a burst, then evenly spaced starts, for all owners and across a restart',
  async (t, setup) => {
    const { engine, places } = await filled(t, setup, ...Array.from({ length: 9 }, () => ({})))
    const rates = { default: { count: 2, per_ms: 10 * SECOND } }
    const take = async (at: number, owner = 'me') =>
      places(await claim(engine, [offer({ cohort: cohort() })], { owner, now: T0 + at, rates }))
    t.same([await take(0), await take(0, 'you'), await take(4999)], [[0, 1], [], []])
    t.same(await take(5000), [2])
    await engine.stop()
    await engine.start()
    t.match((await engine.due({ now: T0, owner: 'me' })).rates, { default: { at: T0 + 5000 } })
    t.same(await take(5000), [])
    t.same(await take(60_000), [3, 4])
  })

offers.test('a claimed run that never began is returned to its rate', async (t, setup) => {
  const { engine } = await filled(t, setup, {}, {}, {})
  const rates = { default: { count: 1, per_ms: MINUTE } }
  const take = () => claim(engine, [offer({ cohort: cohort() })], { now: T0, rates })
  const [run] = await take()
  t.same(await take(), [])
  await engine.settle({
    lease: run!,
    now: T0,
    outcome: { kind: 'postponed', reason: BY_HAND, due_at: T0 },
    begun: false
  })
  t.equal((await take()).length, 1)
  t.same(await take(), [])
})
