import type { Test } from 'tap'
import type { NewRun, State } from '../../../../core/model/run/run.ts'
import type { Outcome } from '../../../../core/model/run/outcome.ts'
import { T0, BY_HAND, BOOM, addOne, claimAll, settleAs, OUTCOMES, runIn, REACHABLE } from '../fixtures.ts'
import type { Setup } from '../fixtures.ts'
import { Suite } from '../suite.ts'

/** Outcomes of attempts. */
export const settlements = new Suite()

const started = async (t: Test, setup: Setup, more: Partial<NewRun> = {}) => {
  const engine = await setup(t)
  await addOne(engine, more)
  return { engine, run: (await claimAll(engine))[0]! }
}

settlements.test('completed keeps the result and the warning, and clears the earlier error', async (t, setup) => {
  const { engine, run } = await started(t, setup)
  await settleAs(engine, run, { kind: 'failed', error: BOOM, retry_at: T0 + 5 })
  const [again] = await claimAll(engine, { now: T0 + 5 })
  const done = await settleAs(engine, again!, { kind: 'completed', result: [1], warning: 'look' }, T0 + 9)
  t.match(done, {
    state: 'completed',
    error: null,
    warning: 'look',
    attempt: 2,
    finished_at: T0 + 9,
    owner: null,
    lease_until: null
  })
  t.match(await engine.get(run.id), {
    result: [1],
    attempts: [
      { turn: 1, attempt: 1, outcome: 'failed', error: BOOM, started_at: T0, finished_at: T0 },
      { turn: 2, attempt: 2, outcome: 'completed', started_at: T0 + 5, finished_at: T0 + 9 }
    ]
  })
})

settlements.test('a failure is retried up to max_retries, then the run has failed', async (t, setup) => {
  const { engine, run } = await started(t, setup, { max_retries: 1 })
  t.match(await settleAs(engine, run, { kind: 'failed', error: BOOM, retry_at: T0 + 5 }), {
    state: 'queued',
    due_at: T0 + 5,
    attempt: 1,
    error: BOOM
  })
  t.same(await claimAll(engine, { now: T0 + 4 }), [])
  const [again] = await claimAll(engine, { now: T0 + 5 })
  t.match(await settleAs(engine, again!, { kind: 'failed', error: BOOM, retry_at: T0 + 9 }), {
    state: 'failed',
    attempt: 2,
    error: BOOM
  })
})

settlements.test('a failure without retry_at ends the run, whatever retries are left', async (t, setup) => {
  const { engine, run } = await started(t, setup)
  t.match(await settleAs(engine, run, { kind: 'failed', error: BOOM, retry_at: null }), {
    state: 'failed',
    attempt: 1
  })
})

settlements.test('a postponed attempt is not charged', async (t, setup) => {
  const { engine, run } = await started(t, setup)
  t.match(await settleAs(engine, run, { kind: 'postponed', reason: BY_HAND, due_at: T0 + 7 }), {
    state: 'queued',
    attempt: 0,
    turn: 1,
    due_at: T0 + 7,
    reason: BY_HAND,
    owner: null
  })
  t.match((await engine.get(run.id))!.attempts, [{ turn: 1, attempt: 1, outcome: 'postponed', reason: BY_HAND }])
})

settlements.test('a cancelled and a skipped run end with their reason', async (t, setup) => {
  for (const kind of ['cancelled', 'skipped'] as const) {
    const { engine, run } = await started(t, setup)
    t.match(await settleAs(engine, run, { kind, reason: BY_HAND }), { state: kind, reason: BY_HAND })
  }
})

settlements.test('a run that was asked to stop is not queued again, but may complete', async (t, setup) => {
  for (const [outcome, state] of [
    [{ kind: 'failed', error: BOOM, retry_at: T0 }, 'cancelled'],
    [{ kind: 'postponed', reason: BY_HAND, due_at: T0 }, 'cancelled'],
    [{ kind: 'completed', result: 1 }, 'completed']
  ] as [Outcome, State][]) {
    const { engine, run } = await started(t, setup)
    await engine.cancel({ id: run.id, reason: BY_HAND, now: T0 })
    t.equal((await settleAs(engine, run, outcome))?.state, state, outcome.kind)
  }
})

settlements.test('a stale lease changes nothing in any call [F03, F28]', async (t, setup) => {
  const { engine, run } = await started(t, setup)
  await settleAs(engine, run, { kind: 'postponed', reason: BY_HAND, due_at: T0 })
  const [now] = await claimAll(engine, { owner: 'you' })
  const before = await engine.get(run.id)
  t.equal(await settleAs(engine, run, OUTCOMES.completed!), null)
  t.equal(await engine.report({ lease: run, now: T0, checkpoint: 1, logs: [{ at: T0, level: 30, text: 'late' }] }),
    false)
  t.same(await engine.beat({ owner: 'me', now: T0, until: T0 + 99 }), { running: [], cancel: [] })
  t.same(await engine.get(run.id), before)
  t.same(await engine.logs({ id: run.id, after: 0, limit: 9 }), [])
  t.ok(await settleAs(engine, now!, OUTCOMES.completed!))
  t.equal(await settleAs(engine, now!, OUTCOMES.failed!), null, 'an end is written once')
  t.match(await settleAs(engine, now!, OUTCOMES.completed!, T0 + 9), { state: 'completed', finished_at: T0 },
    'a repeated settle returns the run again')
})

/** Progress, logs and beats of running runs. */
export const reports = new Suite()

reports.test('progress, child and log lines can be read while a run is running', async (t, setup) => {
  const engine = await setup(t)
  const run = await runIn(engine, 'running')
  const progress = { current: 1, total: 2, message: 'm', unit: null, rate: 1, percentage: 50, eta: 1, at: T0 }
  t.equal(
    await engine.report({
      lease: run,
      now: T0,
      progress,
      child: { pid: 7, started: 's' },
      logs: [{ at: T0, level: 30, text: 'one', data: { k: 1 } }]
    }),
    true
  )
  await engine.report({ lease: run, now: T0, logs: [{ at: T0 + 1, level: 40, text: 'two' }] })
  t.match(await engine.get(run.id), { progress, child: { pid: 7, started: 's' } })
  t.same(await engine.logs({ id: run.id, after: 0, limit: 9 }), [
    { seq: 1, attempt: 1, at: T0, level: 30, text: 'one', data: { k: 1 } },
    { seq: 2, attempt: 1, at: T0 + 1, level: 40, text: 'two' }
  ])
  t.same((await engine.logs({ id: run.id, after: 1, limit: 9 })).map(({ text }) => text), ['two'])
  await engine.report({ lease: run, now: T0, child: null })
  t.equal((await engine.get(run.id))!.child, null)
})

reports.test('a beat extends the lease, and returns the running runs and the requests to stop', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await runIn(engine, 'running')
  const beat = (owner: string, until: number) => engine.beat({ owner, now: T0, until })
  t.same(await beat('me', T0 + 60_000), { running: [{ id, turn: 1 }], cancel: [] })
  t.equal((await engine.get(id))!.lease_until, T0 + 60_000)
  t.same(await beat('you', T0 + 90_000), { running: [], cancel: [] }, 'nothing of another owner')
  await beat('me', T0 + 1)
  t.equal((await engine.get(id))!.lease_until, T0 + 60_000, 'a lease never becomes shorter')
  await engine.cancel({ id, reason: BY_HAND, now: T0 })
  t.same((await beat('me', T0)).cancel, [{ id, turn: 1, reason: BY_HAND }])
})

reports.test('a repeated settle with the same outcome returns the run, and any other is stale [F03]',
  async (t, setup) => {
    const outcomes: Outcome[] = [
      ...Object.values(OUTCOMES),
      { kind: 'failed', error: BOOM, retry_at: T0 + 5 },
      { kind: 'postponed', reason: BY_HAND, due_at: T0 + 5 }
    ]
    for (const [place, outcome] of outcomes.entries()) {
      const engine = await setup(t)
      const run = await runIn(engine, 'running')
      const first = await settleAs(engine, run, outcome)
      const before = [await engine.get(run.id), await engine.stats({ from: 0, to: T0 * 2, by: 'task', every: 'all' })]
      t.same(await settleAs(engine, run, outcome, T0 + 3), first, outcome.kind)
      t.equal(await settleAs(engine, run, { ...outcomes[(place + 1) % outcomes.length]! }), null,
        'another outcome is stale')
      t.same([await engine.get(run.id), await engine.stats({ from: 0, to: T0 * 2, by: 'task', every: 'all' })], before,
        'and nothing is written twice')
      await engine.retry({ id: run.id, now: T0, due_at: T0 })
      await claimAll(engine, { now: T0 + 9 })
      t.equal(await settleAs(engine, run, outcome), null, 'stale once the run was claimed again')
    }
  })

/** Cancel and retry in every state. */
export const cancelAndRetry = new Suite()

for (const state of REACHABLE) {
  cancelAndRetry.test(`cancel of a ${state} run`, async (t, setup) => {
    const engine = await setup(t)
    const before = await runIn(engine, state)
    const after = await engine.cancel({ id: before.id, reason: { code: 'stop', message: 'stop' }, now: T0 + 1 })
    if (state === 'queued') t.match(after, { state: 'cancelled', reason: { code: 'stop' }, finished_at: T0 + 1 })
    else if (state === 'running') t.match(after, { state: 'running', cancel: { code: 'stop' } })
    else t.match(after, before)
    t.same(await claimAll(engine, { now: T0 + 9 }), [], 'it does not start')
  })
  cancelAndRetry.test(`retry of a ${state} run`, async (t, setup) => {
    const engine = await setup(t)
    const before = await runIn(engine, state)
    const after = await engine.retry({ id: before.id, now: T0 + 1, due_at: T0 + 1 })
    if (state === 'queued' || state === 'running') return t.match(after, before)
    t.match(after, {
      state: 'queued',
      attempt: 0,
      crashes: 0,
      turn: 1,
      error: null,
      reason: null,
      cancel: null,
      finished_at: null,
      due_at: T0 + 1
    })
    t.match(await engine.get(before.id), { result: null, attempts: [{ turn: 1, attempt: 1, outcome: state }] })
    t.match(await claimAll(engine, { now: T0 + 1 }), [{ id: before.id, turn: 2, attempt: 1 }])
  })
}

cancelAndRetry.test('calls for an unknown id return null', async (t, setup) => {
  const engine = await setup(t)
  for (const id of ['00000000000', 'no such id', '', '../x']) {
    t.equal(await engine.get(id), null)
    t.equal(await engine.cancel({ id, reason: BY_HAND, now: T0 }), null)
    t.equal(await engine.retry({ id, now: T0, due_at: T0 }), null)
    t.same(await engine.logs({ id, after: 0, limit: 1 }), [])
  }
})
