import t from 'tap'
import { harness, scratch } from './harness.ts'
import { until } from '../clock.ts'
import { refilled, drawn, nextStart, whole } from '../../core/model/config/queue.ts'

const SECOND = 1000

const MINUTE = 60 * SECOND

t.test('a rate allows a burst, then one run at a time as it is refilled', async t => {
  const it = await harness(t, {
    tasks: [{ queue: 'api' }],
    config: { queues: { api: { rate: { limit: 3, per: '1m' } } } },
    slots: 10
  })
  for (let count = 0; count < 8; count++) await it.desk.enqueue('work')
  const done = async () => (await it.desk.runs({ state: ['completed'], limit: 20 })).items.length
  const later = async (ms: number) => {
    it.clock.advance(ms)
    it.runner.wake()
    await it.runner.settled()
  }
  await until('the burst is over', async () => await done() === 3)
  await later(0)
  t.equal(await done(), 3)
  const [run] = (await it.desk.runs({ state: ['queued'], limit: 1 })).items
  t.match(it.desk.verdict(run!)!.gates.find(({ gate }) => gate === 'rate'), {
    ok: false,
    code: 'queue_rate',
    clears_at: it.clock.now() + 20 * SECOND,
    certain: true
  })
  await later(19 * SECOND)
  t.equal(await done(), 3, 'not before the rate is refilled')
  await later(SECOND)
  await until('the next one is completed', async () => await done() === 4)
  await later(10 * MINUTE)
  await until('a pause refills it', async () => await done() === 7)
  await later(SECOND)
  t.equal(await done(), 7, 'not above its limit')
})

t.test('a bucket is refilled up to its limit and not emptied by a clock that is set back', t => {
  const rate = { limit: 10, per: 60 }
  let bucket = refilled(undefined, rate, 0)
  for (let start = 0; start < 10; start++) bucket = drawn(bucket, rate, 0)
  t.equal(whole(bucket), 0)
  t.equal(nextStart(bucket, rate), 6 * SECOND)
  t.equal(whole(refilled(bucket, rate, 6 * SECOND)), 1)
  t.equal(whole(refilled(bucket, rate, 6 * SECOND - 1)), 0)
  t.equal(whole(refilled(bucket, rate, 600 * SECOND)), 10)
  t.equal(whole(refilled(refilled(bucket, rate, 6 * SECOND), rate, 0)), 1)
  t.end()
})

t.test('the state of a rate survives a restart', async t => {
  const folder = scratch(t)
  const options = {
    folder,
    tasks: [{ queue: 'api' }],
    config: { queues: { api: { rate: { limit: 10, per: '1h' } } } },
    slots: 10
  }
  const it = await harness(t, options)
  for (let count = 0; count < 10; count++) await it.reach((await it.desk.enqueue('work')).run.id, 'completed')
  await it.close()
  const again = await harness(t, { ...options, at: new Date(it.clock.now() + 6 * MINUTE).toISOString() })
  t.match((await again.desk.queues.get('api')).rate, { limit: 10, left: 1 }, 'refilled by the time since')
  const runs = [(await again.desk.enqueue('work')).run, (await again.desk.enqueue('work')).run] as const
  await again.reach(runs[0].id, 'completed')
  await again.runner.settled()
  t.equal((await again.desk.run(runs[1].id)).state, 'queued')
  t.match(again.desk.verdict(await again.desk.run(runs[1].id))!.gates.find(({ ok }) => !ok), { code: 'queue_rate' })
})

t.test('the starts of a burst are counted by their claims, without other writes', async t => {
  const it = await harness(t, {
    tasks: [{ queue: 'api' }],
    config: { queues: { api: { rate: { limit: 100, per: '1h' } } } },
    slots: 50
  })
  const keep = it.engine.keep
  let calls = 0
  it.engine.keep = async entry => {
    calls++
    return await keep(entry)
  }
  const added = await it.desk.bulk.add(Array.from({ length: 50 }, () => ({ task: 'work' })))
  for (const { run } of added) await it.reach(run.id, 'completed')
  t.equal((await it.engine.due({ now: it.clock.now(), owner: 'me' })).rates.api?.tokens, 50)
  t.match((await it.desk.queues.get('api')).rate, { limit: 100, left: 50 })
  t.equal(calls, 0)
})
