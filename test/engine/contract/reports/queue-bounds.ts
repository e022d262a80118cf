import type { QueueBound, Engine } from '../../../../core/engine/engine.ts'
import type { NewRun } from '../../../../core/model/run/run.ts'
import { BY_HAND, OUTCOMES, T0, addOne, ask, claimAll, runIn, settleAs } from '../fixtures.ts'
import { Suite } from '../suite.ts'

const refuse = (max: number): Record<string, QueueBound> => ({ default: { max, on_full: 'refuse' } })
const dropOldest = (max: number): Record<string, QueueBound> => ({ default: { max, on_full: 'drop_oldest' } })

const FULL = { code: 'OFFPEAK_QUEUE_FULL' }

const waiting = async (engine: Engine) =>
  (await engine.list({ state: ['queued', 'blocked'], limit: 99 })).items.map(({ id }) => id).toReversed()

/** Limits on the waiting runs of a queue. */
export const queueBounds = new Suite()

const add = (engine: Engine, bounds: Record<string, QueueBound>, ...runs: Partial<NewRun>[]) =>
  engine.add(runs.map(more => ask(more)), T0, { bounds })

queueBounds.test('a full queue refuses whole calls, also concurrent ones, and counts only waiting runs [S16]',
  async (t, setup) => {
    const engine = await setup(t)
    const running = await runIn(engine, 'running')
    await addOne(engine, { after: [{ run: running.id, condition: 'done' }] })
    const results = await Promise.allSettled([add(engine, refuse(3), {}), add(engine, refuse(3), {}, {}),
      add(engine, refuse(3), {}), add(engine, refuse(3), {}), add(engine, refuse(3), { queue: 'q' })])
    t.same(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
    t.match((results[3] as PromiseRejectedResult).reason, {
      ...FULL,
      statusCode: 429,
      message: /'default' is full: 3/,
      retryAfter: 5
    })
    t.match(await engine.queues({ names: ['default'] }), [{ blocked: 1, queued: 2, running: 1 }])
    t.equal((await add(engine, {}, {})).length, 1, 'a queue without a bound accepts any number')
  })

queueBounds.test('an existing run does not count again', async (t, setup) => {
  const engine = await setup(t)
  await add(engine, refuse(1), { key: 'k' })
  t.match(await add(engine, refuse(1), { key: 'k' }, { key: 'k' }), [{ created: false }, { created: false }])
  await t.rejects(add(engine, refuse(1), { key: 'l' }), FULL)
  const unique = { until: 'finished', conflict: 'keep_last' } as const
  const [run] = await claimAll(engine)
  t.match(await add(engine, refuse(1), { key: 'n', unique }, { key: 'n', unique }), [{ created: true }, {
    created: false
  }], 'two runs of one call with the same key are one')
  await settleAs(engine, run!, OUTCOMES.completed!)
  await claimAll(engine)
  t.match(await add(engine, refuse(1), { key: 'n', unique }), [{ created: true }],
    'beside a running run it is a new one')
  await t.rejects(add(engine, refuse(1), {}), FULL)
})

queueBounds.test('a run that moves from another queue counts as a new one, and in its own queue it does not',
  async (t, setup) => {
    const engine = await setup(t)
    const unique = { until: 'finished', conflict: 'replace' } as const
    const moved = await addOne(engine, { queue: 'q', key: 'k' })
    await add(engine, refuse(1), {})
    await t.rejects(add(engine, refuse(1), { key: 'k', unique }), FULL)
    t.match(await engine.get(moved.id), { queue: 'q' })
    t.match(await add(engine, refuse(2), { key: 'k', unique }), [{
      conflict: 'replaced',
      run: { id: moved.id, queue: 'default' }
    }])
    t.match(await add(engine, refuse(2), { key: 'k', unique }), [{ conflict: 'replaced', run: { id: moved.id } }])
  })

queueBounds.test('a run that waits for the run dropped for it is returned as skipped', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await addOne(engine)
  const after = [{ run: id, condition: 'completed' as const }]
  t.match(await add(engine, dropOldest(2), { after }), [{
    created: true,
    run: { state: 'skipped', reason: { code: 'dependency_failed' } }
  }])
})

queueBounds.test('the retry-after time depends on the waiting and running runs', async (t, setup) => {
  const engine = await setup(t)
  await addOne(engine, { due_at: T0 + 30_000 })
  await t.rejects(add(engine, refuse(1), {}), { ...FULL, retryAfter: 30 })
  await addOne(engine, { due_at: T0 - 7000, queue: 'q' })
  await t.rejects(engine.add([ask({ queue: 'q' })], T0, { bounds: { q: { max: 1, on_full: 'refuse' } } }), {
    ...FULL,
    retryAfter: 7
  })
})

queueBounds.test('the oldest waiting runs and their dependents are skipped in favour of newer runs of any source',
  async (t, setup) => {
    const engine = await setup(t)
    const cause = await addOne(engine, { queue: 'q' })
    const after = [{ run: cause.id, condition: 'done' as const }]
    const ids: string[] = []
    for (const more of [{ due_at: T0 + 9 }, { after, source: 'schedule' as const }, {
      due_at: T0 + 5,
      source: 'task' as const
    }, { after }, { task: 'b', priority: 'high' as const }]) {
      ids.push((await addOne(engine, more)).id)
    }
    const follower = await addOne(engine, { queue: 'q', after: [{ run: ids[0]!, condition: 'completed' }] })
    const [one] = await add(engine, dropOldest(5), {})
    t.match(await engine.get(ids[0]!), {
      state: 'skipped',
      finished_at: T0,
      reason: { code: 'queue_full', message: 'Dropped for newer runs: queue default holds at most 5 waiting runs' }
    })
    t.match(await engine.get(follower.id), { state: 'skipped', reason: { code: 'dependency_failed' } })
    const two = await add(engine, dropOldest(5), {}, {}, {})
    t.same(await waiting(engine), [cause.id, ids[4], one!.run.id, ...two.map(({ run }) => run.id)])
    await t.rejects(add(engine, dropOldest(2), {}, {}, {}), FULL, 'a call with more runs than the bound is refused')
  })

queueBounds.test('a retry is refused when its queue is full', async (t, setup) => {
  const engine = await setup(t)
  const failed = await runIn(engine, 'failed')
  await addOne(engine)
  const retry = (max: number) => engine.retry({ id: failed.id, now: T0, due_at: T0, bounds: refuse(max) })
  await t.rejects(retry(1), FULL)
  t.equal((await engine.get(failed.id))!.state, 'failed')
  t.match(await retry(2), { state: 'queued' })
})

/** Audit records, written in the same transaction as the change. */
export const audit = new Suite()

const note = (action: string) => ({ by: 'ann', action, detail: { why: action } })
const recorded = async (engine: Engine) =>
  (await engine.records({ limit: 99 })).map(({ action, subject, by, at }) => [action, subject, by, at - T0])
    .toReversed()

audit.test('each action writes a record with its change, and an action that changes nothing writes none',
  async (t, setup) => {
    const engine = await setup(t)
    const { run } = (await engine.add([ask({ key: 'k' }), ask({ task: 'b' })], T0 + 1, { record: note('run') }))[0]!
    await engine.add([ask({ key: 'k' })], T0 + 2, { record: note('run') })
    for (const now of [T0 + 3, T0 + 4]) {
      await engine.cancel({ id: run.id, reason: BY_HAND, now, record: note('cancel') })
    }
    for (const now of [T0 + 5, T0 + 6]) await engine.retry({ id: run.id, now, due_at: now, record: note('retry') })
    for (const now of [T0 + 7, T0 + 8]) {
      await engine.end({ id: run.id, now, as: 'failed', reason: BY_HAND, record: note('end') })
    }
    for (const now of [T0 + 9, T0 + 10]) {
      await engine.keep({ name: 'x', value: 1, now, was: now === T0 + 9 ? null : 99, record: note('keep') })
    }
    for (const now of [T0 + 11, T0 + 12]) await engine.unplan({ id: 'nobody', now, record: note('unplan') })
    await engine.record({ at: T0 + 13, ...note('edit config'), subject: 'config' })
    await engine.add([ask({ queue: 'q' })], T0 + 14, { record: { ...note('run'), subject: '*' } })
    t.same(await recorded(engine), [
      ['run', run.id, 'ann', 1],
      ['cancel', run.id, 'ann', 3],
      ['retry', run.id, 'ann', 5],
      ['end', run.id, 'ann', 7],
      ['keep', 'x', 'ann', 9],
      ['edit config', 'config', 'ann', 13],
      ['run', '*', 'ann', 14]
    ])
    t.match(await engine.records({ limit: 1, action: 'retry' }), [{ detail: { why: 'retry' } }])
  })

audit.test('a refused call writes no record', async (t, setup) => {
  const engine = await setup(t)
  await t.rejects(
    engine.add([ask()], T0, { bounds: { default: { max: 0, on_full: 'refuse' } }, record: note('run') }),
    { code: 'OFFPEAK_QUEUE_FULL' }
  )
  t.same(await recorded(engine), [])
})
