import t from 'tap'
import { Upkeep } from '../../core/work/upkeep/maintenance.ts'
import { configOf } from '../../core/model/config/config.ts'
import { harness, scratch } from './harness.ts'
import { until } from '../clock.ts'
import type { HarnessOptions, Owner } from './harness.ts'

const DAY = 86_400_000

/** Dead runs: five in a queue of at most three waiting runs, two in a queue without a limit. */
async function deadRuns (t: Owner, options: HarnessOptions = {}) {
  const func = () => {
    throw new Error('no route')
  }
  const work = { kind: 'function', func } as const
  const it = await harness(t, {
    tasks: [{ id: 'mail', queue: 'mail', max_retries: 0, work }, { id: 'free', max_retries: 0, work }, {
      id: 'quiet',
      queue: 'mail'
    }],
    config: { queues: { mail: { max_length: 3 } } },
    ...options
  })
  const ids: string[] = []
  for (const task of ['mail', 'mail', 'free', 'mail', 'free', 'mail', 'mail']) {
    const { run } = await it.desk.enqueue(task)
    await it.reach(run.id, 'failed')
    ids.push(run.id)
  }
  await it.runner.stop()
  const waiting = async () => (await it.desk.runs({ state: ['queued'], limit: 20 })).items
  return { ...it, ids, waiting }
}

t.test('a replay enqueues as many runs as the queues accept, and returns how many were refused', async t => {
  const it = await deadRuns(t)
  await it.desk.enqueue('quiet', { delay: '1h' })
  t.same(await it.desk.dead.replay({ by: 'ann', dry_run: true }), { matched: 7, changed: 0, refused: 3, vanished: 0 })
  t.same(await it.desk.dead.replay({ by: 'ann', every: '10s' }), { matched: 7, changed: 4, refused: 3, vanished: 0 })
  const dues = (await it.waiting()).filter(({ task }) => task !== 'quiet').map(({ due_at: due }) =>
    due - it.clock.now()
  ).toSorted((a, b) => a - b)
  t.same(dues, [0, 10_000, 20_000, 30_000], 'spaced as asked')
  t.equal((await it.desk.queues.get('mail')).depth, 3)
  await t.rejects(it.desk.dead.replay({ by: 'ann' }), { code: 'OFFPEAK_QUEUE_FULL', statusCode: 429, message: /mail/ },
    'the queue is full')
  await t.rejects(it.desk.retry(it.ids[0]!, { by: 'ann' }), { code: 'OFFPEAK_QUEUE_FULL' })
  t.equal((await it.desk.dead.groups())[0]!.count, 3, 'the refused runs are still dead')
  t.same(await it.desk.bulk.change('retry', { filter: { queue: 'default', state: ['failed'] }, by: 'ann' }), {
    matched: 0,
    changed: 0,
    refused: 0
  })
})

t.test('a queue that drops its oldest run drops none for a retried run', async t => {
  const it = await deadRuns(t, { config: { queues: { mail: { max_length: 3, on_full: 'drop_oldest' } } } })
  const { run } = await it.desk.enqueue('quiet', { delay: '1h' })
  t.match(await it.desk.bulk.change('retry', { filter: { task: 'mail' }, by: 'ann' }), {
    matched: 5,
    changed: 2,
    refused: 3
  })
  t.equal((await it.desk.run(run.id)).state, 'queued')
})

t.test('replayed runs are spaced as asked although runs of vanished tasks are remaining out', async t => {
  const it = await deadRuns(t)
  it.tasks.delete('free')
  t.match(await it.desk.dead.replay({ by: 'ann', every: '1m' }), { matched: 5, changed: 3, refused: 2, vanished: 2 })
  t.same((await it.waiting()).map(({ due_at: due }) => due - it.clock.now()).toSorted((a, b) => a - b), [0, 60_000,
    120_000])
  await t.rejects(it.desk.dead.replay({ task: 'free', by: 'ann' }), { code: 'OFFPEAK_TASK_NOT_FOUND' })
})

t.test('two concurrent replays do not both take the last place', async t => {
  const it = await deadRuns(t)
  const results = await Promise.allSettled([
    it.desk.bulk.change('retry', { filter: { task: 'mail' }, by: 'ann', limit: 2 }),
    it.desk.enqueue('quiet', { delay: '1h' }),
    it.desk.enqueue('quiet', { delay: '1h' }),
    it.desk.retry(it.ids[0]!, { by: 'ann' })
  ])
  t.same(results.map(({ status }) => status), ['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  t.equal((await it.desk.queues.get('mail')).depth, 3)
})

t.test('dead runs are kept up to their own maximum age, whatever the limits of other runs', async t => {
  const it = await deadRuns(t)
  const { run } = await it.desk.enqueue('quiet')
  await it.engine.cancel({ id: run.id, reason: { code: 'cancelled', message: '' }, now: it.clock.now() })
  const config = configOf({ retention: { max_age: '1d', max_runs: 1, dead_max_age: '90d' } }, 'UTC')
  const upkeep = new Upkeep({
    ...it,
    folder: () => scratch(t),
    notice: notice => void it.notices.push(notice),
    config: () => config,
    owner: 'me'
  })
  const remaining = async () => (await it.desk.runs({ limit: 20 })).items.map(({ task }) => task)
  await upkeep.sweep()
  it.clock.advance(90 * DAY)
  t.equal(await upkeep.sweep(), 1)
  t.notOk((await remaining()).includes('quiet'))
  t.equal((await remaining()).length, 7, 'they are kept at exactly ninety days')
  it.clock.advance(DAY)
  t.equal(await upkeep.sweep(), 7)
  t.match(it.noticesOf('swept'), [{ removed: 1 }, { removed: 7 }])
  await until('none is listed', async () => (await it.desk.dead.groups()).length === 0)
})
