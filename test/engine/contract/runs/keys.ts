import type { Engine } from '../../../../core/engine/engine.ts'
import type { NewRun, Run, Unique } from '../../../../core/model/run/run.ts'
import { T0, BY_HAND, BOOM, ask, claimAll, crash, settleAs, OUTCOMES } from '../fixtures.ts'
import { Suite } from '../suite.ts'

const addAs = async (engine: Engine, unique: Unique, more: Partial<NewRun> = {}, now = T0) =>
  (await engine.add([ask({ key: 'k', unique, ...more })], now))[0]!

const finish = async (engine: Engine) => {
  for (const run of await claimAll(engine)) await settleAs(engine, run, OUTCOMES.completed!)
}

/** How long a key is taken, and what happens to a second run with it. */
export const keys = new Suite()

keys.test('started: the key is free once the run is claimed or cancelled', async (t, setup) => {
  const engine = await setup(t)
  const until: Unique = { until: 'started', conflict: 'return' }
  const first = await addAs(engine, until)
  t.match(first, { created: true, run: { key: 'k', key_until: 'started' } })
  t.match(await addAs(engine, until), { created: false, conflict: 'returned', run: { id: first.run.id } })
  await claimAll(engine)
  const second = await addAs(engine, until)
  t.match(second, { created: true, run: { key: 'k' } })
  await engine.cancel({ id: second.run.id, reason: BY_HAND, now: T0 })
  t.match(await addAs(engine, until), { created: true })
  t.match(await engine.get(first.run.id), { key: 'k' }, 'the run keeps the key')
})

keys.test('finished: the key is free once the run has ended, and taken between two attempts', async (t, setup) => {
  const engine = await setup(t)
  const until: Unique = { until: 'finished', conflict: 'return' }
  const { run: { id } } = await addAs(engine, until)
  const [run] = await claimAll(engine)
  t.match(await addAs(engine, until), { created: false, run: { id, state: 'running' } })
  await settleAs(engine, run!, { kind: 'failed', error: BOOM, retry_at: T0 })
  t.match(await addAs(engine, until), { created: false, run: { id, state: 'queued' } })
  await finish(engine)
  t.match(await addAs(engine, until), { created: true })
})

keys.test('a time: the key is free when it has passed, whatever the state of the run', async (t, setup) => {
  const engine = await setup(t)
  const until: Unique = { until: 60, conflict: 'return' }
  t.match(await addAs(engine, until), { run: { key_until: T0 + 60 } })
  await finish(engine)
  t.match(await addAs(engine, until, {}, T0 + 59), { created: false, run: { state: 'completed' } })
  t.match(await addAs(engine, until, {}, T0 + 60), { created: true })
  t.match(await addAs(engine, until, {}, T0 + 119), { created: false })
})

keys.test('a retried run takes its key again unless another run has it', async (t, setup) => {
  const engine = await setup(t)
  const until: Unique = { until: 'finished', conflict: 'return' }
  const first = (await addAs(engine, until)).run
  await finish(engine)
  await engine.retry({ id: first.id, now: T0, due_at: T0 })
  t.match(await addAs(engine, until), { created: false, run: { id: first.id } })
  await finish(engine)
  const second = (await addAs(engine, until)).run
  t.match(await engine.retry({ id: first.id, now: T0, due_at: T0 }), { state: 'queued' })
  t.match(await addAs(engine, until), { created: false, run: { id: second.id } })
})

keys.test('replace: the waiting run takes the new payload, priority, due time and retries', async (t, setup) => {
  const engine = await setup(t)
  const until: Unique = { until: 'finished', conflict: 'replace' }
  const { run } = await addAs(engine, until, { payload: 1, deadline_at: T0 + 99 })
  const [again] = await engine.add([
    ask({ key: 'k', unique: until, payload: [2], priority: 'critical', due_at: T0 + 7, max_retries: 9 })
  ], T0)
  t.match(again, { created: false, conflict: 'replaced', run: { id: run.id } })
  t.match(await engine.get(run.id), {
    payload: [2],
    priority: 'critical',
    due_at: T0 + 7,
    nominal_at: T0 + 7,
    max_retries: 9,
    deadline_at: null
  })
  t.match(await engine.due({ now: T0, owner: 'me' }), { cohorts: [], singles: [], next_at: T0 + 7 })
  t.match(await engine.count(), [{ states: { queued: 1 } }])
  t.match(await addAs(engine, until, { due_at: T0 }), { conflict: 'replaced' })
  t.equal((await engine.get(run.id))!.payload, null)
  t.match(await claimAll(engine), [{ id: run.id, priority: 'normal' }])
  t.match(await addAs(engine, until), { conflict: 'returned', run: { state: 'running' } },
    'a running run stays as it is')
})

keys.test('reschedule: the due time alone moves, as in a debounce', async (t, setup) => {
  const engine = await setup(t)
  const until: Unique = { until: 'started', conflict: 'reschedule' }
  const { run } = await addAs(engine, until, { payload: 1, due_at: T0 + 10 })
  t.match(await addAs(engine, until, { payload: 2, priority: 'high', due_at: T0 + 20 }, T0 + 5), {
    conflict: 'rescheduled'
  })
  t.match(await engine.get(run.id), { payload: 1, priority: 'normal', due_at: T0 + 20, nominal_at: T0 + 10 })
  t.same(await claimAll(engine, { now: T0 + 19 }), [])
  t.equal((await claimAll(engine, { now: T0 + 20 })).length, 1)
})

keys.test('keep_last: one run is running and the newest waits', async (t, setup) => {
  const engine = await setup(t)
  const until: Unique = { until: 'finished', conflict: 'keep_last' }
  const first = (await addAs(engine, until, { payload: 1 })).run
  t.match(await addAs(engine, until, { payload: 2 }), { conflict: 'replaced' })
  const [running] = await claimAll(engine)
  t.match(running, { id: first.id, payload: 2 })
  const second = await addAs(engine, until, { payload: 3 })
  t.equal(second.created, true)
  t.match(await addAs(engine, until, { payload: 4 }), { conflict: 'replaced', run: { id: second.run.id } })
  await settleAs(engine, running!, OUTCOMES.completed!)
  t.match(await addAs(engine, until, { payload: 5 }), { conflict: 'replaced' },
    'the second run keeps the key when the first ends')
  t.match((await claimAll(engine)).map(({ id, payload }: Run & { payload: unknown }) => [id, payload]), [[
    second.run.id,
    5
  ]])
})

for (const [how, name, outcome] of [
  ['fails and would be retried', 'finished', { kind: 'failed', error: BOOM, retry_at: T0 + 5 }],
  ['is interrupted', 'kept', { kind: 'postponed', reason: BY_HAND, due_at: T0 }]
] as const) {
  keys.test(`keep_last: a run that ${how} is skipped when a newer one waits`, async (t, setup) => {
    const engine = await setup(t)
    const until: Unique = { until: name, conflict: 'keep_last' }
    const { run: { id } } = await addAs(engine, until, { payload: 1 })
    const [running] = await claimAll(engine)
    const { run: newest } = await addAs(engine, until, { payload: 2 })
    const ended = await settleAs(engine, running!, outcome)
    t.match(ended, { id, state: 'skipped', reason: { code: 'replaced' }, finished_at: T0, owner: null })
    t.match(await engine.get(id), { state: 'skipped', error: outcome.kind === 'failed' ? BOOM : null })
    t.match((await claimAll(engine, { now: T0 + 9 })).map(({ id: claimed, payload }) => [claimed, payload]), [[
      newest.id,
      2
    ]])
    t.match(await engine.retry({ id, now: T0, due_at: T0 }), { state: 'queued' }, 'it can be retried by hand')
    const [again] = await claimAll(engine)
    t.match(await settleAs(engine, again!, { kind: 'failed', error: BOOM, retry_at: T0 }), { state: 'queued' },
      'then it is no longer replaced')
  })
}

keys.test('keep_last: a crashed run is skipped when a newer one waits, and otherwise queued again',
  async (t, setup) => {
    const engine = await setup(t)
    const until: Unique = { until: 'kept', conflict: 'keep_last' }
    const { run: { id } } = await addAs(engine, until)
    const { run: other } = await addAs(engine, until, { key: 'other' })
    await claimAll(engine)
    const { run: newest } = await addAs(engine, until)
    t.match(await crash(engine, { now: T0 + 1 }), { queued: [{ id: other.id }], failed: [] })
    t.match(await engine.get(id), {
      state: 'skipped',
      reason: { code: 'replaced' },
      attempts: [{ outcome: 'crashed' }]
    })
    t.match((await claimAll(engine)).map(run => run.id).toSorted(), [other.id, newest.id].toSorted())
  })

keys.test('a blocked run can be replaced and stays blocked', async (t, setup) => {
  const engine = await setup(t)
  const first = (await engine.add([ask()], T0))[0]!.run
  const until: Unique = { until: 'finished', conflict: 'replace' }
  const { run } = await addAs(engine, until, { after: [{ run: first.id, condition: 'done' }] })
  t.match(await addAs(engine, until, { priority: 'high' }), {
    conflict: 'replaced',
    run: { id: run.id, state: 'blocked', priority: 'high' }
  })
  t.match(await engine.count(), [{ states: { blocked: 1, queued: 1 } }])
})

keys.test('invalid unique options are refused', async (t, setup) => {
  const engine = await setup(t)
  for (const more of [{ key: null }, { unique: { until: -1, conflict: 'return' } }, {
    unique: { until: 'kept', conflict: 'win' }
  }] as Partial<NewRun>[]) {
    await t.rejects(addAs(engine, { until: 'kept', conflict: 'return' }, more), {
      code: 'OFFPEAK_INPUT_INVALID',
      errors: [{ pointer: '/0/unique' }]
    })
  }
})

keys.test('an idempotency key serves one request, also concurrently, and a refused request leaves it free',
  async (t, setup) => {
    const engine = await setup(t)
    const request = (digest: string) => ({ key: 'k1', name: 'request/1', digest })
    const kept = async () => (await engine.kept({ prefix: 'request/' })).map(({ value }) => value)
    const add = (digest: string, more: Partial<NewRun> = {}) =>
      engine.add([ask({ key: 'one', unique: { until: 'kept', conflict: 'return' }, ...more })], T0, {
        request: request(digest)
      })
    const conflict = { code: 'OFFPEAK_IDEMPOTENCY_CONFLICT', message: /'k1'/ }
    await t.rejects(
      engine.add([ask({ queue: 'q' }), ask({ queue: 'q' })], T0, {
        request: request('x'),
        bounds: { q: { max: 1, on_full: 'refuse' } }
      }),
      { code: 'OFFPEAK_QUEUE_FULL' }
    )
    await t.rejects(add('x', { after: [{ run: 'nobody', condition: 'done' }] }), { code: 'OFFPEAK_INPUT_INVALID' })
    t.same(await kept(), [])
    const asked = [add('a'), add('b'), add('a')] as const
    await t.rejects(asked[1], conflict)
    t.match([await asked[0], await asked[2]], [[{ created: true }], [{ created: false }]])
    t.same(await kept(), ['a'])
    await t.rejects(add('b', { key: 'two' }), conflict)
    t.match(await engine.count(), [{ states: { queued: 1 } }])
  })
