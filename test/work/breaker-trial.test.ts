import t from 'tap'
import { gate } from './harness.ts'
import { until } from '../clock.ts'
import type { Owner } from './harness.ts'
import { fragile } from './fragile.ts'

const MINUTE = 60_000

/** A task whose breaker has opened once. A run fails at once, fails after `letGo()` or completes, as its payload
 *  says. */
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

t.test('after a pause exactly one of many runs starts, and the others are held with a reason', async t => {
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
  await until('the hold is stored', async () => (await it.desk.run(it.waiting[1]!)).holds.length > 0)
  t.match((await it.desk.run(it.waiting[1]!)).holds.at(-1), { code: 'breaker_trial', to: null })
  it.held.letGo()
  await until('the others run', () => it.held.started.length === 10)
  t.same(await it.engine.kept({ prefix: 'breaker/' }), [], 'its success closes the breaker')
  it.held.letGo()
})

t.test('a trial that fails opens the breaker again for longer, and no other run starts before that', async t => {
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
  t.same(it.pauses.list(), [], 'the pause is not stored yet')
  t.same(await it.running(), [])
  gated.resolve()
  await it.settled()
  t.match(it.pauses.list(), [{ until: it.clock.now() + 2 * MINUTE, reason: /failed again after a pause: still dead/ }])
  it.wait(2 * MINUTE)
  await until('the next trial runs', () => it.held.started.length === 2)
  await it.settled()
  t.same(await it.running(), [it.waiting[1]])
  it.held.letGo()
  await until('all others run', () => it.held.started.length === 10)
  it.held.letGo()
})

t.test('a trial that is cancelled leaves the breaker as it is, and the next run is the trial', async t => {
  const it = await halfOpen(t)
  await it.next('works', 3)
  it.wait(MINUTE)
  await until('one runs', () => it.held.started.length === 1)
  await it.desk.cancel(it.waiting[0]!, { by: 'ann' })
  await until('another trial runs', () => it.held.started.length === 2)
  await it.settled()
  t.same(await it.running(), [it.waiting[1]])
  it.held.letGo()
  await until('the last one runs', () => it.held.started.length === 3)
  it.held.letGo()
})

t.test('after a restart one run is the trial', async t => {
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

t.test('the failure of a run that began before the pause does not fail the trial', async t => {
  const it = await fragile(t)
  const { run } = await it.desk.enqueue('work', { delay: '1h' })
  for (let count = 0; count < 3; count++) await it.once()
  it.wait(MINUTE)
  it.fails(run)
  await it.settled()
  t.same(it.pauses.list(), [])
})
