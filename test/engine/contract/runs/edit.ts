import { BULK_ACTIONS } from '../../../../core/engine/changes.ts'
import type { BulkAsk, Engine } from '../../../../core/engine/engine.ts'
import { isFinal } from '../../../../core/model/run/run.ts'
import type { Run, State } from '../../../../core/model/run/run.ts'
import { T0, BY_HAND, addOne, ask, claimAll, runIn, settleAs, OUTCOMES, REACHABLE } from '../fixtures.ts'
import { Suite } from '../suite.ts'

const ANN = { ...BY_HAND, by: 'ann' }

/** The sum of all slices of a bulk change. */
async function change (engine: Engine, more: Partial<BulkAsk>) {
  const ask = { filter: {}, act: 'cancel' as const, now: T0 + 1, limit: 10_000, dry_run: false, ...more }
  const first = await engine.change(ask)
  let [changed, next] = [first.runs.length, first.next]
  const refused = new Map(Object.entries(first.refused))
  while (next !== null && changed < ask.limit && !ask.dry_run) {
    const slice = await engine.change({ ...ask, limit: ask.limit - changed, cursor: next, place: changed })
    changed += slice.runs.length
    for (const [queue, many] of Object.entries(slice.refused)) refused.set(queue, (refused.get(queue) ?? 0) + many)
    next = slice.next
  }
  return { matched: first.matched, changed, refused: Object.fromEntries(refused) }
}

/** One run in each state. */
async function oneOfEach (engine: Engine): Promise<Record<State, Run>> {
  const entries: [State, Run][] = []
  for (const state of REACHABLE.toReversed()) entries.push([state, await runIn(engine, state)])
  const queued = entries.find(([state]) => state === 'queued')![1]
  entries.push(['blocked', await addOne(engine, { after: [{ run: queued.id, condition: 'done' }] })])
  return Object.fromEntries(entries) as Record<State, Run>
}

/** Edits of waiting runs, and bulk changes. */
export const edits = new Suite()

edits.test('the priority, payload and due time of a waiting run can be edited, with a record of who did it',
  async (t, setup) => {
    const engine = await setup(t)
    const run = await addOne(engine, { payload: 1, moved: { code: 'flex', message: '', confidence: 1 } })
    const edited = await engine.edit({
      id: run.id,
      now: T0,
      by: 'ann',
      priority: 'critical',
      payload: [2],
      due_at: T0 + 9
    })
    t.match(edited, { id: run.id, priority: 'critical', due_at: T0 + 9, nominal_at: T0, moved: null })
    t.match(await engine.get(run.id), { ...edited, payload: [2] })
    t.match(await engine.records({ limit: 1 }), [{
      at: T0,
      by: 'ann',
      action: 'edit',
      subject: run.id,
      detail: { task: 'a', priority: 'critical', due_at: T0 + 9 }
    }])
    t.match(await engine.due({ now: T0, owner: 'me' }), { cohorts: [], singles: [], next_at: T0 + 9 })
    t.match(await engine.edit({ id: run.id, now: T0, by: 'ann', payload: null }), {
      priority: 'critical',
      due_at: T0 + 9
    })
    await addOne(engine, { due_at: T0 - 9 })
    t.match(await claimAll(engine, { now: T0 + 9 }), [{ id: run.id, payload: null }, {}], 'in its new order')
    t.equal(await engine.edit({ id: 'no such id', now: T0, by: 'ann' }), null)
    for (const more of [{ priority: 'first' as never }, { due_at: NaN }]) {
      await t.rejects(engine.edit({ id: run.id, now: T0, by: 'ann', ...more }), { code: 'OFFPEAK_INPUT_INVALID' })
    }
  })

edits.test('the last payload is kept, short or long', async (t, setup) => {
  const engine = await setup(t)
  const payloads = ['short', 'long '.repeat(999), 'long again '.repeat(999), { short: 1 }, null, [1]]
  const run = await addOne(engine, { payload: payloads[1]! })
  for (const payload of payloads) {
    await engine.edit({ id: run.id, now: T0, by: 'ann', payload })
    t.strictSame((await engine.get(run.id))!.payload, payload)
  }
  const adds = await engine.add(payloads.map(payload => ask({ task: 'b', payload })), T0)
  for (const [place, { run: { id } }] of adds.entries()) {
    t.strictSame((await engine.get(id))!.payload, payloads[place])
  }
  t.strictSame((await claimAll(engine)).map(({ payload }) => payload), [[1], ...payloads])
})

edits.test('running and finished runs are not edited', async (t, setup) => {
  const engine = await setup(t)
  const all = await oneOfEach(engine)
  for (const [state, run] of Object.entries(all)) {
    const waits = state === 'queued' || state === 'blocked'
    t.match(await engine.edit({ id: run.id, now: T0, by: 'ann', priority: 'low' }), {
      id: run.id,
      state,
      priority: waits ? 'low' : 'normal'
    }, state)
  }
  t.equal((await engine.records({ limit: 9 })).length, 2)
  const [counted] = await engine.count()
  t.ok(Object.values(counted!.states).every(count => count === 1))
})

edits.test('each bulk action changes the runs that allow it, and a dry run counts them', async (t, setup) => {
  const wanted: Record<typeof BULK_ACTIONS[number], [State[], Partial<Record<State, State>>]> = {
    cancel: [['blocked', 'queued', 'running'], { blocked: 'cancelled', queued: 'cancelled' }],
    retry: [['failed'], { failed: 'queued' }],
    remove: [['completed', 'failed', 'cancelled', 'skipped'], {}],
    promote: [[], {}]
  }
  for (const act of BULK_ACTIONS) {
    const engine = await setup(t)
    const all = await oneOfEach(engine)
    const [states, after] = wanted[act]
    t.same(await change(engine, { act, dry_run: true }), { matched: states.length, changed: 0, refused: {} }, act)
    t.same(await change(engine, { act }), { matched: states.length, changed: states.length, refused: {} })
    t.same(await change(engine, { act }), { matched: 0, changed: 0, refused: {} }, `a second ${act} finds no runs`)
    for (const [state, { id }] of Object.entries(all) as [State, Run][]) {
      const found = (await engine.get(id))?.state
      t.equal(found, act === 'remove' && isFinal(state) ? undefined : after[state] ?? state, `${act} of ${state}`)
    }
  }
})

edits.test('filter, states and limit select the runs', async (t, setup) => {
  const engine = await setup(t)
  await engine.add([ask(), ask({ task: 'b' }), ask({ queue: 'q' }), ask({ queue: 'q' })], T0)
  t.same(await change(engine, { filter: { queue: 'q' }, limit: 1 }), { matched: 2, changed: 1, refused: {} })
  t.same(await change(engine, { filter: { task: 'b', state: ['completed', 'running'] } }), {
    matched: 0,
    changed: 0,
    refused: {}
  })
  t.match((await engine.list({ limit: 9 })).items.map(({ state }) => state), ['cancelled', 'queued', 'queued',
    'queued'], 'newest first')
  t.same(await change(engine, { act: 'retry', filter: { state: ['cancelled', 'queued'] } }), {
    matched: 1,
    changed: 1,
    refused: {}
  })
  t.same(await change(engine, { act: 'remove' }), { matched: 0, changed: 0, refused: {} },
    'waiting runs are not removed')
})

edits.test('thousands of runs are changed in slices', async (t, setup) => {
  const engine = await setup(t)
  await engine.add(Array.from({ length: 2500 }, () => ask({ due_at: T0 + 1000 })), T0)
  t.same(await change(engine, { act: 'promote', limit: 2200, reason: ANN }), {
    matched: 2500,
    changed: 2200,
    refused: {}
  })
  t.same(
    (await engine.records({ limit: 9 })).map((
      { by, action, detail }
    ) => [by, action, (detail as { count: number }).count]),
    [['ann', 'promote', 200], ['ann', 'promote', 1000], ['ann', 'promote', 1000]]
  )
  const due = await engine.due({ now: T0 + 1, owner: 'me' })
  t.match([due.singles.length, due.cohorts, due.next_at], [100, [], T0 + 1000],
    'and each of them is single, at most a hundred listed')
  t.same(await change(engine, {}), { matched: 2500, changed: 2500, refused: {} })
  const newest = (await engine.list({ limit: 1 })).items[0]!
  t.same(await change(engine, { act: 'remove' }), { matched: 2500, changed: 2500, refused: {} })
  t.same((await engine.list({ limit: 1 })).items, [])
  const { id } = await addOne(engine, {}, 0)
  t.ok(id > newest.id, 'no id is used twice')
})

edits.test('retried runs are due at intervals, and cancelled ones keep the reason', async (t, setup) => {
  const engine = await setup(t)
  for (let index = 0; index < 3; index++) await runIn(engine, 'failed')
  t.same(await change(engine, { act: 'retry', every_ms: 60 }), { matched: 3, changed: 3, refused: {} })
  t.same((await engine.list({ limit: 9 })).items.map(({ due_at }) => due_at - T0), [1, 61, 121])
  await change(engine, { reason: ANN })
  t.match((await engine.list({ limit: 1 })).items, [{ state: 'cancelled', reason: ANN }])
})

edits.test('a bulk cancel reaches the dependents', async (t, setup) => {
  const engine = await setup(t)
  const first = await addOne(engine)
  const second = await addOne(engine, { task: 'b', after: [{ run: first.id, condition: 'completed' }] })
  t.same(await change(engine, { filter: { task: 'a' } }), { matched: 1, changed: 1, refused: {} })
  t.match(await engine.get(second.id), { state: 'skipped', reason: { code: 'dependency_failed' } })
})

edits.test('a finished run can be discarded, with the reason in a record', async (t, setup) => {
  const engine = await setup(t)
  const all = await oneOfEach(engine)
  for (const [state, { id }] of Object.entries(all) as [State, Run][]) {
    t.match(await engine.discard({ id, reason: ANN, now: T0 }), { id, state })
    t.equal(await engine.get(id) === null, isFinal(state), state)
  }
  t.match((await engine.records({ limit: 9 })).find(({ subject }) => subject === all.failed.id), {
    by: 'ann',
    action: 'discard',
    detail: { task: 'a', state: 'failed', ...BY_HAND }
  })
  t.equal(await engine.discard({ id: 'no such id', reason: ANN, now: T0 }), null)
  await settleAs(engine, all.running, OUTCOMES.completed!)
  const newest = await addOne(engine, { skipped: BY_HAND })
  await engine.discard({ id: newest.id, reason: ANN, now: T0 })
  await engine.stop()
  await engine.start()
  t.ok((await addOne(engine, {}, 0)).id > newest.id, 'its id is not used again')
})

edits.test('retried runs stay within the bound of their queue, and a dry run counts them', async (t, setup) => {
  const engine = await setup(t)
  for (const queue of ['p', 'p', 'p', 'q', 'q', 'r']) {
    await addOne(engine, { queue })
    for (const run of await claimAll(engine)) await settleAs(engine, run, OUTCOMES.failed!)
  }
  const other = await addOne(engine, { queue: 'p', priority: 'low', task: 'b' })
  await addOne(engine, { queue: 'p', after: [{ run: other.id, condition: 'done' }] })
  const bounds = { p: 3, q: 2, unknown: 1 }
  const newest = (await engine.list({ queue: 'p', state: ['failed'], limit: 1 })).items[0]!
  t.same(await change(engine, { act: 'retry', bounds, dry_run: true }), { matched: 6, changed: 0, refused: { p: 2 } })
  t.same(await change(engine, { act: 'retry', bounds, dry_run: true, filter: { queue: 'q' } }), {
    matched: 2,
    changed: 0,
    refused: {}
  })
  t.same(await change(engine, { act: 'retry', bounds, every_ms: 10, reason: ANN }), {
    matched: 6,
    changed: 4,
    refused: { p: 2 }
  })
  t.match((await engine.get(newest.id))!.state, 'queued', 'newest first')
  t.same(
    (await engine.list({ task: 'a', state: ['queued'], limit: 9 })).items.map(({ due_at: due }) => due - T0 - 1)
      .toSorted((a, b) => a - b),
    [0, 10, 20, 30],
    'no gap for refused runs'
  )
  t.match(await engine.records({ limit: 1 }), [{ detail: { count: 4 } }])
  t.same(await change(engine, { act: 'retry', bounds }), { matched: 2, changed: 0, refused: { p: 2 } })
  t.same(await change(engine, { act: 'cancel', bounds, filter: { queue: 'p' }, dry_run: true }), {
    matched: 3,
    changed: 0,
    refused: {}
  }, 'no other queue is bounded')
})

edits.test('a bulk change can be limited to some tasks', async (t, setup) => {
  const engine = await setup(t)
  for (const task of ['a', 'b', 'c', 'b']) await addOne(engine, { task })
  t.same(await change(engine, { tasks: ['b', 'c', 'nobody'], limit: 2 }), { matched: 3, changed: 2, refused: {} })
  t.same(await change(engine, { tasks: [] }), { matched: 0, changed: 0, refused: {} })
  t.match(await engine.count(), [{ task: 'a', states: { queued: 1 } }, { task: 'b' }, {
    task: 'c',
    states: { cancelled: 1 }
  }])
})
