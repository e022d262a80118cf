import type { Engine } from '../../../core/engine/engine.ts'
import { DAY, HOUR, MINUTE } from '../../../core/model/base/duration.ts'
import { T0, BY_HAND, BOOM, addOne, ask, claimAll, runIn, settleAs, OUTCOMES, REACHABLE } from './fixtures.ts'
import { Suite } from './suite.ts'

const holdAs = (engine: Engine, id: string, at: number, code: string | null) =>
  engine.hold([{ owner: 'me', id, at, code, message: `because of ${code}` }])

const holdsOf = async (engine: Engine, id: string) => (await engine.get(id))!.holds

const sumOf = (holds: { from: number, to: number | null }[]) => holds.reduce((sum, { from, to }) => sum + to! - from, 0)

/** Holds of single runs: reasons, timelines and sums. */
export const runHolds = new Suite()

runHolds.test('a deadline and the reason of a moved due time are returned as given', async (t, setup) => {
  const engine = await setup(t)
  const moved = { code: 'flex', message: 'quieter at four', confidence: 0.7 }
  const run = await addOne(engine, { deadline_at: T0 + 9, moved })
  t.match(run, { deadline_at: T0 + 9, moved })
  t.match(await engine.get(run.id), { deadline_at: T0 + 9, moved, holds: [] })
  t.match((await claimAll(engine))[0], { deadline_at: T0 + 9, moved })
  t.match(await addOne(engine), { deadline_at: null, moved: null })
  await t.rejects(addOne(engine, { deadline_at: NaN }), { code: 'OFFPEAK_INPUT_INVALID' })
})

runHolds.test('another code, null and a start end a hold, and the same code changes nothing', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await holdAs(engine, id, T0, 'battery')
  await holdAs(engine, id, T0 + 1, 'battery')
  await holdAs(engine, id, T0 + 2, 'window')
  await holdAs(engine, id, T0 + 3, null)
  await holdAs(engine, id, T0 + 4, null)
  await holdAs(engine, id, T0 + 5, 'idle')
  t.same(await holdsOf(engine, id), [
    { code: 'battery', message: 'because of battery', from: T0, to: T0 + 2, owner: 'me' },
    { code: 'window', message: 'because of window', from: T0 + 2, to: T0 + 3, owner: 'me' },
    { code: 'idle', message: 'because of idle', from: T0 + 5, to: null, owner: 'me' }
  ])
  const [run] = await claimAll(engine, { now: T0 + 8 })
  await holdAs(engine, id, T0 + 9, 'battery')
  t.same((await holdsOf(engine, id)).map(({ to }) => to), [T0 + 2, T0 + 3, T0 + 8], 'a running run is not held')
  await settleAs(engine, run!, { kind: 'postponed', reason: BY_HAND, due_at: T0 }, T0 + 9)
  await holdAs(engine, id, T0 + 20, 'battery')
  await engine.cancel({ id, reason: BY_HAND, now: T0 + 30 })
  t.match((await holdsOf(engine, id))[3], { from: T0 + 20, to: T0 + 30 })
  await holdAs(engine, 'no such id', T0, 'battery')
})

runHolds.test('a clock that is set back makes no held time negative', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await holdAs(engine, id, T0 + 5, 'battery')
  await holdAs(engine, id, T0, null)
  t.match(await holdsOf(engine, id), [{ from: T0 + 5, to: T0 + 5 }])
  t.match(await engine.held({ from: T0, to: T0 + 1 }), [{ ms: 0, runs: 1 }])
})

runHolds.test('a timeline is bounded, and its held time is kept', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  const codes = ['battery', 'window', 'idle']
  await engine.hold(
    Array.from({ length: 500 },
      (_, index) => ({ owner: 'me', id, at: T0 + 10 * index, code: codes[index % 3]!, message: '' }))
  )
  await holdAs(engine, id, T0 + 5000, null)
  const holds = await holdsOf(engine, id)
  t.equal(holds.length, 200)
  t.equal(sumOf(holds), 5000)
  for (const [code, ms] of [['battery', 1670], ['window', 1670], ['idle', 1660]] as const) {
    t.equal(sumOf(holds.filter(hold => hold.code === code)), ms, code)
  }
  t.match([holds[0], holds.at(-1)], [{ from: T0, to: T0 + 10 }, { from: T0 + 4990, to: T0 + 5000 }])
  t.match(await engine.held({ from: T0, to: T0 + 1 }), [{ code: 'battery', ms: 1670, runs: 1 }, { ms: 1670 }, {
    ms: 1660
  }])
})

runHolds.test('held time is summed by task, code and day, and outlives the runs', async (t, setup) => {
  const engine = await setup(t)
  const day = Math.ceil(T0 / DAY) * DAY
  const [a, b, other] = (await engine.add([ask(), ask(), ask({ task: 'b' })], T0)).map(({ run }) => run.id)
  for (const id of [a, b, other]) await holdAs(engine, id!, day - HOUR, 'battery')
  await holdAs(engine, a!, day + 2 * HOUR, 'window')
  await holdAs(engine, a!, day + 3 * HOUR, 'battery')
  await engine.cancel({ id: a!, reason: BY_HAND, now: day + 4 * HOUR })
  await engine.cancel({ id: b!, reason: BY_HAND, now: day - HOUR + MINUTE })
  const battery = { task: 'a', code: 'battery' }
  t.same(await engine.held({ from: day - DAY, to: day + DAY }), [{ ...battery, ms: 4 * HOUR + MINUTE, runs: 2 }, {
    task: 'a',
    code: 'window',
    ms: HOUR,
    runs: 1
  }])
  t.same(await engine.held({ from: day - DAY, to: day }), [{ ...battery, ms: HOUR + MINUTE, runs: 2 }])
  t.match((await engine.held({ from: day, to: day + DAY, now: day + HOUR })).find(({ task }) => task === 'b'), {
    ms: HOUR,
    runs: 0
  }, 'the hold of a waiting run counts as well')
  t.match((await engine.held({ from: day, to: day + DAY, now: day + 9 * DAY })).find(({ task }) => task === 'b'), {
    ms: DAY
  }, 'within the given range')
  const before = await engine.held({ from: 0, to: day + DAY })
  await engine.sweep({ now: day, before: day + DAY, keep: 0, limit: 9 })
  t.equal(await engine.get(a!), null)
  t.same(await engine.held({ from: 0, to: day + DAY }), before)
  await engine.sweep({ now: day + 500 * DAY, before: 0, keep: 0, limit: 9 })
  t.same(await engine.held({ from: 0, to: day + DAY }), [], 'until it expires')
})

runHolds.test('holds are known after a stop and a start', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await holdAs(engine, id, T0, 'battery')
  await holdAs(engine, id, T0 + 1, 'window')
  await engine.stop()
  await engine.start()
  await holdAs(engine, id, T0 + 2, 'window')
  await claimAll(engine, { now: T0 + 9 })
  t.match(await holdsOf(engine, id), [{ code: 'battery', to: T0 + 1 }, { code: 'window', from: T0 + 1, to: T0 + 9 }])
})

runHolds.test('a failed call of the same batch leaves a timeline as it is', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await holdAs(engine, id, T0, 'battery')
  const wrong = () => engine.keep({ name: 'x', value: 1n as unknown as number, now: T0 })
  const [, failed] = await Promise.allSettled([holdAs(engine, id, T0 + 3, null), wrong()])
  t.equal(failed.status, 'rejected')
  t.match(await holdsOf(engine, id), [{ to: T0 + 3 }])
  t.match(await engine.held({ from: 0, to: T0 }), [{ ms: 3, runs: 1 }])
})

for (const state of REACHABLE) {
  runHolds.test(`the end of a ${state} run`, async (t, setup) => {
    const engine = await setup(t)
    const before = await runIn(engine, state)
    const after = await engine.end({ id: before.id, now: T0 + 5, as: 'skipped', reason: BY_HAND })
    if (state === 'queued') t.match(after, { state: 'skipped', reason: BY_HAND, finished_at: T0 + 5, error: null })
    else t.match(after, before)
    t.same(await claimAll(engine, { now: T0 + 9 }), [])
  })
}

runHolds.test('an end may be a failure and ends the hold, and a retry restores the time to the deadline',
  async (t, setup) => {
    const engine = await setup(t)
    const { id } = await addOne(engine, { deadline_at: T0 + 9, moved: { code: 'flex', message: '', confidence: 1 } })
    await holdAs(engine, id, T0, 'battery')
    t.match(await engine.end({ id, now: T0 + 9, as: 'failed', reason: BY_HAND, error: BOOM }), {
      state: 'failed',
      reason: BY_HAND,
      error: BOOM
    })
    t.match(await engine.get(id), { holds: [{ to: T0 + 9 }], attempts: [] })
    t.match(await engine.retry({ id, now: T0 + 50, due_at: T0 + 50 }), {
      state: 'queued',
      deadline_at: T0 + 59,
      moved: null
    })
    t.equal(await engine.end({ id: 'no such id', now: T0, as: 'skipped', reason: BY_HAND }), null)
  })

runHolds.test('overdue returns the waiting runs past their deadline, and the next deadline', async (t, setup) => {
  const engine = await setup(t)
  t.same(await engine.overdue({ now: T0, limit: 9 }), { runs: [], next_at: null })
  const runs =
    (await engine.add([...[20, 10, 30].map(ms => ask({ deadline_at: T0 + ms, expires: true })),
      ask({ deadline_at: T0 + 5 }), ask()], T0)).map(({ run }) => run.id)
  t.match(await engine.overdue({ now: T0, limit: 9 }), { runs: [], next_at: T0 + 10 })
  const { runs: over, next_at: next } = await engine.overdue({ now: T0 + 20, limit: 9 })
  t.same([over.map(({ id }) => id), next], [[runs[1], runs[0]], T0 + 30])
  t.equal((await engine.overdue({ now: T0 + 20, limit: 1 })).runs.length, 1)
  await claimAll(engine, { now: T0 + 40 })
  t.same(await engine.overdue({ now: T0 + 40, limit: 9 }), { runs: [], next_at: null })
})

runHolds.test('the newest value of each fact is kept until it is removed', async (t, setup) => {
  const engine = await setup(t)
  for (const [name, value] of [['pause/a', { by: 'ann' }], ['pause/ü', 1], ['signal/x', [2]], ['pause/a', {
    by: 'bob'
  }], ['pauses', 3]] as const) {
    await engine.keep({ name, value: value as never, now: T0 })
  }
  t.same(await engine.kept({ prefix: 'pause/' }), [{ name: 'pause/a', value: { by: 'bob' }, at: T0, version: 4 }, {
    name: 'pause/ü',
    value: 1,
    at: T0,
    version: 2
  }])
  t.equal((await engine.kept({ prefix: '' })).length, 4)
  await engine.keep({ name: 'pause/a', value: null, now: T0 })
  t.same((await engine.kept({ prefix: 'pause' })).map(({ name }) => name), ['pause/ü', 'pauses'])
})

runHolds.test('the timeline of a completed run can be read', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await holdAs(engine, id, T0, 'battery')
  await settleAs(engine, (await claimAll(engine, { now: T0 + 4 }))[0]!, OUTCOMES.completed!)
  t.match(await holdsOf(engine, id), [{ from: T0, to: T0 + 4 }])
})
