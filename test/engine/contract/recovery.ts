import { CALLS } from '../../../core/engine/engine.ts'
import { REPORTS } from '../../../core/engine/reports.ts'
import type { Run } from '../../../core/model/run/run.ts'
import { T0, BY_HAND, ask, addOne, claimAll, crash, settleAs, OUTCOMES, runIn, REACHABLE } from './fixtures.ts'
import { Suite } from './suite.ts'

/** Runs whose owner is lost, and the ends of leases. */
export const leases = new Suite()

leases.test('the run of a lost owner is queued again, its attempt is not charged, and the crash is counted [F01]',
  async (t, setup) => {
    const engine = await setup(t)
    const run = await runIn(engine, 'running')
    t.match(await crash(engine), {
      queued: [{ id: run.id, state: 'queued', attempt: 0, crashes: 1, turn: 1, owner: null }],
      failed: []
    })
    t.match((await engine.get(run.id))!.attempts, [{ turn: 1, attempt: 1, outcome: 'crashed', finished_at: T0 + 10 }])
    t.equal(await settleAs(engine, run, OUTCOMES.completed!), null, 'the lost owner cannot settle it')
  })

leases.test('a run continues while the lease of its owner is valid, and is queued again when it expires',
  async (t, setup) => {
    const engine = await setup(t)
    const run = await runIn(engine, 'running')
    const expire = (now: number) => engine.expire({ now, restart: 'restart', crash_cap: 3 })
    t.same(await expire(T0 + 29_999), { queued: [], failed: [] })
    await engine.beat({ owner: 'me', now: T0, until: T0 + 40_000 })
    t.same(await expire(T0 + 39_999), { queued: [], failed: [] })
    await engine.claim({ owner: 'you', now: T0, lease_until: T0 + 90_000, offers: [], pools: {} })
    t.match(await expire(T0 + 40_000), { queued: [{ id: run.id, turn: 1, owner: null, lease_until: null }] },
      'also when other owners beat')
    t.same(await engine.beat({ owner: 'me', now: T0, until: T0 + 99_000 }), { running: [], cancel: [] },
      'the beat of the owner no longer lists it')
  })

leases.test('a lease from a clock that was ahead lasts for five minutes once the clock is corrected [F16]',
  async (t, setup) => {
    const engine = await setup(t)
    await addOne(engine)
    const ahead = T0 + 4_000_000_000
    const [run] = await claimAll(engine, { now: ahead })
    const expire = (now: number) => engine.expire({ now, restart: 'restart', crash_cap: 3 })
    t.same(await expire(T0), { queued: [], failed: [] })
    t.match(await engine.get(run!.id), { state: 'running', lease_until: T0 + 300_000 })
    for (let ms = 10_000; ms < 300_000; ms += 10_000) t.same(await expire(T0 + ms), { queued: [], failed: [] })
    t.match(await expire(T0 + 300_000), { queued: [{ id: run!.id, turn: 1 }] })
  })

leases.test('the leases of an earlier process expire at once', async (t, setup) => {
  const engine = await setup(t)
  const run = await runIn(engine, 'running')
  await engine.stop()
  await engine.start()
  t.match(await engine.get(run.id), { state: 'running', lease_until: null })
  t.match(await engine.expire({ now: T0, restart: 'restart', crash_cap: 3 }), { queued: [{ id: run.id }] })
})

leases.test('a run that crashes the process repeatedly is failed with the reason `crashed` [F02]', async (t, setup) => {
  const engine = await setup(t)
  const run = await addOne(engine, { max_retries: 0 })
  for (let crashes = 1; crashes < 3; crashes++) {
    await claimAll(engine)
    t.match(await crash(engine), { queued: [{ crashes }] })
  }
  t.match(await engine.get(run.id), { due_at: T0 + 1010 }, 'it waits before the next attempt')
  await claimAll(engine, { now: T0 + 1010 })
  t.match(await crash(engine), {
    queued: [],
    failed: [{ id: run.id, state: 'failed', crashes: 3, attempt: 0, reason: { code: 'crashed' } }]
  })
  t.match(await engine.retry({ id: run.id, now: T0, due_at: T0 }), { state: 'queued', crashes: 0 })
  t.same((await engine.get(run.id))!.attempts.map(({ outcome }) => outcome), ['crashed', 'crashed', 'crashed'])
})

leases.test('a run with restart set to `fail` is failed as interrupted', async (t, setup) => {
  const engine = await setup(t)
  await runIn(engine, 'running')
  t.match(await crash(engine, { restart: 'fail' }), {
    failed: [{ state: 'failed', reason: { code: 'interrupted' } }]
  })
})

leases.test('a lost run that was asked to stop is cancelled', async (t, setup) => {
  const engine = await setup(t)
  const run = await runIn(engine, 'running')
  await engine.cancel({ id: run.id, reason: BY_HAND, now: T0 })
  t.same(await crash(engine), { queued: [], failed: [] })
  t.match(await engine.get(run.id), { state: 'cancelled', reason: BY_HAND })
})

/** Sweeps and audit records. */
export const retention = new Suite()

retention.test('a sweep removes old finished runs, then those beyond the newest', async (t, setup) => {
  const engine = await setup(t)
  const runs: Run[] = []
  for (let index = 0; index < 6; index++) {
    await addOne(engine, { priority: index % 2 ? 'low' : 'normal', payload: 1 })
    const run = (await claimAll(engine))[0]!
    runs.push((await settleAs(engine, run, OUTCOMES.completed!, T0 + index))!)
  }
  const waiting = await addOne(engine)
  t.equal(await engine.sweep({ now: T0, before: T0 + 2, keep: 100, limit: 1 }), 1, 'at most the limit')
  t.equal(await engine.sweep({ now: T0, before: T0 + 2, keep: 100, limit: 9 }), 1)
  t.same((await engine.list({ limit: 9 })).items.map(({ id }) => id),
    [waiting, ...runs.slice(2).toReversed()].map(({ id }) => id))
  t.equal(await engine.sweep({ now: T0, before: 0, keep: 1, limit: 9 }), 3)
  t.same((await engine.list({ limit: 9 })).items.map(({ id }) => id), [waiting.id, runs[5]!.id])
  t.match(await engine.count(), [{ states: { completed: 1, queued: 1 }, last: { id: runs[5]!.id } }])
  t.equal(await engine.sweep({ now: T0, before: T0 + 99, keep: 0, limit: 9 }), 1)
  t.match(await engine.count(), [{ states: { completed: 0 }, last: null }])
  t.ok((await addOne(engine, {}, 0)).id > waiting.id, 'no id is used twice')
})

retention.test('a key is free once its run is swept', async (t, setup) => {
  const engine = await setup(t)
  await addOne(engine, { key: 'k', skipped: BY_HAND })
  await engine.sweep({ now: T0, before: T0 + 1, keep: 0, limit: 9 })
  t.match(await engine.add([ask({ key: 'k' })], T0), [{ created: true }])
})

retention.test('records of actions by hand are listed newest first', async (t, setup) => {
  const engine = await setup(t)
  for (const action of ['pause', 'resume', 'pause']) {
    await engine.record({ at: T0, by: 'ann', action, subject: 'a', detail: { x: [action] } })
  }
  const all = await engine.records({ limit: 9 })
  t.same(all.map(({ action }) => action), ['pause', 'resume', 'pause'])
  t.match(all[1], { at: T0, by: 'ann', subject: 'a', detail: { x: ['resume'] } })
  t.same((await engine.records({ limit: 9, action: 'pause' })).map(({ seq }) => seq), [all[0]!.seq, all[2]!.seq])
  t.same((await engine.records({ limit: 9, before: all[0]!.seq })).map(({ seq }) => seq), [all[1]!.seq, all[2]!.seq])
  t.equal((await engine.records({ limit: 1 })).length, 1)
})

/** Start, stop and concurrent calls. */
export const lifecycle = new Suite()

lifecycle.test('concurrent calls succeed or fail independently', async (t, setup) => {
  const engine = await setup(t)
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) => addOne(engine, index === 7 ? { queue: 'NOT AN ID' } : {}))
  )
  t.same(answers.flatMap(({ status }, index) => status === 'rejected' ? [index] : []), [7])
  t.match(await engine.count(), [{ states: { queued: 49 } }])
})

lifecycle.test('all runs are there after a stop and a start', async (t, setup) => {
  const engine = await setup(t)
  for (const state of REACHABLE) await runIn(engine, state)
  const [before, count, due] = [await engine.list({ limit: 99 }), await engine.count(),
    await engine.due({ now: T0, owner: 'me' })]
  await engine.stop()
  await engine.start()
  t.same((await engine.list({ limit: 99 })).items, before.items.map(run => ({ ...run, lease_until: null })))
  t.same(await engine.count(), count)
  t.same(await engine.due({ now: T0, owner: 'me' }), due)
  t.match(await engine.health(T0), { ok: true, reason: null })
})

lifecycle.test('the engine stops with its last user, and a further stop does nothing', async (t, setup) => {
  const engine = await setup(t)
  await Promise.all([engine.start(), engine.start()])
  await engine.stop()
  await engine.stop()
  await addOne(engine)
  await engine.stop()
  await t.rejects(addOne(engine), { code: 'OFFPEAK_ENGINE_STOPPED' })
  await engine.stop()
  await engine.start()
  t.match(await engine.count(), [{ states: { queued: 1 } }])
})

lifecycle.test('a stop waits for a start in progress, and a start waits for a stop', async (t, setup) => {
  const engine = await setup(t)
  await engine.stop()
  const order: string[] = []
  const note = (word: string) => () => void order.push(word)
  await Promise.all([engine.start().then(note('started')), engine.stop().then(note('stopped')),
    engine.start().then(note('started again'))])
  t.same(order, ['started', 'stopped', 'started again'])
  await addOne(engine)
})

lifecycle.test('a stopped engine refuses every call', async (t, setup) => {
  const engine = await setup(t)
  await engine.stop()
  for (const call of [...CALLS, ...REPORTS].filter(name => name !== 'health')) {
    await t.rejects((engine[call] as (...args: unknown[]) => Promise<unknown>)(ARGUMENTS[call] ?? {}, T0), {
      code: 'OFFPEAK_ENGINE_STOPPED'
    }, call)
  }
  t.match(await engine.health(T0), { ok: false })
})

const ARGUMENTS: Partial<Record<string, unknown>> = { add: [], plan: [], hold: [], claim: { offers: [] } }
