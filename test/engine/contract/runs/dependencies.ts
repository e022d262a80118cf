import type { Engine } from '../../../../core/engine/engine.ts'
import { CONDITIONS } from '../../../../core/model/run/run.ts'
import type { NewRun, Run } from '../../../../core/model/run/run.ts'
import { T0, BY_HAND, BOOM, addOne, claimAll, crash, runIn, settleAs, OUTCOMES, fire, planAsk } from '../fixtures.ts'
import { Suite } from '../suite.ts'
import { after, flow, startOf, states } from './flow-fixtures.ts'

/** Prerequisites of runs. */
export const dependencies = new Suite()

dependencies.test('a run starts once all its prerequisites are met, and receives their results', async (t, setup) => {
  const engine = await setup(t)
  const [a, b, c] = await flow(engine, [{ ref: 'a' }, {}, { ref: 'c', after: after('#a'), due_at: T0 + 5 }]) as [Run,
    Run, Run]
  t.match(c, { state: 'blocked', due_at: T0 + 5 })
  const d = await addOne(engine, { after: after(b, a), due_at: T0 - 5 })
  t.match(await engine.get(d.id), {
    state: 'blocked',
    after: [{ run: b.id, ref: null, condition: 'completed', state: 'queued' }, { run: a.id, state: 'queued' }]
  })
  t.match(await engine.count(), [{ states: { blocked: 2, queued: 2 } }])
  t.same((await engine.list({ state: ['blocked'], limit: 9 })).items.map(({ id }) => id), [d.id, c.id])
  const [first, second] = await claimAll(engine, { now: T0 + 9 })
  t.equal(first!.results, undefined)
  await settleAs(engine, first!, OUTCOMES.completed!, T0 + 3)
  t.same(await states(engine, [c, d]), ['queued', 'blocked'])
  await settleAs(engine, second!, { kind: 'completed', result: 'two' }, T0 + 4)
  t.match(await engine.get(c.id), { due_at: T0 + 5, after: [{ run: a.id, ref: 'a', state: 'completed' }] })
  t.match(await engine.get(d.id), { state: 'queued', due_at: T0 + 4, nominal_at: T0 - 5 })
  const claimed = await claimAll(engine, { now: T0 + 9 })
  t.same(claimed.map(({ id, results }) => [id, results]), [[d.id, { [a.id]: { n: 1 }, [b.id]: 'two' }], [c.id, {
    a: { n: 1 }
  }]])
})

for (const condition of CONDITIONS) {
  for (const outcome of ['completed', 'failed', 'cancelled', 'skipped'] as const) {
    const met = condition === 'done' || condition === outcome
    dependencies.test(`${condition} is ${met ? '' : 'not '}met by ${outcome}, before or after`, async (t, setup) => {
      const engine = await setup(t)
      const first = await runIn(engine, 'running')
      const waiting = await addOne(engine, { after: [{ run: first.id, condition }] })
      await settleAs(engine, first, OUTCOMES[outcome]!, T0 + 1)
      const later = await addOne(engine, { after: [{ run: first.id, condition }] }, T0 + 2)
      const expected = met ? 'queued' : 'skipped'
      t.same(await states(engine, [waiting, later]), [expected, expected])
      t.equal(later.state, expected, 'add returns it so')
      if (!met) {
        t.match(await engine.get(waiting.id), {
          reason: { code: 'dependency_failed', chain: [first.id] },
          finished_at: T0 + 1
        })
      }
    })
  }
}

dependencies.test('a run that can no longer start is skipped with its dependents and the chain of causes',
  async (t, setup) => {
    const engine = await setup(t)
    const [a, b, c, other] = await flow(engine, [{ ref: 'a' }, { ref: 'b', after: after('#a') }, {
      after: after('#b'),
      task: 'b'
    }, { after: [{ run: '#b', condition: 'done' }] }]) as [Run, Run, Run, Run]
    await settleAs(engine, await startOf(engine, a.id), { kind: 'failed', error: BOOM, retry_at: T0 + 1 })
    t.same(await states(engine, [b, c]), ['blocked', 'blocked'], 'a failure that is retried does not end it')
    await settleAs(engine, await startOf(engine, a.id, T0 + 1), OUTCOMES.failed!, T0 + 2)
    t.same(await states(engine, [b, c, other]), ['skipped', 'skipped', 'queued'])
    t.match((await engine.get(c.id))!.reason, {
      code: 'dependency_failed',
      message: `a (${a.id}) failed: boom; so a (${b.id}) was skipped`,
      chain: [a.id, b.id]
    })
    await engine.retry({ id: a.id, now: T0, due_at: T0 })
    await settleAs(engine, await startOf(engine, a.id), OUTCOMES.completed!)
    t.same(await states(engine, [b, c]), ['skipped', 'skipped'], 'a skipped run stays skipped')
  })

dependencies.test('a cancel, an end and the last crash of a prerequisite skip the run', async (t, setup) => {
  const ways: ((engine: Engine, run: Run) => Promise<unknown>)[] = [
    (engine, { id }) => engine.cancel({ id, reason: BY_HAND, now: T0 }),
    (engine, { id }) => engine.end({ id, as: 'failed', reason: BY_HAND, now: T0 }),
    async engine => {
      await claimAll(engine)
      await crash(engine, { now: T0, restart: 'fail' })
    }
  ]
  for (const way of ways) {
    const engine = await setup(t)
    const [first, second] = await flow(engine, [{ ref: 'a' }, { after: after('#a') }]) as [Run, Run]
    await way(engine, first)
    t.match(await engine.get(second.id), { state: 'skipped', reason: { chain: [first.id] } })
  }
})

dependencies.test('a blocked run can be cancelled and ended, and then stays as it is', async (t, setup) => {
  const engine = await setup(t)
  const first = await addOne(engine)
  const [one, two] = await flow(engine, [{ after: after(first) }, { after: after(first) }]) as [Run, Run]
  t.match(await engine.cancel({ id: one.id, reason: BY_HAND, now: T0 }), { state: 'cancelled' })
  t.match(await engine.end({ id: two.id, as: 'skipped', reason: BY_HAND, now: T0 }), {
    state: 'skipped',
    reason: BY_HAND
  })
  await settleAs(engine, await startOf(engine, first.id), OUTCOMES.completed!)
  t.same(await states(engine, [one, two]), ['cancelled', 'skipped'])
})

dependencies.test('equal prerequisites count once, and a run with two conditions on one is skipped when either fails',
  async (t, setup) => {
    const engine = await setup(t)
    const first = await addOne(engine)
    const twice = await addOne(engine, { after: after(first, first) })
    const run = await addOne(engine, {
      after: [{ run: first.id, condition: 'done' }, { run: first.id, condition: 'failed' }]
    })
    await settleAs(engine, await startOf(engine, first.id), OUTCOMES.completed!)
    t.match(await engine.get(run.id), {
      state: 'skipped',
      reason: { message: `a (${first.id}) completed, but the condition is failed` }
    })
    t.same(await states(engine, [twice]), ['queued'])
  })

dependencies.test('unknown runs, duplicate refs and circles refuse the whole call and are named', async (t, setup) => {
  const engine = await setup(t)
  const refused: [Partial<NewRun>[], string, RegExp][] = [
    [[{ after: after('00000000000') }], '/0/after/0/run', /no run '00000000000'/],
    [[{ ref: 'a' }, { after: after('#a', '#b') }], '/1/after/1/run', /'b'/],
    [[{ ref: 'a' }, { ref: 'a' }], '/1/ref', /'a'/],
    [[{ ref: '__proto__' }], '/0/ref', /expected a name/],
    [[{ after: [{ run: 'x', condition: 'maybe' as 'done' }] }], '/0/after', /completed, done, failed/],
    [[{ ref: 'a', after: after('#a') }], '/0/after', /#a → #a$/],
    [[{}, { ref: 'x', after: after('#c') }, { ref: 'a', after: after('#b') }, { ref: 'b', after: after('#c') }, {
      ref: 'c',
      after: after('#a')
    }], '/4/after', /#c → #a → #b → #c$/]
  ]
  for (const [runs, pointer, detail] of refused) {
    await t.rejects(flow(engine, runs), { code: 'OFFPEAK_INPUT_INVALID', errors: [{ pointer, detail }] })
  }
  t.same(await engine.count(), [])
})

dependencies.test('the end of a run reaches a long chain and a wide fan', async (t, setup) => {
  const engine = await setup(t)
  const chain = await flow(engine,
    Array.from({ length: 2000 },
      (_, index) => ({ ref: `r${index}`, ...index > 0 && { after: after(`#r${index - 1}`) } })))
  const fan = await flow(engine, Array.from({ length: 500 }, () => ({ after: after(chain[0]!, chain[1]!) })))
  await engine.cancel({ id: chain[0]!.id, reason: BY_HAND, now: T0 })
  t.match(await engine.count(), [{ states: { cancelled: 1, skipped: 2499, blocked: 0, queued: 0 } }])
  const { reason } = (await engine.get(chain.at(-1)!.id))!
  t.ok(reason!.chain!.length === 50 && reason!.message.length <= 500, 'chain and message are bounded')
  t.equal((await engine.get(fan[0]!.id))!.reason!.chain![0], chain[0]!.id)
})

dependencies.test('the result of a swept prerequisite is kept for the runs that wait for it', async (t, setup) => {
  const engine = await setup(t)
  const first = await runIn(engine, 'completed')
  const other = await addOne(engine)
  const run = await addOne(engine, { after: after(first, other) })
  await engine.sweep({ now: T0, before: T0 + 1, keep: 0, limit: 9 })
  t.equal(await engine.get(first.id), null)
  t.match(await engine.get(run.id), {
    state: 'blocked',
    after: [{ run: first.id, state: 'completed' }, { run: other.id, state: 'queued' }]
  })
  await settleAs(engine, await startOf(engine, other.id), OUTCOMES.completed!)
  t.same((await startOf(engine, run.id)).results, { [first.id]: { n: 1 }, [other.id]: { n: 1 } })
})

dependencies.test('dependencies are known after a stop and a start', async (t, setup) => {
  const engine = await setup(t)
  const [first, second] = await flow(engine, [{ ref: 'a' }, { after: after('#a') }]) as [Run, Run]
  await engine.stop()
  await engine.start()
  await settleAs(engine, await startOf(engine, first.id), OUTCOMES.completed!)
  t.same(await states(engine, [second]), ['queued'])
})

dependencies.test('a fire may have prerequisites, and an existing run keeps its own', async (t, setup) => {
  const engine = await setup(t)
  const first = await addOne(engine)
  t.match((await engine.plan([planAsk({ fires: [fire(T0, { after: after(first) })] })]))[0]!.added, [{
    state: 'blocked'
  }])
  const [known] = await flow(engine, [{ schedule: null, key: `@${T0}`, after: after(first, first) }])
  t.equal((await engine.get(known!.id))!.after.length, 1)
})
