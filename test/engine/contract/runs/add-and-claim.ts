import { NO_DEADLINE } from '../../../../core/model/run/cohort.ts'
import { T0, BY_HAND, ask, addOne, claimAll, settleAs, OUTCOMES } from '../fixtures.ts'
import { Suite } from '../suite.ts'

/** Adding runs. */
export const additions = new Suite()

additions.test('add and get return a run as it was requested', async (t, setup) => {
  const engine = await setup(t)
  const run = await addOne(engine, {
    due_at: T0 + 5,
    nominal_at: T0 + 3,
    key: 'k',
    priority: 'high',
    payload: { deep: [1, 'ü', null] },
    missed: 2
  })
  t.match(run, {
    task: 'a',
    queue: 'default',
    priority: 'high',
    state: 'queued',
    source: 'manual',
    key: 'k',
    due_at: T0 + 5,
    nominal_at: T0 + 3,
    attempt: 0,
    turn: 0,
    crashes: 0,
    missed: 2,
    created_at: T0
  })
  t.same(await engine.get(run.id), {
    ...run,
    payload: { deep: [1, 'ü', null] },
    result: null,
    attempts: [],
    holds: [],
    after: [],
    checkpoint: null,
    used: null
  })
})

additions.test('an equal task and key returns the same run, also within one call and after its end',
  async (t, setup) => {
    const engine = await setup(t)
    const [first, second, other] = await engine.add([ask({ key: 'k' }), ask({ key: 'k', priority: 'low' }),
      ask({ key: 'k', task: 'b' })], T0)
    t.same([first!.created, second!.created, other!.created], [true, false, true])
    t.equal(second!.run.id, first!.run.id)
    t.equal(second!.run.priority, 'normal')
    await settleAs(engine, (await claimAll(engine, { tasks: { a: 1 } }))[0]!, OUTCOMES.completed!)
    const [again] = await engine.add([ask({ key: 'k' })], T0 + 1)
    t.match(again, { created: false, run: { id: first!.run.id, state: 'completed' } })
  })

additions.test('ids rise, also when the clock is set back', async (t, setup) => {
  const engine = await setup(t)
  const first = await addOne(engine, {}, T0)
  const second = await addOne(engine, {}, T0 - 60_000)
  t.ok(second.id > first.id)
})

additions.test('a skipped fire is stored as a skipped run with its reason', async (t, setup) => {
  const engine = await setup(t)
  const run = await addOne(engine, { skipped: BY_HAND })
  t.match(run, { state: 'skipped', reason: BY_HAND, finished_at: T0 })
  t.same(await claimAll(engine), [])
})

additions.test('one invalid run refuses the whole call with a pointer to it', async (t, setup) => {
  const engine = await setup(t)
  await t.rejects(engine.add([ask(), ask({ due_at: NaN })], T0), {
    code: 'OFFPEAK_INPUT_INVALID',
    errors: [{ pointer: '/1/due_at' }]
  })
  t.same(await engine.count(), [])
})

/** Claims, and their order. */
export const claims = new Suite()

claims.test('due runs are claimed in the order of priority, due time and id', async (t, setup) => {
  const engine = await setup(t)
  const asks = [ask({ priority: 'low' }), ask({ due_at: T0 - 1, task: 'b' }), ask(),
    ask({ priority: 'critical', due_at: T0 }), ask({ due_at: T0 + 1 }), ask()]
  const runs = (await engine.add(asks, T0)).map(({ run }) => run.id)
  const claimed = (await claimAll(engine)).map(({ id }) => id)
  t.same(claimed, [3, 1, 2, 5, 0].map(index => runs[index]))
  t.same((await claimAll(engine, { now: T0 + 1 })).map(({ id }) => id), [runs[4]])
})

claims.test('a claimed run that never began leaves no attempt', async (t, setup) => {
  const engine = await setup(t)
  await addOne(engine)
  const [run] = await claimAll(engine)
  await engine.settle({
    lease: run!,
    now: T0,
    outcome: { kind: 'postponed', reason: BY_HAND, due_at: T0 },
    begun: false
  })
  t.match(await engine.get(run!.id), { state: 'queued', attempt: 0, turn: 1 })
  t.same((await engine.get(run!.id))!.attempts, [])
})

claims.test('a claim raises turn and attempt, sets the owner, and returns payload and checkpoint', async (t, setup) => {
  const engine = await setup(t)
  await addOne(engine, { payload: [1] })
  const [run] = await claimAll(engine)
  t.match(run, {
    state: 'running',
    turn: 1,
    attempt: 1,
    owner: 'me',
    lease_until: T0 + 30_000,
    started_at: T0,
    payload: [1],
    checkpoint: null
  })
  await engine.report({ lease: run!, now: T0, checkpoint: { at: 7 } })
  await settleAs(engine, run!, { kind: 'postponed', reason: BY_HAND, due_at: T0 })
  t.match((await claimAll(engine))[0], { turn: 2, attempt: 1, checkpoint: { at: 7 } })
})

claims.test('concurrent claims never return the same run', async (t, setup) => {
  const engine = await setup(t)
  await engine.add(Array.from({ length: 20 }, () => ask()), T0)
  const parts = await Promise.all([1, 2, 3].map(n => claimAll(engine, { limit: 9, owner: `o${n}` })))
  const ids = parts.flat().map(({ id }) => id)
  t.equal(ids.length, 20)
  t.equal(new Set(ids).size, 20)
})

claims.test('due returns the number and the first run of each cohort, and the next due time', async (t, setup) => {
  const engine = await setup(t)
  const due = (now: number) => engine.due({ now, owner: 'me' })
  t.same(await due(T0), {
    cohorts: [],
    singles: [],
    next_at: null,
    others: { tasks: {}, queues: {}, locks: {} },
    rates: {}
  })
  await engine.add([ask({ due_at: T0 + 50 }), ask({ due_at: T0 + 20 }), ask({ due_at: T0 }), ask({ priority: 'high' })],
    T0)
  const cohort = { task: 'a', queue: 'default', priority: 'normal', span: NO_DEADLINE, scheduled: false }
  t.match(await due(T0), {
    cohorts: [{ ...cohort, count: 1, first: { due_at: T0 } }, { priority: 'high', count: 1 }],
    next_at: T0 + 20
  })
  t.match(await due(T0 + 100), { cohorts: [{ count: 3 }, { count: 1 }], next_at: null })
  t.match(await due(T0 + 20), { cohorts: [{ count: 2 }, { count: 1 }], next_at: T0 + 50 },
    'a clock that is set back is followed')
  await claimAll(engine, { now: T0 + 20 })
  t.match(await due(T0 + 20), { cohorts: { length: 0 }, next_at: T0 + 50 })
  const waiting = (await engine.list({ state: ['queued'], limit: 9 })).items[0]!
  await engine.cancel({ id: waiting.id, reason: BY_HAND, now: T0 })
  t.match(await due(T0 + 20), { cohorts: { length: 0 }, next_at: null })
})
