import t from 'tap'
import { Breaker, pauseOf } from '../../core/work/breaker.ts'
import { Pauses } from '../../core/work/pauses.ts'
import { house } from './house.ts'
import { retryAt } from '../../core/model/retry.ts'
import { until } from '../clock.ts'
import type { Owner } from './house.ts'
import type { Task } from '../../core/model/task.ts'

const MINUTE = 60_000
const rule = { failures: 3, pauseMs: MINUTE, capMs: 5 * MINUTE }

/** A task that works when it is told to, behind a breaker. */
async function fragile (t: Owner, over: Partial<Task> = {}) {
  let works = false
  const func = () => {
    if (!works) throw new Error('the line is dead')
    return 'done'
  }
  const it = await house(t, { tasks: [{ breaker: rule, max_retries: 0, work: { kind: 'function', func }, ...over }] })
  const pauses = new Pauses({ ...it, notice: said => void it.notices.push(said) })
  const make = () => new Breaker({ ...it, pauses, notice: said => void it.notices.push(said), tasks: () => it.tasks })
  let breaker = make()
  let heard = 0
  const hear = async () => {
    for (const said of it.notices.splice(heard)) {
      it.notices.push(said)
      heard++
      breaker.hear(said)
    }
    await breaker.settled()
    heard = it.notices.length
  }
  const once = async () => {
    const { run } = await it.desk.enqueue('work')
    await until('it is over', () => it.said('settled').some(said => said.kind === 'settled' && said.run.id === run.id))
    await hear()
    return run
  }
  return { ...it, pauses, once, hear, mend: () => { works = true }, restart: () => { breaker = make() } }
}

t.test('failures in a row pause the task, say so, and hold what comes', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  t.same(it.pauses.list(), [])
  await it.once()
  t.match(it.pauses.list(), [{ scope: 'task', name: 'work', by: 'breaker', until: it.clock.now() + MINUTE, reason: /3 attempts in a row failed: the line is dead/ }])
  t.match(it.said('recorded'), [{ by: 'breaker', action: 'pause', subject: 'task/work' }])
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  t.match(it.desk.verdict(run), { decision: 'hold', gates: [{}, { gate: 'paused', clears_at: it.clock.now() + MINUTE }] })
})

t.test('each pause is twice as long up to the cap, over a restart too, and the first success closes it', async t => {
  const it = await fragile(t)
  for (let count = 0; count < 3; count++) await it.once()
  const spans: number[] = []
  for (let trip = 0; trip < 3; trip++) {
    it.clock.advance(10 * MINUTE)
    it.situation.pause(it.pauses.list())
    if (trip === 1) it.restart()
    await it.once()
    spans.push(it.pauses.list()[0]!.until! - it.clock.now())
  }
  t.same(spans, [2 * MINUTE, 4 * MINUTE, 5 * MINUTE])
  it.clock.advance(10 * MINUTE)
  it.situation.pause(it.pauses.list())
  it.mend()
  await it.once()
  t.same(it.pauses.list(), [])
  t.same(await it.engine.kept('breaker/'), [], 'as if nothing had been')
})

t.test('a success in between begins the count anew', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  it.mend()
  await it.once()
  t.same(await it.engine.kept('breaker/'), [])
  t.same(it.pauses.list(), [])
})

t.test('a pause made by hand is left as it is', async t => {
  const it = await fragile(t)
  await it.once()
  await it.once()
  const { run } = await it.desk.enqueue('work', { delay: '1h' })
  await it.pauses.add({ scope: 'task', name: 'work', by: 'ann' })
  it.notices.push({ kind: 'settled', run: { ...run, error: { name: 'Error', message: 'late' } }, outcome: 'failed', ms: 1 })
  await it.hear()
  t.match(it.pauses.list(), [{ by: 'ann', until: null }])
})

t.test('the pauses grow by doubling and never past the cap', t => {
  t.same([1, 2, 3, 4, 500].map(trips => pauseOf(rule, trips)), [MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE, 5 * MINUTE])
  t.end()
})

t.test('the waits of a list come one by one, and the last one stays', t => {
  const backoff = { kind: 'list' as const, delay: 1, cap: 60, jitter: 0, list: ['10s', '1m', '1h'] }
  t.same([1, 2, 3, 4, 99].map(attempt => retryAt({ attempt, now: 0, random: 0.5, backoff })), [10_000, MINUTE, 60 * MINUTE, 60 * MINUTE, 60 * MINUTE])
  t.end()
})

t.test('no attempt begins later than the task goes on trying, counted anew when it is played again', async t => {
  const it = await fragile(t, { breaker: null, max_retries: 100, retryForMs: 100_000, backoff: { kind: 'fixed', delay: 40, cap: 60, jitter: 0 } })
  const { run } = await it.desk.enqueue('work')
  const after = async (attempts: number) => {
    await until(`attempt ${attempts} is over`, async () => (await it.desk.run(run.id)).state !== 'running' && (await it.desk.run(run.id)).attempt === attempts)
    await it.runner.settled()
    it.clock.advance(40_000)
    it.runner.wake()
  }
  for (const attempts of [1, 2, 3]) await after(attempts)
  t.equal((await it.reach(run.id, 'failed')).attempt, 3, 'at 0, 40 and 80 s, and not at 120 s')
  await it.desk.retry(run.id, { by: 'test' })
  for (const attempts of [1, 2, 3]) await after(attempts)
  t.equal((await it.reach(run.id, 'failed')).attempt, 3)
})
