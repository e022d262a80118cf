import { T0, BY_HAND, claimAll, schedule, fire, planAsk } from './fixtures.ts'
import { Suite } from './suite.ts'

/** Schedules, their fires and their overlaps. */
export const plans = new Suite()

plans.test('a schedule and its fires are stored once for each cursor [F18]', async (t, setup) => {
  const engine = await setup(t)
  const [first] = await engine.plan([planAsk({ fires: [fire(T0), fire(T0 + 1, { skipped: BY_HAND })] })])
  t.match(first, {
    applied: true,
    added: [{ key: `@${T0}`, schedule: 'a' }],
    skipped: [{ state: 'skipped' }],
    coalesced: 0,
    replaced: []
  })
  t.same(await engine.schedules(), [{ ...schedule(), version: 1 }])
  const next = planAsk({ from: T0, schedule: schedule({ cursor: T0 + 9 }), fires: [fire(T0 + 9)] })
  t.match(await engine.plan([next, next]), [{ applied: true, added: [{}] }, {
    applied: false,
    added: [],
    stored: { cursor: T0 + 9, version: 2 }
  }])
  t.same(await engine.schedules(), [{ ...schedule({ cursor: T0 + 9 }), version: 2 }])
  t.match(await engine.plan([planAsk({ from: 5, schedule: schedule({ id: 'never' }) })]), [{
    applied: false,
    stored: null
  }])
})

plans.test('a fire that has a run is not fired again [F18]', async (t, setup) => {
  const engine = await setup(t)
  await engine.plan([planAsk({ fires: [fire(T0)] })])
  const again = async () => {
    for (const overlap of ['skip', 'queue', 'replace', 'allow'] as const) {
      t.match(await engine.plan([planAsk({ fires: [fire(T0), fire(T0, { skipped: BY_HAND })], overlap })]), [{
        applied: true,
        added: { length: 0 },
        skipped: { length: 0 },
        coalesced: 0,
        replaced: { length: 0 }
      }], overlap)
    }
  }
  await again()
  t.match((await engine.list({ limit: 9 })).items, [{ state: 'queued', missed: 0 }])
  const [run] = await claimAll(engine)
  await again()
  await engine.settle({ lease: run!, outcome: { kind: 'completed', result: null }, now: T0 + 1 })
  await again()
  t.equal((await engine.list({ limit: 9 })).items.length, 1, 'also when the run has ended')
})

plans.test('skip: a waiting run coalesces the fire, a running one has it recorded as skipped', async (t, setup) => {
  const engine = await setup(t)
  const [plan] = await engine.plan([planAsk({ overlap: 'skip', fires: [fire(T0), fire(T0 + 1, { missed: 3 })] })])
  t.match(plan, { added: [{ key: `@${T0}` }], coalesced: 1 })
  t.equal((await engine.get(plan!.added[0]!.id))!.missed, 4)
  await claimAll(engine)
  const [later] = await engine.plan([planAsk({ overlap: 'skip', fires: [fire(T0 + 2)] })])
  t.match(later, {
    added: [],
    coalesced: 0,
    skipped: [{ state: 'skipped', reason: { code: 'overlap', message: new RegExp(plan!.added[0]!.id) } }]
  })
})

plans.test('queue and allow: each fire adds a run', async (t, setup) => {
  for (const overlap of ['queue', 'allow'] as const) {
    const engine = await setup(t)
    t.equal((await engine.plan([planAsk({ overlap, fires: [fire(T0), fire(T0 + 1)] })]))[0]!.added.length, 2)
  }
})

plans.test('replace: waiting runs are cancelled, running ones are asked to stop', async (t, setup) => {
  const engine = await setup(t)
  const first = (await engine.plan([planAsk({ overlap: 'replace', fires: [fire(T0)] })]))[0]!.added[0]!
  const second = (await engine.plan([planAsk({ overlap: 'replace', fires: [fire(T0 + 1)] })]))[0]!
  t.match(second, {
    added: [{ key: `@${T0 + 1}` }],
    replaced: [{ id: first.id, state: 'cancelled', reason: { code: 'replaced' } }]
  })
  await claimAll(engine, { now: T0 + 1 })
  t.match((await engine.plan([planAsk({ overlap: 'replace', fires: [fire(T0 + 2)] })]))[0]!.replaced, [{
    state: 'running',
    cancel: { code: 'replaced' }
  }])
})

plans.test('an early fire is not applied while an unfinished run affects its overlap policy', async (t, setup) => {
  const engine = await setup(t)
  const early = (overlap: 'skip' | 'replace' | 'queue' | 'allow', at: number) =>
    engine.plan([
      planAsk({ early: true, overlap, from: null, schedule: schedule({ cursor: at }), fires: [fire(at)] })
    ])
  t.match(await early('skip', T0), [{ applied: true, added: [{ state: 'queued', due_at: T0 }] }],
    'without an unfinished run it is applied')
  const [run] = await claimAll(engine)
  for (const overlap of ['skip', 'replace'] as const) {
    t.match(await early(overlap, T0 + 1), [{
      applied: false,
      added: { length: 0 },
      skipped: { length: 0 },
      coalesced: 0,
      replaced: { length: 0 }
    }])
  }
  t.same(await engine.schedules(), [{ ...schedule({ cursor: T0 }), version: 1 }], 'nothing is written')
  t.equal((await engine.get(run!.id))!.cancel, null)
  for (const [place, overlap] of (['queue', 'allow'] as const).entries()) {
    t.match(await early(overlap, T0 + 2 + place), [{ applied: true, added: [{}] }])
  }
})

plans.test('a schedule that is changed in place keeps its runs, and fires no instant twice', async (t, setup) => {
  const engine = await setup(t)
  const [first] = await engine.plan([planAsk({ fires: [fire(T0)] })])
  const changed = schedule({ trigger: '*/5 * * * *', trigger_args: {}, payload: { new: true }, paused: true })
  const record = { by: 'anna', action: 'reschedule', detail: null }
  const change = (ask: object) => engine.plan([planAsk({ schedule: changed, from: T0, fires: [], record, ...ask })])
  t.match(await change({ was: 9 }), [{ applied: false }], 'not from another version')
  t.match(await change({ from: T0 - 1 }), [{ applied: false }], 'nor from another cursor')
  t.strictSame(await engine.records({ limit: 9 }), [], 'a refused change is not recorded')
  t.match(await change({ was: 1 }), [{ applied: true, stored: { paused: true, version: 2 } }])
  t.same(await engine.schedules(), [{ ...changed, version: 2 }])
  t.match(await engine.records({ limit: 9 }), [{ by: 'anna', action: 'reschedule', subject: 'a' }])
  t.match(await engine.get(first!.added[0]!.id), { state: 'queued', schedule: 'a' })
  const later = schedule({ ...changed, cursor: T0 + 9 })
  t.match(
    await engine.plan([planAsk({ schedule: later, from: T0, fires: [fire(T0), fire(T0 + 9)], overlap: 'queue' })]),
    [{
      applied: true,
      added: [{ key: `@${T0 + 9}` }]
    }],
    'the instant that the old trigger fired is not fired by the new one'
  )
})

plans.test('a removed schedule leaves its runs', async (t, setup) => {
  const engine = await setup(t)
  await engine.plan([planAsk({ fires: [fire(T0)] })])
  t.equal(await engine.unplan({ id: 'a', now: T0 }), true)
  t.equal(await engine.unplan({ id: 'a', now: T0 }), false)
  t.same(await engine.schedules(), [])
  t.equal((await engine.list({ limit: 9 })).items.length, 1)
})
