import t from 'tap'
import { harness } from './harness.ts'
import { labelOf } from '../../core/model/run/run.ts'
import { retryAt } from '../../core/model/run/retry.ts'
import { until } from '../clock.ts'

const MINUTE = 60_000

t.test('the delays of a list are used in order, and the last one is repeated', t => {
  const backoff = { kind: 'list' as const, delay: 1, cap: 60, jitter: 0, list: ['10s', '1m', '1h'] }
  t.same([1, 2, 3, 4, 99].map(attempt => retryAt({ attempt, now: 0, random: 0.5, backoff })), [10_000, MINUTE,
    60 * MINUTE, 60 * MINUTE, 60 * MINUTE])
  t.end()
})

t.test('no attempt begins after retry_for, which starts over when the run is replayed', async t => {
  const func = () => {
    throw new Error('the line is dead')
  }
  const it = await harness(t, {
    tasks: [{
      max_retries: 100,
      retryForMs: 100_000,
      backoff: { kind: 'fixed', delay: 40, cap: 60, jitter: 0 },
      work: { kind: 'function', func }
    }]
  })
  const { run } = await it.desk.enqueue('work')
  const after = async (attempts: number) => {
    await until(`attempt ${attempts} is over`,
      async () => (await it.desk.run(run.id)).state !== 'running' && (await it.desk.run(run.id)).attempt === attempts)
    await it.runner.settled()
    it.clock.advance(40_000)
    it.runner.wake()
  }
  for (const attempts of [1, 2, 3]) await after(attempts)
  const dead = await it.reach(run.id, 'failed')
  t.equal(dead.attempt, 3, 'at 0, 40 and 80 s, and not at 120 s')
  t.equal(labelOf(dead, it.clock.now()), 'dead', 'it is dead as if its retries were spent')
  t.match(dead.reason, { code: 'retry_for', message: 'its retries end 1 m 40 s after its first attempt' })
  t.match(await it.desk.dead.groups(), [{ task: 'work', count: 1, message: 'the line is dead' }])
  const { now } = it.clock
  t.match(await it.engine.stats({ from: now() - 3_600_000, to: now() + 1, by: 'task', every: 'all' }), [{
    failed: 1,
    dead: 1,
    retries: 2
  }])
  await it.desk.retry(run.id, { by: 'test' })
  for (const attempts of [1, 2, 3]) await after(attempts)
  t.equal((await it.reach(run.id, 'failed')).attempt, 3)
})
