import type { Test } from 'tap'
import type { Claimed, Engine, PlanAsk } from '../../core/engine/engine.ts'
import { CALLS } from '../../core/engine/engine.ts'
import { FINAL_STATES } from '../../core/model/run.ts'
import type { NewRun, Run, State } from '../../core/model/run.ts'
import type { Outcome } from '../../core/model/outcome.ts'
import type { Schedule } from '../../core/model/schedule.ts'

/** Gives a started engine that is empty, and takes it away at the end of the test. */
export type Setup = (t: Test) => Promise<Engine>

export const T0 = 1_700_000_000_000
const BY_HAND = { code: 'by_hand', message: 'Somebody wanted it so' }
const BOOM = { name: 'Error', message: 'boom' }

export const ask = (more: Partial<NewRun> = {}): NewRun =>
  ({ task: 'a', queue: 'default', priority: 'normal', source: 'manual', due_at: T0, max_retries: 2, ...more })

export const addOne = async (engine: Engine, more: Partial<NewRun> = {}, now = T0): Promise<Run> =>
  (await engine.add([ask(more)], now))[0]!.run

export const claimAll = (engine: Engine, more: { now?: number, limit?: number, owner?: string, tasks?: Record<string, number> } = {}): Promise<Claimed[]> => {
  const { now = T0, limit = 100, owner = 'me', tasks = { a: 100, b: 100 } } = more
  return engine.claim({ owner, now, lease_until: now + 30_000, limit, room: { tasks } })
}

const settleAs = (engine: Engine, { id, turn }: Pick<Run, 'id' | 'turn'>, outcome: Outcome, now = T0) =>
  engine.settle({ lease: { id, turn }, outcome, now })

const OUTCOMES: Record<string, Outcome> = {
  completed: { kind: 'completed', result: { n: 1 } },
  failed: { kind: 'failed', error: BOOM, retry_at: null },
  cancelled: { kind: 'cancelled', reason: BY_HAND },
  skipped: { kind: 'skipped', reason: BY_HAND }
}

/** A run brought into a state by the calls that lead there. */
async function runIn (engine: Engine, state: Exclude<State, 'blocked'>): Promise<Run> {
  const added = await addOne(engine)
  if (state === 'queued') return added
  const run = (await claimAll(engine)).find(({ id }) => id === added.id)!
  if (state === 'running') return (await engine.list({ task: 'a', state: ['running'], limit: 1 })).items[0]!
  return (await settleAs(engine, run, OUTCOMES[state]!))!
}

const REACHABLE = ['queued', 'running', ...FINAL_STATES] as const

const schedule = (more: Partial<Schedule> = {}): Schedule => ({
  id: 'a', task: 'a', origin: 'file', trigger: 'cron', trigger_args: { minute: 0 }, timezone: 'UTC', payload: null, anchor: T0,
  cursor: T0, nominal_at: T0 + 1000, next_at: T0 + 1000, hash: 'h', created_at: T0, created_by: 'me', ...more
})

const fire = (at: number, more: Partial<NewRun> = {}) => ask({ source: 'schedule', schedule: 'a', key: `@${at}`, due_at: at, nominal_at: at, ...more })

const planAsk = (more: Partial<PlanAsk> = {}): PlanAsk =>
  ({ schedule: schedule(), from: null, fires: [], overlap: 'allow', now: T0, ...more })

/** What every keeper of runs does, whatever it is made of. */
export function contract (t: Test, setup: Setup): void {
  t.test('adding', t => adding(t, setup))
  t.test('claiming', t => claiming(t, setup))
  t.test('settling', t => settling(t, setup))
  t.test('running', t => running(t, setup))
  t.test('cancel and retry in every state', t => byHand(t, setup))
  t.test('recovering', t => recovering(t, setup))
  t.test('planning', t => planning(t, setup))
  t.test('looking', t => looking(t, setup))
  t.test('sweeping and records', t => keeping(t, setup))
  t.test('living', t => living(t, setup))
}

async function adding (t: Test, setup: Setup) {
  t.test('a run comes back as it was asked for, and again from get', async t => {
    const engine = await setup(t)
    const run = await addOne(engine, { due_at: T0 + 5, nominal_at: T0 + 3, key: 'k', priority: 'high', payload: { deep: [1, 'ü', null] }, missed: 2 })
    t.match(run, { task: 'a', queue: 'default', priority: 'high', state: 'queued', source: 'manual', key: 'k', due_at: T0 + 5, nominal_at: T0 + 3, attempt: 0, turn: 0, crashes: 0, missed: 2, created_at: T0 })
    t.same(await engine.get(run.id), { ...run, payload: { deep: [1, 'ü', null] }, result: null, attempts: [] })
  })
  t.test('the same task and key is the same run, also within one call and after it finished', async t => {
    const engine = await setup(t)
    const [first, second, other] = await engine.add([ask({ key: 'k' }), ask({ key: 'k', priority: 'low' }), ask({ key: 'k', task: 'b' })], T0)
    t.same([first!.created, second!.created, other!.created], [true, false, true])
    t.equal(second!.run.id, first!.run.id)
    t.equal(second!.run.priority, 'normal')
    await settleAs(engine, (await claimAll(engine, { tasks: { a: 1 } }))[0]!, OUTCOMES.completed!)
    const [again] = await engine.add([ask({ key: 'k' })], T0 + 1)
    t.match(again, { created: false, run: { id: first!.run.id, state: 'completed' } })
  })
  t.test('ids rise, also when the clock goes back', async t => {
    const engine = await setup(t)
    const first = await addOne(engine, {}, T0)
    const second = await addOne(engine, {}, T0 - 60_000)
    t.ok(second.id > first.id)
  })
  t.test('a fire that is not to be executed is there as skipped, with the reason', async t => {
    const engine = await setup(t)
    const run = await addOne(engine, { skipped: BY_HAND })
    t.match(run, { state: 'skipped', reason: BY_HAND, finished_at: T0 })
    t.same(await claimAll(engine), [])
  })
  t.test('one faulty run refuses the whole call and says where', async t => {
    const engine = await setup(t)
    await t.rejects(engine.add([ask(), ask({ due_at: NaN })], T0), { code: 'OFFPEAK_INPUT_INVALID', errors: [{ pointer: '/1/due_at' }] })
    t.same(await engine.count(), [])
  })
}

async function claiming (t: Test, setup: Setup) {
  t.test('most urgent first, then due first, then asked for first; what is not due stays', async t => {
    const engine = await setup(t)
    const asks = [ask({ priority: 'low' }), ask({ due_at: T0 - 1, task: 'b' }), ask(), ask({ priority: 'critical', due_at: T0 }), ask({ due_at: T0 + 1 }), ask()]
    const runs = (await engine.add(asks, T0)).map(({ run }) => run.id)
    const claimed = (await claimAll(engine)).map(({ id }) => id)
    t.same(claimed, [3, 1, 2, 5, 0].map(index => runs[index]))
    t.same((await claimAll(engine, { now: T0 + 1 })).map(({ id }) => id), [runs[4]])
  })
  t.test('room is kept for the whole, each task, queue and priority', async t => {
    const engine = await setup(t)
    await engine.add([ask(), ask(), ask({ task: 'b', queue: 'q' }), ask({ task: 'b', queue: 'q' }), ask({ task: 'b', priority: 'low' }), ask({ task: 'constructor' })], T0)
    const room = { tasks: { a: 1, b: 9 }, queues: { q: 1 }, priorities: { low: 0 } }
    const claimed = await engine.claim({ owner: 'me', now: T0, lease_until: T0 + 1, limit: 9, room })
    t.same(claimed.map(({ task, queue }) => [task, queue]), [['a', 'default'], ['b', 'q']])
    t.equal((await claimAll(engine, { limit: 1 })).length, 1)
    t.same(await claimAll(engine, { tasks: {} }), [], 'a task that is not named may not start')
  })
  t.test('turn and attempt rise, the owner has it, and it carries payload and checkpoint', async t => {
    const engine = await setup(t)
    await addOne(engine, { payload: [1] })
    const [run] = await claimAll(engine)
    t.match(run, { state: 'running', turn: 1, attempt: 1, owner: 'me', lease_until: T0 + 30_000, started_at: T0, payload: [1], checkpoint: null })
    await engine.report({ lease: run!, now: T0, checkpoint: { at: 7 } })
    await settleAs(engine, run!, { kind: 'postponed', reason: BY_HAND, due_at: T0 })
    t.match((await claimAll(engine))[0], { turn: 2, attempt: 1, checkpoint: { at: 7 } })
  })
  t.test('no run is claimed twice by callers at the same time', async t => {
    const engine = await setup(t)
    await engine.add(Array.from({ length: 20 }, () => ask()), T0)
    const parts = await Promise.all([1, 2, 3].map(n => claimAll(engine, { limit: 9, owner: `o${n}` })))
    const ids = parts.flat().map(({ id }) => id)
    t.equal(ids.length, 20)
    t.equal(new Set(ids).size, 20)
  })
  t.test('due tells how many could start, which is first, and when there will be more', async t => {
    const engine = await setup(t)
    t.same(await engine.due(T0), { tasks: [], next_at: null })
    await engine.add([ask({ due_at: T0 + 50 }), ask({ due_at: T0 + 20 }), ask({ due_at: T0 }), ask({ due_at: T0 - 1, priority: 'high' })], T0)
    const due = await engine.due(T0)
    t.match(due, { tasks: [{ task: 'a', count: 2, first: { priority: 'high' } }], next_at: T0 + 20 })
    t.match(await engine.due(T0 + 100), { tasks: [{ count: 4 }], next_at: null })
    t.match(await engine.due(T0 + 20), { tasks: [{ count: 3 }], next_at: T0 + 50 }, 'a clock that goes back is followed')
    await claimAll(engine, { now: T0 + 20 })
    t.same(await engine.due(T0 + 20), { tasks: [], next_at: T0 + 50 })
    const waiting = (await engine.list({ state: ['queued'], limit: 9 })).items[0]!
    await engine.cancel({ id: waiting.id, reason: BY_HAND, now: T0 })
    t.same(await engine.due(T0 + 20), { tasks: [], next_at: null })
  })
}

async function settling (t: Test, setup: Setup) {
  const started = async (t: Test, more: Partial<NewRun> = {}) => {
    const engine = await setup(t)
    await addOne(engine, more)
    return { engine, run: (await claimAll(engine))[0]! }
  }
  t.test('completed keeps the result and the warning, and clears the failure before it', async t => {
    const { engine, run } = await started(t)
    await settleAs(engine, run, { kind: 'failed', error: BOOM, retry_at: T0 + 5 })
    const [again] = await claimAll(engine, { now: T0 + 5 })
    const done = await settleAs(engine, again!, { kind: 'completed', result: [1], warning: 'look' }, T0 + 9)
    t.match(done, { state: 'completed', error: null, warning: 'look', attempt: 2, finished_at: T0 + 9, owner: null, lease_until: null })
    t.match(await engine.get(run.id), {
      result: [1],
      attempts: [
        { turn: 1, attempt: 1, outcome: 'failed', error: BOOM, started_at: T0, finished_at: T0 },
        { turn: 2, attempt: 2, outcome: 'completed', started_at: T0 + 5, finished_at: T0 + 9 }
      ]
    })
  })
  t.test('a failure is retried as often as it may be, then the run has failed', async t => {
    const { engine, run } = await started(t, { max_retries: 1 })
    t.match(await settleAs(engine, run, { kind: 'failed', error: BOOM, retry_at: T0 + 5 }), { state: 'queued', due_at: T0 + 5, attempt: 1, error: BOOM })
    t.same(await claimAll(engine, { now: T0 + 4 }), [])
    const [again] = await claimAll(engine, { now: T0 + 5 })
    t.match(await settleAs(engine, again!, { kind: 'failed', error: BOOM, retry_at: T0 + 9 }), { state: 'failed', attempt: 2, error: BOOM })
  })
  t.test('a failure without a next time is the last, whatever is left', async t => {
    const { engine, run } = await started(t)
    t.match(await settleAs(engine, run, { kind: 'failed', error: BOOM, retry_at: null }), { state: 'failed', attempt: 1 })
  })
  t.test('a postponed attempt is given back', async t => {
    const { engine, run } = await started(t)
    t.match(await settleAs(engine, run, { kind: 'postponed', reason: BY_HAND, due_at: T0 + 7 }), { state: 'queued', attempt: 0, turn: 1, due_at: T0 + 7, reason: BY_HAND, owner: null })
    t.match((await engine.get(run.id))!.attempts, [{ turn: 1, attempt: 1, outcome: 'postponed', reason: BY_HAND }])
  })
  t.test('cancelled and skipped end with their reason', async t => {
    for (const kind of ['cancelled', 'skipped'] as const) {
      const { engine, run } = await started(t)
      t.match(await settleAs(engine, run, { kind, reason: BY_HAND }), { state: kind, reason: BY_HAND })
    }
  })
  t.test('a run that was told to stop does not come back, but may complete', async t => {
    for (const [outcome, state] of [
      [{ kind: 'failed', error: BOOM, retry_at: T0 }, 'cancelled'],
      [{ kind: 'postponed', reason: BY_HAND, due_at: T0 }, 'cancelled'],
      [{ kind: 'completed', result: 1 }, 'completed']
    ] as [Outcome, State][]) {
      const { engine, run } = await started(t)
      await engine.cancel({ id: run.id, reason: BY_HAND, now: T0 })
      t.equal((await settleAs(engine, run, outcome))?.state, state, outcome.kind)
    }
  })
  t.test('a stale holder changes nothing, in any call', async t => {
    const { engine, run } = await started(t)
    await settleAs(engine, run, { kind: 'postponed', reason: BY_HAND, due_at: T0 })
    const [now] = await claimAll(engine, { owner: 'you' })
    const before = await engine.get(run.id)
    t.equal(await settleAs(engine, run, OUTCOMES.completed!), null)
    t.equal(await engine.report({ lease: run, now: T0, checkpoint: 1, logs: [{ at: T0, level: 30, text: 'late' }] }), false)
    t.same(await engine.renew([run], T0 + 99), { held: [], lost: [run.id] })
    t.same(await engine.get(run.id), before)
    t.same(await engine.logs({ id: run.id, after: 0, limit: 9 }), [])
    t.ok(await settleAs(engine, now!, OUTCOMES.completed!))
    t.equal(await settleAs(engine, now!, OUTCOMES.failed!), null, 'an end is written once')
  })
}

async function running (t: Test, setup: Setup) {
  t.test('progress, child and log lines are there while it runs', async t => {
    const engine = await setup(t)
    const run = await runIn(engine, 'running')
    const progress = { current: 1, total: 2, message: 'm', unit: null, rate: 1, percentage: 50, eta: 1, at: T0 }
    t.equal(await engine.report({ lease: run, now: T0, progress, child: { pid: 7, started: 's' }, logs: [{ at: T0, level: 30, text: 'one', data: { k: 1 } }] }), true)
    await engine.report({ lease: run, now: T0, logs: [{ at: T0 + 1, level: 40, text: 'two' }] })
    t.match(await engine.get(run.id), { progress, child: { pid: 7, started: 's' } })
    t.same(await engine.logs({ id: run.id, after: 0, limit: 9 }), [
      { seq: 1, attempt: 1, at: T0, level: 30, text: 'one', data: { k: 1 } }, { seq: 2, attempt: 1, at: T0 + 1, level: 40, text: 'two' }
    ])
    t.same((await engine.logs({ id: run.id, after: 1, limit: 9 })).map(({ text }) => text), ['two'])
    await engine.report({ lease: run, now: T0, child: null })
    t.equal((await engine.get(run.id))!.child, null)
  })
  t.test('a renewed lease lasts longer and brings the wish to stop', async t => {
    const engine = await setup(t)
    const run = await runIn(engine, 'running')
    t.same(await engine.renew([run, { id: '00000000000', turn: 1 }], T0 + 60_000), { held: [{ id: run.id, cancel: null }], lost: ['00000000000'] })
    t.equal((await engine.get(run.id))!.lease_until, T0 + 60_000)
    await engine.cancel({ id: run.id, reason: BY_HAND, now: T0 })
    t.same((await engine.renew([run], T0)).held, [{ id: run.id, cancel: BY_HAND }])
  })
}

async function byHand (t: Test, setup: Setup) {
  for (const state of REACHABLE) {
    t.test(`cancel of a ${state} run`, async t => {
      const engine = await setup(t)
      const before = await runIn(engine, state)
      const after = await engine.cancel({ id: before.id, reason: { code: 'stop', message: 'stop' }, now: T0 + 1 })
      if (state === 'queued') t.match(after, { state: 'cancelled', reason: { code: 'stop' }, finished_at: T0 + 1 })
      else if (state === 'running') t.match(after, { state: 'running', cancel: { code: 'stop' } })
      else t.match(after, before)
      t.same(await claimAll(engine, { now: T0 + 9 }), [], 'it does not start')
    })
    t.test(`retry of a ${state} run`, async t => {
      const engine = await setup(t)
      const before = await runIn(engine, state)
      const after = await engine.retry({ id: before.id, now: T0 + 1, due_at: T0 + 1 })
      if (state === 'queued' || state === 'running') return t.match(after, before)
      t.match(after, { state: 'queued', attempt: 0, crashes: 0, turn: 1, error: null, reason: null, cancel: null, finished_at: null, due_at: T0 + 1 })
      t.match(await engine.get(before.id), { result: null, attempts: [{ turn: 1, attempt: 1, outcome: state }] })
      t.match(await claimAll(engine, { now: T0 + 1 }), [{ id: before.id, turn: 2, attempt: 1 }])
    })
  }
  t.test('a run that was never there', async t => {
    const engine = await setup(t)
    for (const id of ['00000000000', 'no such id', '', '../x']) {
      t.equal(await engine.get(id), null)
      t.equal(await engine.cancel({ id, reason: BY_HAND, now: T0 }), null)
      t.equal(await engine.retry({ id, now: T0, due_at: T0 }), null)
      t.same(await engine.logs({ id, after: 0, limit: 1 }), [])
    }
  })
}

async function recovering (t: Test, setup: Setup) {
  const crash = (engine: Engine, more: Partial<Parameters<Engine['recover']>[0]> = {}) =>
    engine.recover({ owner: 'new', now: T0 + 10, restart: 'restart', crash_cap: 3, ...more })
  t.test('what another owner had running is queued again, its attempt given back and the crash counted', async t => {
    const engine = await setup(t)
    const run = await runIn(engine, 'running')
    t.match(await crash(engine), { queued: [{ id: run.id, state: 'queued', attempt: 0, crashes: 1, turn: 1, owner: null }], failed: [] })
    t.match((await engine.get(run.id))!.attempts, [{ turn: 1, attempt: 1, outcome: 'crashed', finished_at: T0 + 10 }])
    t.equal(await settleAs(engine, run, OUTCOMES.completed!), null, 'the one who is no more has no say')
  })
  t.test('our own runs go on', async t => {
    const engine = await setup(t)
    const run = await runIn(engine, 'running')
    t.same(await crash(engine, { owner: 'me' }), { queued: [], failed: [] })
    t.equal((await engine.get(run.id))!.state, 'running')
  })
  t.test('a run that takes the process down time and again is failed, and says so', async t => {
    const engine = await setup(t)
    const run = await addOne(engine, { max_retries: 0 })
    for (let crashes = 1; crashes < 3; crashes++) {
      await claimAll(engine)
      t.match(await crash(engine), { queued: [{ crashes }] })
    }
    await claimAll(engine)
    t.match(await crash(engine), { queued: [], failed: [{ id: run.id, state: 'failed', crashes: 3, attempt: 0, reason: { code: 'crashed' } }] })
    t.match(await engine.retry({ id: run.id, now: T0, due_at: T0 }), { state: 'queued', crashes: 0 })
    t.same((await engine.get(run.id))!.attempts.map(({ outcome }) => outcome), ['crashed', 'crashed', 'crashed'])
  })
  t.test('a run that is not to be restarted is failed as interrupted', async t => {
    const engine = await setup(t)
    await runIn(engine, 'running')
    t.match(await crash(engine, { restart: 'fail' }), { failed: [{ state: 'failed', reason: { code: 'interrupted' } }] })
  })
  t.test('a run that was told to stop is cancelled', async t => {
    const engine = await setup(t)
    const run = await runIn(engine, 'running')
    await engine.cancel({ id: run.id, reason: BY_HAND, now: T0 })
    t.same(await crash(engine), { queued: [], failed: [] })
    t.match(await engine.get(run.id), { state: 'cancelled', reason: BY_HAND })
  })
}

async function planning (t: Test, setup: Setup) {
  t.test('a schedule is kept with its fires, once for each cursor', async t => {
    const engine = await setup(t)
    const [first] = await engine.plan([planAsk({ fires: [fire(T0), fire(T0 + 1, { skipped: BY_HAND })] })])
    t.match(first, { applied: true, added: [{ key: `@${T0}`, schedule: 'a' }], skipped: [{ state: 'skipped' }], coalesced: 0, replaced: [] })
    t.same(await engine.schedules(), [schedule()])
    const next = planAsk({ from: T0, schedule: schedule({ cursor: T0 + 9 }), fires: [fire(T0 + 9)] })
    t.match(await engine.plan([next, next]), [{ applied: true, added: [{}] }, { applied: false, added: [] }])
    t.same(await engine.schedules(), [schedule({ cursor: T0 + 9 })])
    t.match(await engine.plan([planAsk({ from: 5, schedule: schedule({ id: 'never' }) })]), [{ applied: false }])
  })
  t.test('a fire that has its run is not fired again', async t => {
    const engine = await setup(t)
    await engine.plan([planAsk({ fires: [fire(T0)] })])
    for (const overlap of ['skip', 'queue', 'replace', 'allow'] as const) {
      t.match(await engine.plan([planAsk({ fires: [fire(T0)], overlap })]), [{ added: [], skipped: [], coalesced: 0, replaced: [] }])
    }
    t.match((await engine.list({ limit: 9 })).items, [{ state: 'queued', missed: 0 }])
  })
  t.test('skip: a waiting run stands for the fire, a running one has it recorded as skipped', async t => {
    const engine = await setup(t)
    const [plan] = await engine.plan([planAsk({ overlap: 'skip', fires: [fire(T0), fire(T0 + 1, { missed: 3 })] })])
    t.match(plan, { added: [{ key: `@${T0}` }], coalesced: 1 })
    t.equal((await engine.get(plan!.added[0]!.id))!.missed, 4)
    await claimAll(engine)
    const [later] = await engine.plan([planAsk({ overlap: 'skip', fires: [fire(T0 + 2)] })])
    t.match(later, { added: [], coalesced: 0, skipped: [{ state: 'skipped', reason: { code: 'overlap', message: new RegExp(plan!.added[0]!.id) } }] })
  })
  t.test('queue and allow: every fire is a run', async t => {
    for (const overlap of ['queue', 'allow'] as const) {
      const engine = await setup(t)
      t.equal((await engine.plan([planAsk({ overlap, fires: [fire(T0), fire(T0 + 1)] })]))[0]!.added.length, 2)
    }
  })
  t.test('replace: waiting runs are cancelled, running ones told to stop', async t => {
    const engine = await setup(t)
    const first = (await engine.plan([planAsk({ overlap: 'replace', fires: [fire(T0)] })]))[0]!.added[0]!
    const second = (await engine.plan([planAsk({ overlap: 'replace', fires: [fire(T0 + 1)] })]))[0]!
    t.match(second, { added: [{ key: `@${T0 + 1}` }], replaced: [{ id: first.id, state: 'cancelled', reason: { code: 'replaced' } }] })
    await claimAll(engine, { now: T0 + 1 })
    t.match((await engine.plan([planAsk({ overlap: 'replace', fires: [fire(T0 + 2)] })]))[0]!.replaced, [{ state: 'running', cancel: { code: 'replaced' } }])
  })
  t.test('a schedule that is taken away leaves its runs', async t => {
    const engine = await setup(t)
    await engine.plan([planAsk({ fires: [fire(T0)] })])
    t.equal(await engine.unplan('a'), true)
    t.equal(await engine.unplan('a'), false)
    t.same(await engine.schedules(), [])
    t.equal((await engine.list({ limit: 9 })).items.length, 1)
  })
}

async function looking (t: Test, setup: Setup) {
  t.test('count knows every state of a task and what finished last', async t => {
    const engine = await setup(t)
    for (const state of REACHABLE.toReversed()) await runIn(engine, state)
    await addOne(engine, { task: 'b' })
    const [a, b] = (await engine.count()).toSorted((x, y) => x.task < y.task ? -1 : 1)
    t.same(a!.states, { blocked: 0, queued: 1, running: 1, completed: 1, failed: 1, cancelled: 1, skipped: 1 })
    t.match(a!.last, { state: 'completed' })
    t.match(b, { task: 'b', states: { queued: 1 }, last: null })
  })
  t.test('every filter, alone and together, answers what a scan would, page by page', async t => {
    const engine = await setup(t)
    await engine.plan([planAsk()])
    for (const [index, state] of [...REACHABLE, ...REACHABLE].entries()) {
      await runIn(engine, state)
      const at = T0 + index
      await engine.add([fire(at + 1000, { task: 'b', queue: index % 2 ? 'q' : 'default', priority: 'low' }), ask({ due_at: at + 5, source: 'task', queue: 'q' })], at)
    }
    const all = (await engine.list({ limit: 1000 })).items
    t.same(all.map(({ id }) => id), all.map(({ id }) => id).toSorted().toReversed())
    for (const filter of filters()) {
      const expected = all.filter(run => matches(run, filter)).map(({ id }) => id)
      t.same(await pages(engine, filter), expected, JSON.stringify(filter))
    }
  })
  t.test('a cursor that nobody gave out is refused', async t => {
    const engine = await setup(t)
    await t.rejects(engine.list({ limit: 1, cursor: 'nonsense' }), { code: 'OFFPEAK_CURSOR_INVALID' })
  })
}

type Filter = Omit<Parameters<Engine['list']>[0], 'limit' | 'cursor'>

function filters (): Filter[] {
  const found: Filter[] = [{ due_by: T0 + 3 }, { due_by: T0 + 9, task: 'a' }, { due_by: T0, state: ['completed'] }, { state: [] }, { task: 'nobody' }]
  for (const task of [undefined, 'a', 'b']) {
    for (const state of [undefined, ...REACHABLE.map(word => [word]), ['queued', 'running'], ['failed', 'completed', 'queued']] as (State[] | undefined)[]) {
      for (const rest of [{}, { queue: 'q' }, { schedule: 'a' }, { source: 'task' }, { source: 'schedule', queue: 'q' }, { from: T0 + 2, to: T0 + 6 }, { queue: 'q', schedule: 'a', from: T0 + 3 }] as Filter[]) {
        found.push({ ...rest, ...task && { task }, ...state && { state } })
      }
    }
  }
  return found
}

const matches = (run: Run, { task, state, queue, schedule, source, from = 0, to = Infinity, due_by }: Filter): boolean =>
  (task === undefined || run.task === task) && (state === undefined || state.includes(run.state)) &&
  (queue === undefined || run.queue === queue) && (schedule === undefined || run.schedule === schedule) &&
  (source === undefined || run.source === source) && run.created_at >= from && run.created_at < to &&
  (due_by === undefined || (run.state === 'queued' && run.due_at <= due_by))

async function pages (engine: Engine, filter: Filter): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await engine.list({ ...filter, limit: 3, ...cursor && { cursor } })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next ?? undefined
  } while (cursor)
  return ids
}

async function keeping (t: Test, setup: Setup) {
  t.test('sweep takes what is old, then what is beyond the newest, and only what is finished', async t => {
    const engine = await setup(t)
    const runs: Run[] = []
    for (let index = 0; index < 6; index++) {
      await addOne(engine, { priority: index % 2 ? 'low' : 'normal', payload: 1 })
      const run = (await claimAll(engine))[0]!
      runs.push((await settleAs(engine, run, OUTCOMES.completed!, T0 + index))!)
    }
    const waiting = await addOne(engine)
    t.equal(await engine.sweep({ now: T0, before: T0 + 2, keep: 100, limit: 1 }), 1, 'no more than the limit')
    t.equal(await engine.sweep({ now: T0, before: T0 + 2, keep: 100, limit: 9 }), 1)
    t.same((await engine.list({ limit: 9 })).items.map(({ id }) => id), [waiting, ...runs.slice(2).toReversed()].map(({ id }) => id))
    t.equal(await engine.sweep({ now: T0, before: 0, keep: 1, limit: 9 }), 3)
    t.same((await engine.list({ limit: 9 })).items.map(({ id }) => id), [waiting.id, runs[5]!.id])
    t.match(await engine.count(), [{ states: { completed: 1, queued: 1 }, last: { id: runs[5]!.id } }])
    t.equal(await engine.sweep({ now: T0, before: T0 + 99, keep: 0, limit: 9 }), 1)
    t.match(await engine.count(), [{ states: { completed: 0 }, last: null }])
    t.ok((await addOne(engine, {}, 0)).id > waiting.id, 'no id is given twice')
  })
  t.test('a key is free again once its run is swept', async t => {
    const engine = await setup(t)
    await addOne(engine, { key: 'k', skipped: BY_HAND })
    await engine.sweep({ now: T0, before: T0 + 1, keep: 0, limit: 9 })
    t.match(await engine.add([ask({ key: 'k' })], T0), [{ created: true }])
  })
  t.test('what was done by hand is kept, newest first', async t => {
    const engine = await setup(t)
    for (const action of ['pause', 'resume', 'pause']) await engine.record({ at: T0, by: 'ann', action, subject: 'a', detail: { x: [action] } })
    const all = await engine.records({ limit: 9 })
    t.same(all.map(({ action }) => action), ['pause', 'resume', 'pause'])
    t.match(all[1], { at: T0, by: 'ann', subject: 'a', detail: { x: ['resume'] } })
    t.same((await engine.records({ limit: 9, action: 'pause' })).map(({ seq }) => seq), [all[0]!.seq, all[2]!.seq])
    t.same((await engine.records({ limit: 9, before: all[0]!.seq })).map(({ seq }) => seq), [all[1]!.seq, all[2]!.seq])
    t.equal((await engine.records({ limit: 1 })).length, 1)
  })
}

async function living (t: Test, setup: Setup) {
  t.test('calls of one moment are answered each by itself', async t => {
    const engine = await setup(t)
    const answers = await Promise.allSettled(Array.from({ length: 50 }, (_, index) => addOne(engine, index === 7 ? { queue: 'NOT AN ID' } : {})))
    t.same(answers.flatMap(({ status }, index) => status === 'rejected' ? [index] : []), [7])
    t.match(await engine.count(), [{ states: { queued: 49 } }])
  })
  t.test('everything is there again after a stop and a start; start and stop twice are once', async t => {
    const engine = await setup(t)
    await engine.start()
    for (const state of REACHABLE) await runIn(engine, state)
    const [before, count, due] = [await engine.list({ limit: 99 }), await engine.count(), await engine.due(T0)]
    await engine.stop()
    await engine.stop()
    await engine.start()
    t.same(await engine.list({ limit: 99 }), before)
    t.same(await engine.count(), count)
    t.same(await engine.due(T0), due)
    t.match(await engine.health(T0), { ok: true, reason: null })
  })
  t.test('a stopped engine refuses every call', async t => {
    const engine = await setup(t)
    await engine.stop()
    for (const call of CALLS.filter(name => name !== 'health')) {
      await t.rejects((engine[call] as (...args: unknown[]) => Promise<unknown>)(ARGUMENTS[call] ?? {}, T0), { code: 'OFFPEAK_ENGINE_STOPPED' }, call)
    }
    t.match(await engine.health(T0), { ok: false })
  })
}

const ARGUMENTS: Partial<Record<typeof CALLS[number], unknown>> = { add: [], renew: [], plan: [] }
