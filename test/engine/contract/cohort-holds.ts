import type { Engine, HoldEntry } from '../../../core/engine/engine.ts'
import { HOUR, MINUTE, SECOND } from '../../../core/model/base/duration.ts'
import { NO_DEADLINE } from '../../../core/model/run/cohort.ts'
import { BOOM, BY_HAND, OUTCOMES, T0, addOne, ask, claimAll, crash, settleAs } from './fixtures.ts'
import { Suite } from './suite.ts'

const COHORT = {
  task: 'a',
  queue: 'default',
  priority: 'normal',
  span: NO_DEADLINE,
  scheduled: false,
  from: 0,
  until: T0 * 2
} as const

const say = (engine: Engine, at: number, code: string | null, more: Partial<HoldEntry> = {}) =>
  engine.hold([{ owner: 'me', at: T0 + at, code, message: `${code}`, cohort: COHORT, ...more }])

const shown = async (engine: Engine, id: string) =>
  (await engine.get(id))!.holds.map((
    { code, from, to, owner }
  ) => [code, from - T0, to === null ? null : to - T0, owner])

const heldOf = async (engine: Engine) =>
  (await engine.held({ from: T0, to: T0 + 1 })).map(({ code, ms, runs }) => [code, ms, runs])

/** Hold timelines that the runs of a cohort share. */
export const cohortHolds = new Suite()

cohortHolds.test('each run of a cohort has a timeline of its own wait, from its due time to its start',
  async (t, setup) => {
    const engine = await setup(t)
    const ids = (await engine.add([0, 5, 20].map(ms => ask({ due_at: T0 + ms })), T0)).map(({ run }) => run.id) as [
      string,
      string,
      string
    ]
    await say(engine, 2, 'battery')
    await say(engine, 3, 'battery')
    await say(engine, 10, 'window')
    t.same(await shown(engine, ids[0]), [['battery', 2, 10, 'me'], ['window', 10, null, 'me']])
    t.same(await shown(engine, ids[1]), [['battery', 5, 10, 'me'], ['window', 10, null, 'me']])
    t.same(await shown(engine, ids[2]), [['window', 20, null, 'me']],
      'a run that becomes due is held for the reason of its cohort')
    await claimAll(engine, { now: T0 + 15, limit: 1 })
    await engine.cancel({ id: ids[1], reason: BY_HAND, now: T0 + 17 })
    await say(engine, 30, null)
    t.same(await shown(engine, ids[0]), [['battery', 2, 10, 'me'], ['window', 10, 15, 'me']])
    t.same(await shown(engine, ids[1]), [['battery', 5, 10, 'me'], ['window', 10, 17, 'me']])
    t.same(await shown(engine, ids[2]), [['window', 20, 30, 'me']])
    const other = await addOne(engine, { task: 'b' })
    t.same(await shown(engine, other.id), [], 'another cohort has a timeline of its own')
  })

cohortHolds.test('the held time of a run is summed once when its wait ends, and on request before that',
  async (t, setup) => {
    const engine = await setup(t)
    await engine.add(Array.from({ length: 3 }, () => ask()), T0)
    await say(engine, 0, 'battery')
    await say(engine, 10, 'window')
    t.match(await engine.held({ from: T0, to: T0 + MINUTE, now: T0 + 30 }), [{ code: 'window', ms: 60, runs: 3 }, {
      code: 'battery',
      ms: 30,
      runs: 3
    }])
    const [first] = await claimAll(engine, { now: T0 + 20, limit: 1 })
    await settleAs(engine, first!, { kind: 'failed', error: BOOM, retry_at: T0 + 20 }, T0 + 21)
    const [again] = await claimAll(engine, { now: T0 + 25, limit: 1 })
    await settleAs(engine, again!, OUTCOMES.completed!, T0 + 26)
    await claimAll(engine, { now: T0 + 40 })
    t.same(await heldOf(engine), [['window', 10 + 15 + 30, 3], ['battery', 30, 3]])
    t.match(await engine.stats({ from: T0, to: T0 + 1, by: 'task', every: 'all' }), [{ held: { count: 3, max: 40 } }])
    t.same(await shown(engine, first!.id), [['battery', 0, 10, 'me'], ['window', 10, 20, 'me']],
      'a retried run keeps the timeline of its first wait')
  })

cohortHolds.test('a verdict on some of the due runs leaves the other runs as they are', async (t, setup) => {
  const engine = await setup(t)
  const ids = (await engine.add([0, 10, 20].map(ms => ask({ due_at: T0 + ms })), T0)).map(({ run }) => run.id) as [
    string,
    string,
    string
  ]
  await say(engine, 30, 'battery')
  await say(engine, 40, null, { cohort: { ...COHORT, from: T0 + 5, until: T0 + 15 } })
  t.same(await shown(engine, ids[1]), [['battery', 30, 40, 'me']])
  for (const id of [ids[0], ids[2]]) t.same(await shown(engine, id), [['battery', 30, null, 'me']])
  await say(engine, 50, 'window')
  t.same(await shown(engine, ids[0]), [['battery', 30, 50, 'me'], ['window', 50, null, 'me']])
  t.same(await shown(engine, ids[1]), [['battery', 30, 40, 'me'], ['window', 50, null, 'me']])
})

cohortHolds.test('a new message of the same code adds an entry when the last entry is a minute old',
  async (t, setup) => {
    const engine = await setup(t)
    const { id } = await addOne(engine)
    const single = await addOne(engine, { single: true })
    for (const at of [0, 30 * SECOND, 59_999, MINUTE, MINUTE + 1]) {
      await say(engine, at, 'battery', { message: `at ${at}` })
      await engine.hold([{ owner: 'me', id: single.id, at: T0 + at, code: 'battery', message: `at ${at}` }])
    }
    for (const one of [id, single.id]) {
      t.same((await engine.get(one))!.holds.map(({ message, from, to }) => [message, from - T0, to === null]), [['at 0',
        0, false], [`at ${MINUTE}`, MINUTE, true]])
    }
  })

cohortHolds.test('two owners hold a run independently, and time that both hold counts once', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await say(engine, 0, 'battery')
  await say(engine, 10, 'battery', { owner: 'you' })
  await say(engine, 20, null)
  t.same(await shown(engine, id), [['battery', 0, 20, 'me'], ['battery', 10, null, 'you']])
  await claimAll(engine, { now: T0 + 30 })
  t.same(await heldOf(engine), [['battery', 30, 1]])
})

cohortHolds.test('an owner that judges some of the due runs takes over the holds of those runs alone',
  async (t, setup) => {
    const engine = await setup(t)
    const ids = (await engine.add([0, 10].map(ms => ask({ due_at: T0 + ms })), T0)).map(({ run }) => run.id) as [string,
      string]
    for (const [place] of ids.entries()) {
      const due = T0 + 10 * place
      await say(engine, 20, 'battery', { cohort: { ...COHORT, from: due, until: due } })
    }
    await crash(engine)
    await say(engine, 30, 'battery', { owner: 'you', cohort: { ...COHORT, from: T0, until: T0 } })
    t.same([await shown(engine, ids[0]), await shown(engine, ids[1])], [[['battery', 20, null, 'you']], [['battery', 20,
      null, '']]])
  })

cohortHolds.test('the hold of a lost owner continues until another owner judges the run', async (t, setup) => {
  const engine = await setup(t)
  const [cohort, single] = [await addOne(engine), await addOne(engine, { single: true })]
  await say(engine, 0, 'battery')
  await engine.hold([{ owner: 'me', id: single.id, at: T0, code: 'battery', message: 'battery' }])
  await engine.claim({ owner: 'me', now: T0, lease_until: T0 + 9, offers: [], pools: {} })
  await engine.beat({ owner: 'me', now: T0, until: T0 + 9 })
  await crash(engine)
  await say(engine, 20, 'battery', { owner: 'you' })
  await engine.hold([{ owner: 'you', id: single.id, at: T0 + 20, code: 'battery', message: 'battery' }])
  for (const { id } of [cohort, single]) t.same(await shown(engine, id), [['battery', 0, null, 'you']])
  await engine.stop()
  await engine.start()
  await say(engine, 30, 'window', { owner: 'third' })
  await engine.hold([{ owner: 'third', id: single.id, at: T0 + 30, code: null, message: '' }])
  t.match(await shown(engine, cohort.id), [['battery', 0, 30], ['window', 30, null, 'third']])
  t.match(await shown(engine, single.id), [['battery', 0, 30]])
})

cohortHolds.test('a claimed run that never began stays in its cohort, and its whole wait is counted once',
  async (t, setup) => {
    const engine = await setup(t)
    const { id } = await addOne(engine)
    await say(engine, 0, 'battery')
    const [run] = await claimAll(engine, { now: T0 + 10 })
    const outcome = { kind: 'postponed', reason: BY_HAND, due_at: T0 } as const
    t.match(await engine.settle({ lease: run!, now: T0 + 12, outcome, begun: false }), {
      state: 'queued',
      single: false,
      attempt: 0,
      turn: 1
    })
    t.same(await shown(engine, id), [['battery', 0, null, 'me']])
    t.same((await engine.due({ now: T0 + 12, owner: 'me' })).cohorts.map(({ count }) => count), [1])
    await say(engine, 20, 'window')
    await claimAll(engine, { now: T0 + 30 })
    t.same(await shown(engine, id), [['battery', 0, 20, 'me'], ['window', 20, 30, 'me']])
    t.same(await heldOf(engine), [['battery', 20, 1], ['window', 10, 1]])
  })

cohortHolds.test('a run that leaves its cohort keeps its timeline', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await say(engine, 0, 'battery')
  await engine.edit({ id, now: T0 + 10, by: 'ann', priority: 'high' })
  await say(engine, 15, 'window')
  t.same(await shown(engine, id), [['battery', 0, null, 'me']], 'later holds of the cohort do not apply to it')
  await engine.hold([{ owner: 'me', id, at: T0 + 20, code: null, message: '' }])
  await claimAll(engine, { now: T0 + 30 })
  t.same(await shown(engine, id), [['battery', 0, 20, 'me']])
  t.same(await heldOf(engine), [['battery', 20, 1]])
})

cohortHolds.test('a timeline is kept as long as a run that it covers', async (t, setup) => {
  const engine = await setup(t)
  const [first, second] = [await addOne(engine), await addOne(engine, {}, T0)]
  await say(engine, 0, 'battery')
  await say(engine, 10, null)
  for (const run of await claimAll(engine, { now: T0 + 20 })) {
    await settleAs(engine, run, OUTCOMES.completed!, T0 + 30)
  }
  await engine.discard({ id: first.id, reason: BY_HAND, now: T0 })
  await engine.sweep({ now: T0, before: 0, keep: 1, limit: 9 })
  t.same(await shown(engine, second.id), [['battery', 0, 10, 'me']])
  await engine.sweep({ now: T0, before: T0 + MINUTE, keep: 0, limit: 9 })
  t.same(await heldOf(engine), [['battery', 20, 2]])
})

cohortHolds.test('a sweep keeps the holds of a run that was added after the clock was set back', async (t, setup) => {
  const engine = await setup(t)
  const over = await addOne(engine, {}, T0 - 9)
  for (const run of await claimAll(engine)) await settleAs(engine, run, OUTCOMES.completed!, T0)
  await addOne(engine)
  const late = await addOne(engine, { due_at: T0 - HOUR }, T0 - HOUR)
  await say(engine, -HOUR, 'battery')
  await say(engine, -MINUTE, 'window')
  t.equal(await engine.sweep({ now: T0, before: T0 + MINUTE, keep: 9, limit: 9 }), 1)
  t.equal(await engine.get(over.id), null)
  t.same(await shown(engine, late.id), [['battery', -HOUR, -MINUTE, 'me'], ['window', -MINUTE, null, 'me']])
})

cohortHolds.test('a sweep keeps the holds of a cohort for a run added after its task has no runs left',
  async (t, setup) => {
    const engine = await setup(t)
    await addOne(engine, {}, T0 - 9)
    await say(engine, -HOUR, 'battery')
    await say(engine, -MINUTE, 'window')
    for (const run of await claimAll(engine)) await settleAs(engine, run, OUTCOMES.completed!, T0)
    t.equal(await engine.sweep({ now: T0, before: T0 + MINUTE, keep: 9, limit: 9 }), 1)
    const late = await addOne(engine, { due_at: T0 - HOUR }, T0 - HOUR)
    t.match(await shown(engine, late.id), [['battery', -HOUR, -MINUTE, 'me'], ['window', -MINUTE]])
  })

cohortHolds.test('a hold that ends and begins again at the same instant continues', async (t, setup) => {
  const engine = await setup(t)
  const run = await addOne(engine)
  await say(engine, 0, 'battery')
  await say(engine, 5, null)
  await say(engine, 5, 'battery')
  await say(engine, 7, null)
  await say(engine, 8, 'battery')
  t.same(await shown(engine, run.id), [['battery', 0, 7, 'me'], ['battery', 8, null, 'me']])
})
