import t from 'tap'
import { Stop } from '../../core/work/context/stop.ts'
import { SimulatedClock } from '../../core/work/simulate/clock.ts'
import { StopReason } from '../../core/model/run/outcome.ts'
import { attempt } from '../../core/work/execute/attempt.ts'
import { contextFor } from '../../core/work/context/context.ts'
import { fakeClock, START, until } from '../clock.ts'
import { taskOf } from '../task.ts'
import type { Claimed } from '../../core/engine/engine.ts'
import type { Clock } from '../../core/model/base/clock.ts'
import type { Outcome } from '../../core/model/run/outcome.ts'
import type { Task, TaskFunction } from '../../core/model/task/task.ts'

interface Attempt {
  asked?: StopReason
  func: TaskFunction
  task?: Partial<Task>
  graceMs?: number
  charged?: number
  clock?: Clock
}

function setup ({ asked, func, task = {}, graceMs = 20, charged = 1, clock = fakeClock() }: Attempt) {
  const stop = new Stop()
  if (asked) stop.ask(asked)
  const late: number[] = []
  const run = {
    id: 'r',
    attempt: charged,
    task: 'work',
    due_at: START,
    payload: { a: 1 },
    checkpoint: null
  } as unknown as Claimed
  const unused = () => {
    throw new Error('not used in this test')
  }
  const ctx = contextFor({
    run,
    version: 'v',
    stop,
    log: unused,
    progress: {} as never,
    services: () => ({}),
    conditions: { hints: {} as never, onChange: () => () => undefined },
    breathe: async () => undefined,
    save: async () => undefined,
    enqueue: unused
  })
  const outcome = attempt({
    task: taskOf(task),
    run,
    stop,
    clock,
    random: () => 0,
    graceMs,
    work: () => func(ctx),
    overdue: ms => late.push(ms)
  })
  return { stop, outcome, late }
}

const outcomeOf = (ask: Attempt): Promise<Outcome> => setup(ask).outcome

t.test('an attempt that has ended leaves no timer behind', async t => {
  const ends = ({ signal }: Parameters<TaskFunction>[0]) =>
    new Promise(resolve => {
      signal.addEventListener('abort', resolve)
    })
  for (const isStopped of [false, true]) {
    const clock = new SimulatedClock(START)
    const { stop, outcome } = setup({ func: isStopped ? ends : () => 1, task: { timeoutMs: 60_000 }, clock })
    t.equal(clock.nextAt, START + 60_000)
    if (isStopped) stop.ask(new StopReason('stopping', 'for now'))
    await outcome
    t.equal(clock.nextAt, null)
  }
})

t.test('the value that a task returns is its result, stored as plain JSON', async t => {
  t.strictSame(
    await outcomeOf({ func: ({ payload }) => ({ payload, at: new Date(START), none: undefined, big: 10n }) }),
    {
      kind: 'completed',
      result: { payload: { a: 1 }, at: '2026-11-22T12:00:00.000Z', big: '10' }
    }
  )
  t.strictSame(await outcomeOf({ func: () => undefined }), { kind: 'completed', result: null })
})

t.test('an attempt that throws any value fails and is retried after the backoff [F32]', async t => {
  const circular: { cause?: unknown } = new Error('loop')
  circular.cause = circular
  const evil = {
    get message () {
      throw new Error('no')
    }
  }
  const thrown = [new TypeError('bad'), 'text', null, undefined, 7, circular, evil, { message: 'x'.repeat(1e6) },
    new AggregateError([new Error('a')], 'many'), Symbol('s')]
  for (const value of thrown) {
    const outcome = await outcomeOf({
      func: () => {
        throw value
      }
    })
    t.equal(outcome.kind, 'failed')
    if (outcome.kind !== 'failed') continue
    t.equal(outcome.retry_at, START + 15_000)
    t.ok(JSON.stringify(outcome.error).length < 100_000, 'it is bounded')
  }
})

t.test('the backoff doubles with each charged attempt', async t => {
  const outcome = await outcomeOf({
    func: () => {
      throw new Error('no')
    },
    charged: 4
  })
  t.match(outcome, { kind: 'failed', retry_at: START + 120_000 })
})

t.test('skip, retryAfter, fail and warn decide the outcome', async t => {
  t.strictSame(await outcomeOf({ func: ctx => ctx.skip('nothing new') }), {
    kind: 'skipped',
    reason: { code: 'skipped_by_task', message: 'nothing new' }
  })
  t.match(await outcomeOf({ func: ctx => ctx.retryAfter('2m') }), { kind: 'failed', retry_at: START + 120_000 })
  t.match(await outcomeOf({ func: ctx => ctx.fail('wrong password') }), {
    kind: 'failed',
    retry_at: null,
    error: { message: 'wrong password' }
  })
  t.strictSame(await outcomeOf({ func: ctx => ctx.warn('3 unreadable', { files: 9 }) }), {
    kind: 'completed',
    result: { files: 9 },
    warning: '3 unreadable'
  })
})

t.test('a timeout aborts the signal with a reason and fails the attempt, whatever the task returns [F27]', async t => {
  let seen: unknown
  const outcome = await outcomeOf({
    task: { timeoutMs: 10 },
    func: ({ signal }) =>
      new Promise(resolve => {
        signal.addEventListener('abort', () => {
          seen = signal.reason
          resolve('late')
        })
      })
  })
  t.match(outcome, {
    kind: 'failed',
    error: { name: 'StopReason', message: /timeout of 0.01 s/ },
    retry_at: START + 15_000
  })
  t.match(seen, { code: 'timeout' })
})

t.test('a task that ignores its signal loses its slot after the grace, and its end is reported [F28]', async t => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { outcome, late } = setup({ func: () => promise, task: { timeoutMs: 5 }, graceMs: 5 })
  t.match(await outcome, { kind: 'failed' })
  t.strictSame(late, [])
  resolve('at last')
  await until('the late end is reported', () => late.length === 1)
})

t.test('a timeout of zero means no timeout', async t => {
  t.match(await outcomeOf({
    task: { timeoutMs: 0 },
    func: () =>
      new Promise(resolve => {
        setTimeout(resolve, 5, 'done')
      })
  }), { kind: 'completed', result: 'done' })
})

t.test('a stopped task that throws gives its attempt back, and one that returns is completed', async t => {
  const waits: TaskFunction = ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  for (const code of ['stopping', 'yield'] as const) {
    const { stop, outcome } = setup({ func: waits })
    stop.ask(new StopReason(code, 'for now'))
    t.strictSame(await outcome, { kind: 'postponed', reason: { code, message: 'for now' }, due_at: START })
  }
  const { stop, outcome } = setup({
    func: ({ signal }) =>
      new Promise(resolve => {
        signal.addEventListener('abort', () => resolve('all done'))
      })
  })
  stop.ask(new StopReason('stopping', 'for now'))
  t.strictSame(await outcome, { kind: 'completed', result: 'all done' })
})

t.test('a cancelled attempt names who cancelled it, also when the task returns or never ends', async t => {
  for (const func of [() => new Promise(() => undefined),
    ({ signal }: { signal: AbortSignal }) =>
      new Promise(resolve => {
        signal.addEventListener('abort', resolve)
      })]) {
    const { stop, outcome } = setup({ func, graceMs: 5 })
    stop.ask(new StopReason('cancelled', 'not today', 'anna'))
    t.strictSame(await outcome, { kind: 'cancelled', reason: { code: 'cancelled', message: 'not today', by: 'anna' } })
  }
})

t.test('a task that is stopped before it begins does not begin', async t => {
  let began = 0
  const func = () => ++began
  t.match(await outcomeOf({ func, asked: new StopReason('cancelled', 'not today', 'anna') }), {
    kind: 'cancelled',
    reason: { by: 'anna' }
  })
  t.match(await outcomeOf({ func, asked: new StopReason('stopping', 'for now') }), {
    kind: 'postponed',
    reason: { code: 'stopping' }
  })
  t.equal(began, 0)
})

t.test('breathe throws the reason after the run is asked to stop', async t => {
  const steps: number[] = []
  const { stop, outcome } = setup({
    func: async ctx => {
      for (let step = 0; step < 1e6; step++) {
        await ctx.breathe()
        steps.push(step)
      }
    }
  })
  await until('breathe was called often', () => steps.length > 3)
  stop.ask(new StopReason('yield', 'the gates closed'))
  t.match(await outcome, { kind: 'postponed', reason: { code: 'yield' } })
})
