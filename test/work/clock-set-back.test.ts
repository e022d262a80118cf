import { times } from '../depth.ts'
import fc from 'fast-check'
import t from 'tap'
import { DAY, HOUR, MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { createManager } from '../../core/manager.ts'
import { fakeClock } from '../clock.ts'
import { fakeSenses } from './fake-senses.ts'
import { harness, scratch } from './harness.ts'
import { refilled } from '../../core/model/config/queue.ts'
import type { Task } from '../../core/model/task/task.ts'

const NOW = Date.parse('2026-11-22T12:00:30Z')
const YEARS = 10 * 365 * DAY
const tasks: Partial<Task>[] = [
  { id: 'cron', trigger: 'cron', trigger_args: { minute: '*' }, overlap: 'allow' },
  { id: 'interval', trigger: 'interval', trigger_args: { seconds: 60 }, overlap: 'allow' }
]

type Harness = Awaited<ReturnType<typeof harness>>

const countOf = async ({ engine }: Harness, task: string) => (await engine.list({ task, limit: 1000 })).items.length

async function minutes (it: Harness, count: number) {
  for (let minute = 0; minute < count; minute++) {
    it.clock.advance(MINUTE)
    await it.fire()
  }
}

t.test('every schedule continues after a clock that was ten years ahead at boot is corrected [F17]', async t => {
  const it = await harness(t, { tasks, at: new Date(NOW + YEARS).toISOString() })
  const made = await it.desk.schedule({ task: 'cron', trigger: '* * * * *', by: 'anna' })
  await minutes(it, 2)
  const before = { cron: await countOf(it, 'cron'), interval: await countOf(it, 'interval') }
  it.clock.set(NOW)
  await it.fire()
  t.match(it.noticesOf('replanned'), [{ schedules: 3 }])
  await minutes(it, 5)
  t.equal(await countOf(it, 'cron') - before.cron, 10, 'the schedule of the task and the one added by hand')
  t.equal(await countOf(it, 'interval') - before.interval, 5)
  t.ok(it.planner.get(made.id)!.next_at! < NOW + HOUR)
})

t.test('every schedule continues when the clock is corrected between two processes', async t => {
  const folder = scratch(t)
  const first = await harness(t, { tasks, folder, at: new Date(NOW + YEARS).toISOString() })
  await minutes(first, 2)
  await first.close()
  const it = await harness(t, { tasks, folder, at: new Date(NOW).toISOString() })
  const before = await countOf(it, 'cron')
  await minutes(it, 3)
  t.equal(await countOf(it, 'cron') - before, 3)
})

t.test('a schedule that was disabled while the clock was wrong continues from now when it is enabled', async t => {
  const it = await harness(t, { tasks, at: new Date(NOW + YEARS).toISOString() })
  const task = it.tasks.get('cron')!
  it.tasks.set('cron', { ...task, enabled: false })
  await it.planner.sync()
  it.clock.set(NOW)
  await it.planner.sync()
  t.equal(it.planner.get('cron')!.next_at, null, 'it is still disabled')
  it.tasks.set('cron', task)
  await it.planner.sync()
  await minutes(it, 2)
  t.equal(await countOf(it, 'cron'), 2)
})

t.test('a clock set back by an hour repeats no fire and misses none [F16]', async t => {
  const it = await harness(t, { tasks: [tasks[0]!], at: new Date(NOW).toISOString() })
  await minutes(it, 3)
  it.clock.set(NOW + HOUR)
  await it.fire()
  t.equal(await countOf(it, 'cron'), 4, 'one run for the whole hour')
  it.clock.set(NOW)
  await it.fire()
  await minutes(it, 10)
  const runs = (await it.engine.list({ task: 'cron', limit: 1000 })).items
  t.equal(new Set(runs.map(({ nominal_at: at }) => at)).size, runs.length, 'no fire has two runs')
  t.equal(runs.length, 4 + 7, '12:01 to 12:03 had their runs')
})

t.test('a step of some seconds leaves the cursor where it is', async t => {
  const it = await harness(t, { tasks: [tasks[0]!], at: new Date(NOW).toISOString() })
  await minutes(it, 1)
  const cursor = it.planner.get('cron')!.cursor
  it.clock.set(it.clock.now() - 5 * SECOND)
  await it.planner.sync()
  t.equal(it.planner.get('cron')!.cursor, cursor)
  t.strictSame(it.noticesOf('replanned'), [])
})

t.test('a stored next fire that does not follow from its cursor is corrected at the next start', async t => {
  const folder = scratch(t)
  const first = await harness(t, { tasks, folder, at: new Date(NOW).toISOString() })
  const row = first.planner.get('cron')!
  await first.engine.plan([{
    schedule: { ...row, nominal_at: NOW + YEARS, next_at: NOW + YEARS },
    from: row.cursor,
    fires: [],
    overlap: 'skip',
    now: NOW
  }])
  await first.close()
  const it = await harness(t, { tasks, folder, at: new Date(NOW).toISOString() })
  await minutes(it, 2)
  t.equal(await countOf(it, 'cron'), 2)
})

t.test('over any clock steps no fire is doubled and each schedule continues within two minutes [F16, F17]', async t => {
  const jump = fc.oneof(fc.integer({ min: -YEARS, max: YEARS }), fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
    fc.integer({ min: -20 * SECOND, max: 20 * SECOND }))
  await fc.assert(fc.asyncProperty(fc.array(jump, { minLength: 1, maxLength: 6 }), async jumps => {
    const it = await harness(t, { tasks, at: new Date(NOW).toISOString() })
    await it.runner.stop()
    for (const ms of [0, ...jumps]) {
      it.clock.set(Math.min(NOW + 2 * YEARS, Math.max(NOW - YEARS, it.clock.now() + ms)))
      await it.planner.fire()
      for (let step = 0; step < 30; step++) {
        it.clock.advance(5 * SECOND)
        await it.planner.fire()
      }
      for (const { id, next_at: next } of it.planner.schedules) {
        if (next === null || next > it.clock.now() + 2 * MINUTE) throw new Error(`${id} stands still`)
      }
    }
    for (const task of ['cron', 'interval']) {
      const { items } = await it.engine.list({ task, limit: 1000 })
      if (new Set(items.map(({ nominal_at: at }) => at)).size !== items.length) {
        throw new Error(`a fire of ${task} has two runs`)
      }
    }
    await it.close()
  }), { numRuns: times(25) })
})

t.test('a pause made by a clock in the future keeps its length when the clock is corrected', async t => {
  const clock = fakeClock(NOW + YEARS)
  const manager = await createManager({
    root: scratch(t),
    files: 'none',
    clock,
    senses: fakeSenses(clock).senses,
    loops: 'none'
  })
  t.teardown(() => manager.stop())
  await manager.start()
  await manager.pauses.add({ scope: 'task', name: 'a', for: '1h', by: 'anna' })
  await manager.pauses.add({ scope: 'task', name: 'b', by: 'anna' })
  await manager.beat('watch')
  clock.set(NOW)
  await manager.beat('watch')
  t.match(manager.conditions.pauses, [{ name: 'a', at: NOW, until: NOW + HOUR }, { name: 'b', at: NOW, until: null }])
  clock.advance(HOUR)
  t.match(manager.pauses.list(), [{ name: 'b' }])
})

t.test('a rate spent by a clock in the future is refilled after a step of minutes, not of seconds', t => {
  const rate = { limit: 2, per: '1m' }
  const spent = (at: number) => refilled({ tokens: 0, at }, rate, NOW).tokens
  t.strictSame([spent(NOW), spent(NOW + 5 * SECOND), spent(NOW + 30 * SECOND), spent(NOW + HOUR), spent(NOW + YEARS)], [
    0,
    0,
    0,
    2,
    2
  ])
  t.end()
})
