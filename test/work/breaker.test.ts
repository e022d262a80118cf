import t from 'tap'
import { pauseOf } from '../../core/work/conditions/breaker.ts'
import { gate } from './harness.ts'
import { until } from '../clock.ts'
import { fragile } from './fragile.ts'

const MINUTE = 60_000

const rule = { failures: 3, pauseMs: MINUTE, capMs: 5 * MINUTE }

t.test('failures in a row pause the task, record the pause, and hold further runs', async t => {
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
  t.match(it.noticesOf('recorded'), [{ by: 'breaker', action: 'pause', subject: 'task/work' }])
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  t.match(it.desk.verdict(run), {
    decision: 'hold',
    gates: [{}, { gate: 'paused', clears_at: it.clock.now() + MINUTE }]
  })
})

t.test('it opens at its threshold although many runs fail at once and storage is slow', async t => {
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
    await until('the threshold is reached', () => executed >= failures)
    await until('it is paused', () => it.pauses.list().length === 1)
    await it.runner.settled()
    settled.resolve()
    await it.settled()
    await until('no run is running', async () => (await it.engine.count()).every(({ states }) => states.running === 0))
    await it.runner.settled()
    t.ok(executed >= failures && executed < failures + concurrency,
      `${executed} executed for ${failures}, ${concurrency} at once`)
    t.match(it.pauses.list(), [{ until: it.clock.now() + MINUTE }], 'the first pause')
    t.equal(runs.length, 60)
  }
})

t.test('failures of one run and of several count alike, also over a restart; a skip does not count', async t => {
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

t.test('it opens although a listener of conditions throws', async t => {
  const it = await fragile(t)
  const off = it.conditions.onChange(() => {
    throw new Error('a listener of the host app')
  })
  for (let count = 0; count < 3; count++) await it.once()
  off()
  t.match(it.pauses.list(), [{ by: 'breaker' }])
})

t.test('each pause doubles up to the cap, also over a restart, and the first success closes the breaker', async t => {
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
  t.same(await it.engine.kept({ prefix: 'breaker/' }), [], 'nothing is left in storage')
})

t.test('a success in between resets the count', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  it.mend()
  await it.once()
  t.same(await it.engine.kept({ prefix: 'breaker/' }), [])
  t.same(it.pauses.list(), [])
})

t.test('a pause made by hand is not changed', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  const { run } = await it.desk.enqueue('work', { delay: '1h' })
  await it.pauses.add({ scope: 'task', name: 'work', by: 'ann' })
  it.fails(run)
  await it.settled()
  t.match(it.pauses.list(), [{ by: 'ann', until: null }])
})

t.test('pauses double and never exceed the cap', t => {
  t.same([1, 2, 3, 4, 500].map(trips => pauseOf(rule, trips)), [MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE, 5 * MINUTE])
  t.end()
})
