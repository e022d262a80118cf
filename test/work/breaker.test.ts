import t from 'tap'
import { Breaker, pauseOf } from '../../core/work/conditions/breaker.ts'
import { Pauses } from '../../core/work/conditions/pauses.ts'
import { gate, harness } from './harness.ts'
import { until } from '../clock.ts'
import type { HarnessOptions, Owner } from './harness.ts'
import type { Run } from '../../core/model/run/run.ts'
import type { Task } from '../../core/model/task/task.ts'

const MINUTE = 60_000
const rule = { failures: 3, pauseMs: MINUTE, capMs: 5 * MINUTE }

/** A task that works when it is told to, behind a breaker. */
async function fragile (t: Owner, over: Partial<Task> = {}, options: HarnessOptions = {}) {
  let works = false
  const func = () => {
    if (!works) throw new Error('the line is dead')
    return 'done'
  }
  let breaker: Breaker | null = null
  const it = await harness(t, {
    tasks: [{ breaker: rule, max_retries: 0, work: { kind: 'function', func }, ...over }],
    ...options,
    onNotice: notice => breaker?.hear(notice),
    ended: (run, outcome) => breaker?.ended(run, outcome)
  })
  const pauses = new Pauses(it)
  const restart = async () => {
    breaker = new Breaker({ ...it, pauses, notice: said => void it.notices.push(said), tasks: () => it.tasks })
    await breaker.load()
  }
  await restart()
  const ended = async (id: string) => {
    await until('it is over', () => it.said('settled').some(said => said.kind === 'settled' && said.run.id === id))
    await breaker!.settled()
  }
  const once = async () => {
    const { run } = await it.desk.enqueue('work')
    await ended(run.id)
    return run
  }
  /** Lets the pause that is in force end. */
  const wait = (ms: number) => {
    it.clock.advance(ms)
    it.conditions.pause(pauses.list())
  }
  return {
    ...it,
    pauses,
    once,
    over: ended,
    wait,
    fails: (run: Run) =>
      breaker!.ended(run, { kind: 'failed', error: { name: 'Error', message: 'late' }, retry_at: null }),
    settled: () => breaker!.settled(),
    mend: () => {
      works = true
    },
    restart
  }
}

t.test('failures in a row pause the task, say so, and hold what comes', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  t.same(it.pauses.list(), [])
  await it.once()
  t.match(it.pauses.list(), [{
    scope: 'task',
    name: 'work',
    by: 'breaker',
    until: it.clock.now() + MINUTE,
    reason: /3 attempts in a row failed: the line is dead/
  }])
  t.match(it.said('recorded'), [{ by: 'breaker', action: 'pause', subject: 'task/work' }])
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  t.match(it.desk.verdict(run), {
    decision: 'hold',
    gates: [{}, { gate: 'paused', clears_at: it.clock.now() + MINUTE }]
  })
})

t.test('it opens at its number although many fail at once and the disk takes its time, and nothing starts in between', async t => {
  for (const [failures, concurrency] of [[1, 1], [3, 1], [10, 1], [10, 4], [3, 20]] as const) {
    let executed = 0
    const func = async () => {
      executed++
      await new Promise(setImmediate)
      throw new Error('the line is dead')
    }
    const it = await fragile(t, { breaker: { ...rule, failures }, concurrency, work: { kind: 'function', func } }, {
      slots: 20
    })
    const settled = Promise.withResolvers<void>()
    const { settle } = it.engine
    it.engine.settle = async settlement => {
      await settled.promise
      return await settle(settlement)
    }
    const runs = await Promise.all(Array.from({ length: 60 }, () => it.desk.enqueue('work')))
    await until('as many have failed as it takes', () => executed >= failures)
    await until('it is paused', () => it.pauses.list().length === 1)
    await it.runner.settled()
    settled.resolve()
    await it.settled()
    await until('what had begun is over', async () =>
      (await it.engine.count()).every(({ states }) => states.running === 0))
    await it.runner.settled()
    t.ok(executed >= failures && executed < failures + concurrency,
      `${executed} executed for ${failures}, ${concurrency} at once`)
    t.match(it.pauses.list(), [{ until: it.clock.now() + MINUTE }], 'for the first time')
    t.equal(runs.length, 60)
  }
})

t.test('attempts of one run and of many count alike, over a restart, and what says nothing of the task is not counted', async t => {
  let attempt = 0
  const func = (ctx: { skip(reason: string): never }) => {
    if (++attempt === 2) ctx.skip('nothing new')
    throw new Error('the line is dead')
  }
  const it = await fragile(t, {
    max_retries: 5,
    work: { kind: 'function', func: func as never },
    backoff: { kind: 'fixed', delay: 1, cap: 1, jitter: 0 }
  })
  const { run } = await it.desk.enqueue('work')
  await until('it has failed once', async () => (await it.engine.get(run.id))!.attempts.length === 1)
  await it.settled()
  t.match(await it.engine.kept({ prefix: 'breaker/' }), [{ value: { failures: 1, trips: 0 } }])
  await it.restart()
  it.clock.advance(1000)
  it.runner.wake()
  await it.reach(run.id, 'skipped')
  await it.desk.enqueue('work')
  await until('the next one has failed once', () => attempt === 3)
  await it.settled()
  t.same(it.pauses.list(), [])
  it.clock.advance(1000)
  it.runner.wake()
  await until('it is paused at the third failure', () => it.pauses.list().length === 1)
  t.equal(attempt, 4)
})

t.test('the success of a run that began before the pause does not close the breaker', async t => {
  const held = gate()
  const func = async (ctx: { payload: unknown, run_id: string, signal: AbortSignal }) => {
    if (ctx.payload === 'fail') throw new Error('the line is dead')
    await held.func(ctx)
  }
  const it = await fragile(t, { work: { kind: 'function', func: func as never } })
  const { run } = await it.desk.enqueue('work', { payload: 'wait' })
  for (let count = 0; count < 3; count++) await it.over((await it.desk.enqueue('work', { payload: 'fail' })).run.id)
  held.letGo()
  await it.reach(run.id, 'completed')
  await it.settled()
  t.match(it.pauses.list(), [{ by: 'breaker' }])
})

t.test('a listener that throws does not silence it', async t => {
  const it = await fragile(t)
  const off = it.conditions.onChange(() => {
    throw new Error('a listener of the host app')
  })
  for (let count = 0; count < 3; count++) await it.once()
  off()
  t.match(it.pauses.list(), [{ by: 'breaker' }])
})

t.test('each pause is twice as long up to the cap, over a restart too, and the first success closes it', async t => {
  const it = await fragile(t)
  for (let count = 0; count < 3; count++) await it.once()
  const spans: number[] = []
  for (let trip = 0; trip < 3; trip++) {
    it.wait(10 * MINUTE)
    if (trip === 1) await it.restart()
    await it.once()
    spans.push(it.pauses.list()[0]!.until! - it.clock.now())
  }
  t.same(spans, [2 * MINUTE, 4 * MINUTE, 5 * MINUTE])
  it.wait(10 * MINUTE)
  it.mend()
  await it.once()
  t.same(it.pauses.list(), [])
  t.same(await it.engine.kept({ prefix: 'breaker/' }), [], 'as if nothing had been')
})

t.test('a success in between begins the count anew', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  it.mend()
  await it.once()
  t.same(await it.engine.kept({ prefix: 'breaker/' }), [])
  t.same(it.pauses.list(), [])
})

t.test('a pause made by hand is left as it is', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  const { run } = await it.desk.enqueue('work', { delay: '1h' })
  await it.pauses.add({ scope: 'task', name: 'work', by: 'ann' })
  it.fails(run)
  await it.settled()
  t.match(it.pauses.list(), [{ by: 'ann', until: null }])
})

/** A task that was paused once and whose pause is over: ten runs wait, and each goes as its payload says once it is let
 *  go. */
async function halfOpen (t: Owner) {
  const held = gate()
  const func = async (ctx: { payload: unknown, run_id: string, signal: AbortSignal }) => {
    if (ctx.payload === 'fail at once') throw new Error('the line is dead')
    await held.func(ctx)
    if (ctx.payload === 'fail') throw new Error('still dead')
  }
  const it = await fragile(t, { work: { kind: 'function', func: func as never }, concurrency: 10 }, { slots: 20 })
  const ask = async (payload: unknown) => (await it.desk.enqueue('work', { payload })).run.id
  for (let count = 0; count < 3; count++) await it.over(await ask('fail at once'))
  const waiting: string[] = []
  const next = async (payload: unknown, many = 1) => {
    for (let count = 0; count < many; count++) waiting.push(await ask(payload))
  }
  const running = async () => (await it.desk.runs({ state: ['running'], limit: 20 })).items.map(({ id }) => id)
  const settled = async () => {
    await it.settled()
    await it.runner.settled()
  }
  return { ...it, held, ask, next, waiting, running, settled }
}

t.test('after a pause exactly one of many runs starts, and the others wait for it with the reason', async t => {
  const it = await halfOpen(t)
  await it.next('works', 10)
  it.wait(MINUTE)
  await until('one runs', () => it.held.started.length === 1)
  await it.settled()
  t.same(await it.running(), [it.waiting[0]])
  const second = await it.desk.run(it.waiting[1]!)
  t.match(it.desk.verdict(second), {
    decision: 'hold',
    gates: [{}, {
      gate: 'breaker',
      ok: false,
      code: 'breaker_trial',
      message: new RegExp(it.waiting[0]!),
      observed: it.waiting[0]
    }]
  })
  await until('it is noted', async () => (await it.desk.run(it.waiting[1]!)).holds.length > 0)
  t.match((await it.desk.run(it.waiting[1]!)).holds.at(-1), { code: 'breaker_trial', to: null })
  it.held.letGo()
  await until('the others run', () => it.held.started.length === 10)
  t.same(await it.engine.kept({ prefix: 'breaker/' }), [], 'its success closes the breaker')
  it.held.letGo()
})

t.test('a trial that fails opens the breaker again for longer, and no other run slips in before', async t => {
  const it = await halfOpen(t)
  await it.next('fail')
  await it.next('works', 9)
  it.wait(MINUTE)
  await until('one runs', () => it.held.started.length === 1)
  const keep = it.engine.keep
  const gated = Promise.withResolvers<void>()
  it.engine.keep = async entry => {
    await gated.promise
    return await keep(entry)
  }
  it.held.letGo()
  await it.reach(it.waiting[0]!, 'failed')
  await it.runner.settled()
  t.same(it.pauses.list(), [], 'the disk has not heard of it yet')
  t.same(await it.running(), [])
  gated.resolve()
  await it.settled()
  t.match(it.pauses.list(), [{ until: it.clock.now() + 2 * MINUTE, reason: /failed again after a pause: still dead/ }])
  it.wait(2 * MINUTE)
  await until('the next one tries', () => it.held.started.length === 2)
  await it.settled()
  t.same(await it.running(), [it.waiting[1]])
  it.held.letGo()
  await until('all others run', () => it.held.started.length === 10)
  it.held.letGo()
})

t.test('a trial that we end says nothing: the next run tries', async t => {
  const it = await halfOpen(t)
  await it.next('works', 3)
  it.wait(MINUTE)
  await until('one runs', () => it.held.started.length === 1)
  await it.desk.cancel(it.waiting[0]!, { by: 'ann' })
  await until('another one tries', () => it.held.started.length === 2)
  await it.settled()
  t.same(await it.running(), [it.waiting[1]])
  it.held.letGo()
  await until('the last one runs', () => it.held.started.length === 3)
  it.held.letGo()
})

t.test('a restart in between leaves the task to be tried with one run', async t => {
  const it = await halfOpen(t)
  it.wait(MINUTE)
  await it.restart()
  await it.next('works', 4)
  await until('one runs', () => it.held.started.length === 1)
  await it.settled()
  t.equal((await it.running()).length, 1)
  it.held.letGo()
  await until('the others run', () => it.held.started.length === 4)
  it.held.letGo()
})

t.test('the failure of a run that was under way when the task was paused does not count against the one that tries', async t => {
  const it = await fragile(t)
  const { run } = await it.desk.enqueue('work', { delay: '1h' })
  for (let count = 0; count < 3; count++) await it.once()
  it.wait(MINUTE)
  it.fails(run)
  await it.settled()
  t.same(it.pauses.list(), [])
})

t.test('the pauses grow by doubling and never past the cap', t => {
  t.same([1, 2, 3, 4, 500].map(trips => pauseOf(rule, trips)), [MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE, 5 * MINUTE])
  t.end()
})
