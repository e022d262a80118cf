import type { Engine } from '../../../core/engine/engine.ts'
import { MINUTE } from '../../../core/model/base/duration.ts'
import { NO_DEADLINE } from '../../../core/model/run/cohort.ts'
import type { NewRun } from '../../../core/model/run/run.ts'
import { BOOM, BY_HAND, OUTCOMES, T0, addOne, ask, claimAll, crash, settleAs } from './fixtures.ts'
import { Suite } from './suite.ts'
import { offer } from './offer-fixtures.ts'

/** Which runs form a cohort, and which are single. */
export const cohorts = new Suite()

const dueOf = async (engine: Engine, now = T0 + MINUTE) => {
  const { cohorts, singles } = await engine.due({ now, owner: 'me' })
  return {
    cohorts: cohorts.map(({ span, scheduled, count }) => [span, scheduled, count]),
    singles: singles.map(({ id }) => id)
  }
}

cohorts.test('runs with equal attributes and equal time from due to deadline form a cohort', async (t, setup) => {
  const engine = await setup(t)
  const spans = [[0, 60], [5, 65], [9, 69], [0, 61]] as const
  const runs = spans.map(([due, deadline]) => ask({ due_at: T0 + due, deadline_at: T0 + deadline }))
  await engine.add([...runs, ask({ due_at: T0 + 1, deadline_at: T0 + 61, source: 'schedule' })], T0)
  t.same(await dueOf(engine), { cohorts: [[60, false, 3], [61, false, 1], [60, true, 1]], singles: [] })
})

cohorts.test('single runs: run now, own deadline, late, retried, yielded, crashed, edited, unblocked late',
  async (t, setup) => {
    const engine = await setup(t)
    const add = (more: Partial<NewRun>, now = T0) => addOne(engine, { due_at: T0 + 5, ...more }, now)
    const hurried = await add({ now: true })
    const own = await add({ single: true, deadline_at: T0 + 7 })
    const late = await add({}, T0 + 6)
    const caught = await add({ source: 'catch_up' })
    const edited = await add({})
    await engine.edit({ id: edited.id, now: T0, by: 'ann', due_at: T0 + 6 })
    const urged = await add({})
    await engine.edit({ id: urged.id, now: T0, by: 'ann', priority: 'high' })
    const [first] = await claimAll(engine, { limit: 0 }).then(() => [urged])
    t.ok(first)
    const moved = await add({ key: 'k', unique: { until: 'kept', conflict: 'reschedule' } })
    await add({ key: 'k', unique: { until: 'kept', conflict: 'reschedule' }, due_at: T0 + 8 })
    t.same((await dueOf(engine)).singles.toSorted(),
      [hurried, own, late, caught, edited, urged, moved].map(({ id }) => id).toSorted())
    t.same((await dueOf(engine)).singles.slice(0, 2), [hurried.id, own.id],
      'urgent runs are first, then the nearest deadline')
    t.match(await engine.get(hurried.id), { now: true, single: true })
  })

cohorts.test('a run that returns from an attempt is single, and counts how often it has yielded', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  t.same((await dueOf(engine)).singles, [])
  const outcomes = [{ kind: 'postponed', reason: { code: 'yield', message: '' }, due_at: T0 }, {
    kind: 'postponed',
    reason: BY_HAND,
    due_at: T0
  }, { kind: 'failed', error: { name: 'E', message: '' }, retry_at: T0 }] as const
  for (const [place, outcome] of outcomes.entries()) {
    const [run] = await claimAll(engine)
    await settleAs(engine, run!, outcome)
    t.same(await dueOf(engine), { cohorts: [], singles: [id] })
    t.equal((await engine.get(id))!.preempted, 1, String(place))
  }
  await claimAll(engine)
  await crash(engine, { now: T0 })
  t.same((await dueOf(engine)).singles, [id])
})

cohorts.test('the flag `now` is kept through all attempts of a run until its end', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine, { now: true })
  const [run] = await claimAll(engine)
  await settleAs(engine, run!, { kind: 'failed', error: { name: 'E', message: '' }, retry_at: T0 })
  t.equal((await engine.get(id))!.now, true)
  const [again] = await claimAll(engine)
  await settleAs(engine, again!, OUTCOMES.completed!)
  t.match(await engine.retry({ id, now: T0, due_at: T0 }), { now: false, preempted: 0 })
})

cohorts.test('a blocked run that is unblocked before its due time stays in its cohort, a later one becomes single',
  async (t, setup) => {
    const engine = await setup(t)
    const [cause] = await engine.add([ask({ task: 'b' })], T0)
    const after = [{ run: cause!.run.id, condition: 'done' as const }]
    await addOne(engine, { after, due_at: T0 + 50 })
    const late = await addOne(engine, { after, due_at: T0 + 5 })
    await engine.cancel({ id: cause!.run.id, reason: BY_HAND, now: T0 + 9 })
    t.same(await dueOf(engine), { cohorts: [[NO_DEADLINE, false, 1]], singles: [late.id] })
  })

cohorts.test('due lists the nearest deadlines, the longest waits and the latest due times of a large group',
  async (t, setup) => {
    const engine = await setup(t)
    const old = await addOne(engine, { single: true, due_at: T0 - MINUTE, deadline_at: T0 + 9 * MINUTE }, T0 - MINUTE)
    await engine.add(Array.from({ length: 450 }, (_, place) => ask({ single: true, deadline_at: T0 + 5000 - place })),
      T0)
    const late = await addOne(engine, { single: true, due_at: T0 + 5, deadline_at: T0 + 9 * MINUTE }, T0 + 5)
    const { singles } = await engine.due({ now: T0 + 5, owner: 'me' })
    t.ok(singles.length <= 300, `${singles.length}`)
    t.same(singles.slice(0, 100).map(({ deadline_at: at }) => at),
      Array.from({ length: 100 }, (_, place) => T0 + 4551 + place))
    t.same(singles.slice(-2).map(({ id }) => id), [old.id, late.id])
    const tried = await engine.claim({
      owner: 'me',
      now: T0 + 5,
      lease_until: T0 + MINUTE,
      pools: {},
      offers: [offer({ id: old.id })]
    })
    await settleAs(engine, tried[0]!, { kind: 'failed', error: BOOM, retry_at: T0 + 3 }, T0 + 6)
    const left = async () => (await engine.due({ now: T0 + 6, owner: 'me' })).singles
    t.ok((await left()).some(({ id }) => id === old.id), 'a retry has waited since the due time of its run')
    let count = 0
    for (let some = await left(); some.length > 0; some = await left()) {
      count += (await engine.claim({
        owner: 'me',
        now: T0 + 6,
        lease_until: T0 + MINUTE,
        pools: {},
        offers: some.map(({ id }) => offer({ id }))
      })).length
    }
    t.equal(count, 452, 'the other runs follow once these are claimed')
  })

cohorts.test('due lists a run of each kind that gates can distinguish', async (t, setup) => {
  const engine = await setup(t)
  const [waits] = await engine.add([ask()], T0)
  await engine.add(Array.from({ length: 200 }, () => ask({ single: true, deadline_at: T0 + 5 })), T0)
  const others = [{ task: 'b' }, { queue: 'q' }, { priority: 'low' }, { source: 'catch_up' }, { now: true }] as const
  const added = await engine.add(others.map(other => ask({ single: true, ...other })), T0)
  const { singles } = await engine.due({ now: T0, owner: 'me' })
  t.equal(singles.length, 100 + others.length, 'the other runs are first in each order')
  for (const { run } of added) {
    t.ok(singles.some(({ id }) => id === run.id), `${run.task} ${run.queue} ${run.priority} ${run.source} ${run.now}`)
  }
  await engine.edit({ id: waits!.run.id, priority: 'high', now: T0, by: 'ann' })
  t.ok((await engine.due({ now: T0, owner: 'me' })).singles.some(({ id }) => id === waits!.run.id),
    'a run that has left its cohort is listed')
})

cohorts.test('single runs become due at their due times, also when the clock is set back', async (t, setup) => {
  const engine = await setup(t)
  await engine.add([30, 10, 20].map(ms => ask({ single: true, due_at: T0 + ms })), T0)
  const look = async (at: number) => {
    const { singles, next_at: next } = await engine.due({ now: T0 + at, owner: 'me' })
    return [singles.map(({ due_at }) => due_at - T0), next === null ? null : next - T0]
  }
  t.same([await look(0), await look(10), await look(25), await look(15), await look(99)], [[[], 10], [[10], 20], [[10,
    20], 30], [[10], 20], [[10, 20, 30], null]])
})
