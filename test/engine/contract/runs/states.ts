import type { BulkAsk, Engine } from '../../../../core/engine/engine.ts'
import { FINAL_STATES, STATES, isFinal } from '../../../../core/model/run/run.ts'
import type { FullRun, NewRun, Run, State } from '../../../../core/model/run/run.ts'
import type { Outcome } from '../../../../core/model/run/outcome.ts'
import { T0, BY_HAND, BOOM, ask, claimAll, crash, fire, planAsk, settleAs } from '../fixtures.ts'
import type { ClaimMore } from '../fixtures.ts'
import { Suite } from '../suite.ts'

type Runs = Record<State, Run>

/** A call for a run in each state. `to`: the next state; a state without an entry refuses the call and changes
 *  nothing. `shows`: further members of a run that the call has changed. */
interface Move {
  act(engine: Engine, run: Run): Promise<unknown>
  to: Partial<Record<State, State | 'gone'>>
  shows?: object
  more?: Partial<NewRun>
}

const LATER = T0 + 60_000
const all = <T>(states: readonly State[], value: T) =>
  Object.fromEntries(states.map(state => [state, value])) as Partial<Record<State, T>>

/** Claims runs of the task a. */
const claimA = (engine: Engine, more: ClaimMore = {}) =>
  claimAll(engine, { tasks: { a: 9 }, lease: LATER - (more.now ?? T0), ...more })

const settle = (outcome: Outcome) => (engine: Engine, run: Run) => settleAs(engine, run, outcome, T0 + 5)
const stopped = (outcome: Outcome) => async (engine: Engine, run: Run) => {
  if (run.state === 'running') await engine.cancel({ id: run.id, reason: BY_HAND, now: T0 })
  await settleAs(engine, run, outcome, T0 + 5)
}
const change = (act: BulkAsk['act'], states: readonly State[] = STATES) => (engine: Engine) =>
  engine.change({
    filter: { task: 'a', state: [...states] },
    act,
    now: T0 + 5,
    limit: 99,
    dry_run: false,
    reason: BY_HAND
  })
const crashed = (restart: 'restart' | 'fail', crash_cap: number) => (engine: Engine) =>
  crash(engine, { now: T0 + 5, restart, crash_cap })
const end = (as: 'skipped' | 'failed') => (engine: Engine, { id }: Run) =>
  engine.end({ id, now: T0 + 5, as, reason: BY_HAND })
const again = (conflict: 'return' | 'replace' | 'reschedule' | 'keep_last') => (engine: Engine, { key }: Run) =>
  engine.add([ask({ key, priority: 'low', due_at: LATER, unique: { until: 'kept', conflict } })], T0 + 5)

const FAILED: Outcome = { kind: 'failed', error: BOOM, retry_at: T0 + 9 }
const DONE: Outcome = { kind: 'completed', result: 1 }
const BACK: Outcome = { kind: 'postponed', reason: BY_HAND, due_at: T0 + 9 }
const WAITING = ['blocked', 'queued'] as const

/** Every call that can change the state of a run. */
const MOVES: Record<string, Move> = {
  'a claim': {
    act: engine => claimA(engine, { now: T0 + 5 }),
    to: { queued: 'running' },
    shows: { turn: 1, attempt: 1, owner: 'me', started_at: T0 + 5 }
  },
  'a claim before it is due': { act: engine => claimA(engine, { now: T0 - 1 }), to: {} },
  'a claim without room': { act: engine => claimA(engine, { tasks: { a: 0 } }), to: {} },
  'a claim of another task': { act: engine => claimA(engine, { tasks: { b: 9 } }), to: {} },
  'completed': { act: settle(DONE), to: { running: 'completed' }, shows: { result: 1, owner: null } },
  'a failure with retries left': {
    act: settle(FAILED),
    to: { running: 'queued' },
    shows: { attempt: 1, due_at: T0 + 9, error: BOOM, started_at: T0, owner: null }
  },
  'a failure with no retries left': {
    act: settle(FAILED),
    to: { running: 'failed' },
    more: { max_retries: 0 },
    shows: { error: BOOM, finished_at: T0 + 5 }
  },
  'a failure that is final': {
    act: settle({ ...FAILED, retry_at: null }),
    to: { running: 'failed' },
    shows: { attempt: 1 }
  },
  'postponed': {
    act: settle(BACK),
    to: { running: 'queued' },
    shows: { attempt: 0, turn: 1, due_at: T0 + 9, reason: BY_HAND }
  },
  'ended as cancelled': { act: settle({ kind: 'cancelled', reason: BY_HAND }), to: { running: 'cancelled' } },
  'ended as skipped': { act: settle({ kind: 'skipped', reason: BY_HAND }), to: { running: 'skipped' } },
  'settled by the owner of the turn before': {
    act: (engine, { id, turn }) => settleAs(engine, { id, turn: turn - 1 }, DONE),
    to: {}
  },
  'settled with a turn to come': {
    act: (engine, { id, turn }) => settleAs(engine, { id, turn: turn + 1 }, DONE),
    to: {}
  },
  'asked to stop, completed': { act: stopped(DONE), to: { running: 'completed' }, shows: { cancel: BY_HAND } },
  'asked to stop, a failure with retries left': {
    act: stopped(FAILED),
    to: { running: 'cancelled' },
    shows: { error: BOOM, reason: BY_HAND }
  },
  'asked to stop, a failure that is final': {
    act: stopped({ ...FAILED, retry_at: null }),
    to: { running: 'cancelled' }
  },
  'asked to stop, postponed': { act: stopped(BACK), to: { running: 'cancelled' }, shows: { attempt: 1 } },
  'asked to stop, skipped': { act: stopped({ kind: 'skipped', reason: BY_HAND }), to: { running: 'skipped' } },
  'cancel': {
    act: (engine, { id }) => engine.cancel({ id, reason: BY_HAND, now: T0 + 5 }),
    to: { ...all(WAITING, 'cancelled'), running: 'running' }
  },
  'retry': {
    act: (engine, { id }) => engine.retry({ id, now: T0 + 5, due_at: T0 + 9 }),
    to: all(FINAL_STATES, 'queued'),
    shows: { attempt: 0, due_at: T0 + 9, result: null, error: null, reason: null }
  },
  'an end as skipped': { act: end('skipped'), to: all(WAITING, 'skipped'), shows: { reason: BY_HAND, turn: 0 } },
  'an end as failed': { act: end('failed'), to: all(WAITING, 'failed'), shows: { reason: BY_HAND, turn: 0 } },
  'an edit': {
    act: (engine, { id }) => engine.edit({ id, now: T0 + 5, by: 'ann', priority: 'low', due_at: T0 + 9 }),
    to: { blocked: 'blocked', queued: 'queued' },
    shows: { priority: 'low', due_at: T0 + 9 }
  },
  'a hold': {
    act: (engine, { id }) => engine.hold([{ owner: 'me', id, at: T0 + 5, code: 'battery', message: '' }]),
    to: { queued: 'queued' },
    shows: { holds: [{ code: 'battery', to: null }] }
  },
  'a report': {
    act: (engine, run) => engine.report({ lease: run, now: T0 + 5, child: { pid: 7, started: 's' } }),
    to: { running: 'running' },
    shows: { child: { pid: 7 } }
  },
  'a beat': {
    act: engine => engine.beat({ owner: 'me', now: T0, until: LATER + 7 }),
    to: { running: 'running' },
    shows: { lease_until: LATER + 7 }
  },
  'a crash': {
    act: crashed('restart', 3),
    to: { running: 'queued' },
    shows: { attempt: 0, crashes: 1, turn: 1, owner: null, finished_at: null }
  },
  'the last allowed crash': {
    act: crashed('restart', 1),
    to: { running: 'failed' },
    shows: { reason: { code: 'crashed' } }
  },
  'a crash without a restart': {
    act: crashed('fail', 3),
    to: { running: 'failed' },
    shows: { reason: { code: 'interrupted' } }
  },
  'a later fire that replaces': {
    act: engine => engine.plan([planAsk({ overlap: 'replace', fires: [fire(LATER)] })]),
    to: { ...all(WAITING, 'cancelled'), running: 'running' }
  },
  'the same key again, returned': { act: again('return'), to: {} },
  'the same key again, replacing': {
    act: again('replace'),
    to: { blocked: 'blocked', queued: 'queued' },
    shows: { priority: 'low', due_at: LATER, nominal_at: LATER }
  },
  'the same key again, rescheduling': {
    act: again('reschedule'),
    to: { blocked: 'blocked', queued: 'queued' },
    shows: { priority: 'normal', due_at: LATER, nominal_at: T0 }
  },
  'the same key again, keeping the last': {
    act: again('keep_last'),
    to: { blocked: 'blocked', queued: 'queued' },
    shows: { priority: 'low' }
  },
  'many are cancelled': { act: change('cancel'), to: { ...all(WAITING, 'cancelled'), running: 'running' } },
  'many are retried': { act: change('retry'), to: all(FINAL_STATES, 'queued'), shows: { attempt: 0 } },
  'many are removed': { act: change('remove'), to: all(FINAL_STATES, 'gone') },
  'many are promoted': {
    act: change('promote'),
    to: { blocked: 'blocked', queued: 'queued' },
    more: { due_at: LATER },
    shows: { due_at: T0 + 5 }
  },
  'discard': {
    act: (engine, { id }) => engine.discard({ id, reason: BY_HAND, now: T0 + 5 }),
    to: all(FINAL_STATES, 'gone')
  },
  'a sweep': {
    act: engine => engine.sweep({ now: LATER, before: LATER, keep: 0, limit: 99 }),
    to: all(FINAL_STATES, 'gone')
  },
  'a sweep of young runs': { act: engine => engine.sweep({ now: T0, before: T0, keep: 99, limit: 99 }), to: {} },
  'its prerequisite is met': { act: engine => prerequisite(engine, DONE), to: { blocked: 'queued' } },
  'its prerequisite is not met': {
    act: engine => prerequisite(engine, { ...FAILED, retry_at: null }),
    to: { blocked: 'skipped' },
    shows: { reason: { code: 'dependency_failed' } }
  },
  'its prerequisite fails and is retried': { act: engine => prerequisite(engine, FAILED), to: {} }
}

/** Settles the prerequisite of the blocked run. */
async function prerequisite (engine: Engine, outcome: Outcome): Promise<void> {
  const [run] = await claimAll(engine, { limit: 1, tasks: { c: 1 } })
  if (run) await settleAs(engine, run, outcome, T0 + 5)
}

const ENDS: Record<typeof FINAL_STATES[number], Outcome> = {
  completed: DONE,
  failed: { ...FAILED, retry_at: null },
  cancelled: { kind: 'cancelled', reason: BY_HAND },
  skipped: { kind: 'skipped', reason: BY_HAND }
}

/** A run of the task a in each state; the blocked one waits for a run of the task c. */
async function oneOfEach (engine: Engine, more: Partial<NewRun> = {}): Promise<Runs> {
  const asked = (state: State, extra: Partial<NewRun> = {}) =>
    ask({ key: state, schedule: 'a', max_retries: 2, ...more, ...extra })
  const [first] = await engine.add([ask({ task: 'c' })], T0)
  const states: State[] = [...FINAL_STATES, 'running']
  await engine.add(states.map(state => asked(state, { due_at: T0 })), T0)
  const found: Partial<Runs> = {}
  for (const run of await claimA(engine)) {
    const state = run.key as State
    found[state] = isFinal(state) ? (await settleAs(engine, run, ENDS[state as 'completed']))! : run
  }
  const [queued, blocked] = await engine.add([asked('queued'),
    asked('blocked', { after: [{ run: first!.run.id, condition: 'completed' }] })], T0)
  return { ...found, queued: queued!.run, blocked: blocked!.run } as Runs
}

const whole = async (engine: Engine, runs: Runs): Promise<Record<State, FullRun | null>> =>
  Object.fromEntries(
    await Promise.all(STATES.map(async state => [state, await engine.get(runs[state].id)] as const))
  ) as Record<State, FullRun | null>

const isOwned = ({ owner }: Run) => owner !== null

/** Every state with every call: an allowed call moves the run, any other changes nothing. */
export const states = new Suite()

for (const [name, { act, to, shows = {}, more }] of Object.entries(MOVES)) {
  const moves = Object.entries(to).map(([from, state]) => `${from} → ${state}`).join(', ')
  states.test(`${name}: ${moves || 'moves nothing'}`, async (t, setup) => {
    const engine = await setup(t)
    const runs = await oneOfEach(engine, more)
    const before = await whole(engine, runs)
    for (const state of STATES) t.equal(before[state]!.state, state, `a ${state} run is there`)
    for (const state of STATES) await act(engine, { ...runs[state], state })
    const after = await whole(engine, runs)
    for (const state of STATES) {
      const wanted = to[state]
      if (wanted === 'gone') t.equal(after[state], null, `${state} is gone`)
      else if (wanted === undefined) t.strictSame(after[state], before[state], `${state} is as it was`)
      else t.match(after[state], { ...shows, state: wanted }, `${state} becomes ${wanted}`)
      if (wanted !== undefined && wanted !== 'gone') t.notSame(after[state], before[state], 'the run has changed')
    }
    const left = Object.values(after).filter(run => run !== null)
    for (const run of left) {
      t.equal(isOwned(run), run.state === 'running', `${run.state}: running runs alone have an owner`)
      t.equal(run.finished_at !== null, isFinal(run.state), `${run.state}: finished runs alone have an end`)
    }
    const [counted] = (await engine.count()).filter(({ task }) => task === 'a')
    const { items } = await engine.list({ task: 'a', limit: 99 })
    for (const state of STATES) {
      t.equal(counted!.states[state], items.filter(run => run.state === state).length, `the ${state} are counted`)
    }
  })
}

states.test('a run that has left `blocked` is not changed by its prerequisite', async (t, setup) => {
  for (const way of [MOVES.cancel!, MOVES['an end as skipped']!, MOVES['an end as failed']!]) {
    for (const outcome of [DONE, ENDS.failed]) {
      const engine = await setup(t)
      const { blocked } = await oneOfEach(engine)
      await way.act(engine, blocked)
      const before = await engine.get(blocked.id)
      await prerequisite(engine, outcome)
      const { after, ...rest } = (await engine.get(blocked.id))!
      t.match(before, rest)
      t.equal(after[0]!.state, outcome.kind)
    }
  }
})
