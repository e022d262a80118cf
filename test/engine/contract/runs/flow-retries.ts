import type { Engine } from '../../../../core/engine/engine.ts'
import type { Run } from '../../../../core/model/run/run.ts'
import { T0, BY_HAND, BOOM, claimAll, crash, settleAs, OUTCOMES } from '../fixtures.ts'
import { Suite } from '../suite.ts'
import { after, flow, startOf, states } from './flow-fixtures.ts'

/** Retries of runs that wait for other runs, or that other runs wait for. */
export const flowRetries = new Suite()

const retry = (engine: Engine, { id }: { id: string }, now = T0 + 5) => engine.retry({ id, now, due_at: now })

flowRetries.test('a cancelled blocked run that is retried waits for its prerequisites again', async (t, setup) => {
  const engine = await setup(t)
  const [a, b] = await flow(engine, [{ ref: 'a' }, { after: after('#a') }]) as [Run, Run]
  await engine.cancel({ id: b.id, reason: BY_HAND, now: T0 })
  t.match(await retry(engine, b), { state: 'blocked', reason: null })
  const begun = await claimAll(engine, { now: T0 + 9 })
  t.same(begun.map(({ id }) => id), [a.id])
  await settleAs(engine, begun[0]!, OUTCOMES.completed!, T0 + 9)
  t.same((await startOf(engine, b.id, T0 + 9)).results, { a: { n: 1 } })
})

flowRetries.test('unfinished runs wait again for a prerequisite that is retried by hand', async (t, setup) => {
  const engine = await setup(t)
  const [a, later, failing, crashing, ended] = await flow(engine, [
    { ref: 'a' },
    { after: after('#a'), due_at: T0 + 50 },
    { after: after('#a'), max_retries: 3 },
    { after: after('#a') },
    { after: after('#a') }
  ]) as [Run, Run, Run, Run, Run]
  await settleAs(engine, await startOf(engine, a.id), OUTCOMES.completed!, T0 + 1)
  const running = await claimAll(engine, { now: T0 + 1 })
  t.equal(running.length, 3)
  const [one, two, three] = [failing, crashing, ended].map(({ id }) => running.find(run => run.id === id)!)
  await settleAs(engine, three!, OUTCOMES.completed!, T0 + 2)
  await retry(engine, a)
  t.same(await states(engine, [later, failing, crashing, ended]), ['blocked', 'running', 'running', 'completed'])
  const failed = { kind: 'failed', error: BOOM, retry_at: T0 + 7 } as const
  t.match(await settleAs(engine, one!, failed, T0 + 6), { state: 'blocked', attempt: 1 })
  t.match(await engine.settle({ lease: { id: one!.id, turn: one!.turn }, outcome: failed, now: T0 + 6 }), {
    state: 'blocked'
  }, 'settled twice, the answer is equal')
  await crash(engine)
  t.match(await engine.get(two!.id), { state: 'blocked', crashes: 1 })
  const again = await startOf(engine, a.id, T0 + 60)
  await settleAs(engine, again, { kind: 'completed', result: 'again' }, T0 + 60)
  const begun = await claimAll(engine, { now: T0 + 99 })
  t.same(new Set(begun.map(({ id }) => id)), new Set([later.id, failing.id, crashing.id]))
  for (const { results } of begun) t.same(results, { a: 'again' })
})

flowRetries.test('a failed flow runs in its order, whichever of its runs is retried first', async (t, setup) => {
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2]]) {
    const engine = await setup(t)
    const runs = await flow(engine, [{ ref: 'a' }, { ref: 'b', after: after('#a') }, {
      ref: 'c',
      after: after('#b', '#a')
    }])
    await settleAs(engine, await startOf(engine, runs[0]!.id), OUTCOMES.failed!, T0 + 1)
    t.same(await states(engine, runs), ['failed', 'skipped', 'skipped'])
    for (const place of order) await retry(engine, runs[place]!)
    t.same(await states(engine, runs), ['queued', 'blocked', 'blocked'], order.join())
    for (const [place, { id }] of runs.entries()) {
      const run = await startOf(engine, id, T0 + 9)
      t.same(run.results, [undefined, { a: 0 }, { a: 0, b: 1 }][place])
      await settleAs(engine, run, { kind: 'completed', result: place }, T0 + 9)
    }
  }
})

flowRetries.test('a bulk retry keeps the order of a flow', async (t, setup) => {
  const engine = await setup(t)
  const runs = await flow(engine, [{ ref: 'a' }, { ref: 'b', after: after('#a') }, { after: after('#b') }])
  await settleAs(engine, await startOf(engine, runs[0]!.id), OUTCOMES.failed!, T0 + 1)
  await engine.change({
    filter: { state: ['failed', 'skipped'] },
    act: 'retry',
    now: T0 + 2,
    limit: 9,
    dry_run: false
  })
  t.same(await states(engine, runs), ['queued', 'blocked', 'blocked'])
})

flowRetries.test('a retry ignores the outcomes of finished prerequisites, and a prerequisite that fails again skips it',
  async (t, setup) => {
    const engine = await setup(t)
    const [a, b] = await flow(engine, [{ ref: 'a' }, { after: after('#a') }]) as [Run, Run]
    await settleAs(engine, await startOf(engine, a.id), OUTCOMES.failed!, T0 + 1)
    t.match(await retry(engine, b), { state: 'queued' })
    await retry(engine, a)
    t.same(await states(engine, [b]), ['blocked'])
    await settleAs(engine, await startOf(engine, a.id, T0 + 6), OUTCOMES.failed!, T0 + 6)
    t.match(await engine.get(b.id), { state: 'skipped', reason: { code: 'dependency_failed' } })
  })

flowRetries.test('the result of a removed prerequisite is kept for a run that has not completed', async (t, setup) => {
  const engine = await setup(t)
  const [a, b] = await flow(engine, [{ ref: 'a' }, { after: after('#a') }]) as [Run, Run]
  await settleAs(engine, await startOf(engine, a.id), OUTCOMES.completed!, T0 + 1)
  await engine.cancel({ id: b.id, reason: BY_HAND, now: T0 + 2 })
  await engine.discard({ id: a.id, reason: BY_HAND, now: T0 + 3 })
  t.match(await retry(engine, b), { state: 'queued' })
  t.same((await startOf(engine, b.id, T0 + 9)).results, { a: { n: 1 } })
})
