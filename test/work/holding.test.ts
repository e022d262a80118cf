import t from 'tap'
import { until } from '../clock.ts'
import type { Reading } from '../../core/model/machine/reading.ts'
import type { Task } from '../../core/model/task/task.ts'
import { laptop } from './laptop.ts'

const SECOND = 1000

const MINUTE = 60 * SECOND

const HOUR = 60 * MINUTE

const onMains: Partial<Task> = { constraints: { power: 'mains' } }

t.test('a run of a task that needs mains is held with that reason, and starts when mains power returns', async t => {
  const it = await laptop(t, { tasks: [onMains] })
  await it.see(it.battery(80))
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  t.match(await it.desk.task('work'), { status: 'held', held: { code: /./, message: /battery/ } })
  t.match(it.noticesOf('held'), [{ run: { id: run.id }, message: /battery/ }])
  await it.later(2 * HOUR)
  await it.later(12 * MINUTE, it.mains())
  await it.reach(run.id, 'completed')
  const full = (await it.engine.get(run.id))!
  t.strictSame(full.holds.map(({ from, to }) => to! - from), [2 * HOUR + 12 * MINUTE],
    'the length of the hold is stored')
})

t.test('the runner starts a run if and only if the verdict says start', async t => {
  const it = await laptop(t, { tasks: [{ constraints: { battery_above: 60, cpu_below: 0.5, network: 'unmetered' } }] })
  const cases: Partial<Reading>[] = []
  for (const level of [40, 90]) {
    for (const busy of [0.1, 0.9]) {
      for (const metered of [true, false]) {
        cases.push({
          ...it.battery(level),
          cpu: { busy, own: 0, load: 0, cores: 4 },
          network: { online: true, metered, bytes_per_s: 0 }
        })
      }
    }
  }
  let started = 0
  for (const reading of cases) {
    // Each reading lasts longer than the dwell.
    for (let sample = 0; sample < 14; sample++) await it.later(10 * SECOND, reading)
    const { run } = await it.desk.enqueue('work', { delay: '1s' })
    const verdict = it.runner.verdicts.of({ ...run, due_at: 0 })
    await it.later(SECOND)
    if (verdict.decision === 'start') await it.reach(run.id, 'completed')
    const { state } = (await it.engine.get(run.id))!
    t.equal(state, verdict.decision === 'start' ? 'completed' : 'queued',
      JSON.stringify(verdict.gates.filter(({ ok }) => !ok).map(({ gate }) => gate)))
    if (state === 'completed') started++
    else await it.desk.cancel(run.id, { by: 'test' })
  }
  t.equal(started, 1)
})

t.test('a held run starts, is skipped or fails at its deadline, as its task says', async t => {
  const tasks = (['run', 'skip', 'fail'] as const).map(then => ({
    ...onMains,
    id: then,
    on_deadline: then,
    deadlineMs: HOUR
  }))
  const it = await laptop(t, { tasks })
  await it.see(it.battery(80))
  const ids = await Promise.all(tasks.map(async ({ id }) => (await it.desk.enqueue(id)).run.id))
  await it.later(59 * MINUTE)
  t.strictSame(await Promise.all(ids.map(async id => (await it.engine.get(id))!.state)), ['queued', 'queued', 'queued'])
  await it.later(MINUTE)
  await it.reach(ids[0]!, 'completed')
  t.match(await it.reach(ids[1]!, 'skipped'), {
    reason: { code: 'deadline', message: /held until its deadline: .*battery/ }
  })
  t.match(await it.reach(ids[2]!, 'failed'), { reason: { code: 'deadline' }, error: { name: 'DeadlinePassed' } })
})

t.test('a run behind a more urgent run of its task meets its deadline, whether enqueued or scheduled', async t => {
  const it = await laptop(t, {
    tasks: [{ ...onMains, on_deadline: 'skip', deadlineMs: HOUR, trigger: 'cron', trigger_args: { minute: 0 } }],
    at: '2026-11-22T12:00:00Z'
  })
  await it.see(it.battery(80))
  const { run: asked } = await it.desk.enqueue('work', { priority: 'low' })
  await it.later(30 * MINUTE)
  const { run: urgent } = await it.desk.enqueue('work', { priority: 'high' })
  await it.later(30 * MINUTE)
  t.match(await it.reach(asked.id, 'skipped'), { reason: { code: 'deadline' } })
  t.equal((await it.engine.get(urgent.id))!.state, 'queued')
  await it.desk.cancel(urgent.id, { by: 'ann' })
  await it.fire()
  const [fired] = (await it.engine.list({ source: 'schedule', limit: 1 })).items
  await it.later(30 * MINUTE)
  await it.desk.enqueue('work', { priority: 'high' })
  await it.later(30 * MINUTE)
  t.match(await it.reach(fired!.id, 'skipped'), { reason: { code: 'deadline' } })
})

t.test('a critical run passes every gate except safety', async t => {
  const it = await laptop(t, { tasks: [onMains] })
  await it.see({ ...it.battery(5), cpu: { busy: 1, own: 0, load: 9, cores: 4 } })
  const urgent = await it.desk.enqueue('work', { priority: 'critical' })
  await it.reach(urgent.run.id, 'completed')
  await it.see({ disks: [{ path: '/', free_bytes: 1000, used: 1 }] })
  const full = await it.desk.enqueue('work', { priority: 'critical' })
  await it.runner.settled()
  t.match(await it.desk.task('work'), { status: 'held', held: { message: /free/ } })
  t.equal((await it.engine.get(full.run.id))!.state, 'queued')
})

t.test('a flapping battery level changes the verdict at most six times in three minutes', async t => {
  const it = await laptop(t, { tasks: [{ class: 'background', overlap: 'allow' }] })
  await it.see(it.battery(49))
  for (let second = 0; second < 180; second++) {
    await it.desk.enqueue('work')
    await it.later(SECOND, it.battery(second % 2 === 0 ? 51 : 49))
  }
  const flips = it.noticesOf('held').length + it.noticesOf('released').length
  t.ok(flips <= 6, `${flips} changes in three minutes`)
})

t.test('at most the slots of the power profile are used, however many runs arrive', async t => {
  let now = 0
  let most = 0
  const it = await laptop(t, {
    slots: 20,
    tasks: [{
      overlap: 'allow',
      work: {
        kind: 'function',
        func: async () => {
          most = Math.max(most, ++now)
          await new Promise(resolve => {
            setImmediate(resolve)
          })
          now--
        }
      }
    }],
    config: { scheduling: { priority_slots: 'never' } }
  })
  await it.see(it.battery(90))
  await Promise.all(Array.from({ length: 40 }, () => it.desk.enqueue('work')))
  await until('all are completed', async () => {
    await it.runner.settled()
    return (await it.engine.count())[0]?.states.completed === 40
  })
  t.ok(most <= 3, `${most} at once in battery_normal`)
})

t.test('a gate that throws holds its run with the error, and other runs start', async t => {
  const it = await laptop(t, {
    tasks: [{
      id: 'odd',
      constraints: {
        get window (): string {
          throw new Error('odd window')
        }
      }
    }, { id: 'plain' }]
  })
  await it.see(it.mains())
  await it.desk.enqueue('odd')
  const { run } = await it.desk.enqueue('plain')
  await it.reach(run.id, 'completed')
  t.match(await it.desk.task('odd'), { status: 'held', held: { code: 'gate_error', message: 'odd window' } })
})

t.test('a fire while the last run is still held is counted on that run', async t => {
  const it = await laptop(t, {
    at: '2026-11-22T12:30:00Z',
    tasks: [{ ...onMains, trigger: 'cron', trigger_args: { minute: 0 }, concurrency: 1 }]
  })
  await it.see(it.battery(80))
  for (const at of ['13:00', '14:00', '15:00']) {
    it.clock.set(`2026-11-22T${at}:00Z`)
    await it.fire()
    await it.see()
  }
  const { items } = await it.engine.list({ limit: 10 })
  t.match(items, [{ state: 'queued', missed: 2 }])
  await it.later(2 * MINUTE, it.mains())
  await it.reach(items[0]!.id, 'completed')
})
