import t from 'tap'
import { ahead } from './forecast/live.ts'
import { createTestManager } from '../../core/index.ts'
import type { ForecastItem } from '../../core/model/forecast/forecast.ts'
import type { Owner } from '../work/harness.ts'
import type { TaskContext, TaskDefinition, TestClock, TestManager, TestManagerOptions } from '../../core/index.ts'

const HOUR = 60
const DAY = 24 * HOUR
const at = (time: string) => Date.parse(`2026-03-10T${time}:00Z`)
const func = () => 1
const takes = (span: string) => (ctx: TaskContext) => (ctx.services.clock as TestClock).sleep(span)
const daily = (hour: number, minute = 0) => ({ trigger: 'cron', trigger_args: { hour, minute } })
const hour = (instant: number | null) => instant === null ? null : new Date(instant).toISOString().slice(11, 16)

async function kitFor (t: Owner, tasks: TaskDefinition[], options: TestManagerOptions = {}): Promise<TestManager> {
  const kit = await createTestManager({ at: at('12:00'), tasks, ...options })
  t.teardown(() => kit.close())
  return kit
}

const rowOf = (
  { task, earliest_at: least, likely_at: likely, latest_at: most, certainty, depends_on: on }: ForecastItem
) => [task, hour(least), hour(likely), hour(most), certainty, on.map(({ gate }) => gate).join(' ')]

const rows = async (
  kit: TestManager,
  minutes = DAY
) => (await ahead(kit, minutes)).filter(({ stage }) => stage !== 'running').map(rowOf)

t.test('a start that depends on the clock alone is certain, and one that load may hold is conditional', async t => {
  const kit = await kitFor(
    t,
    [{ id: 'urgent', class: 'critical', ...daily(13), func }, { id: 'usual', ...daily(14), func }]
  )
  t.match(await rows(kit), [
    ['urgent', '13:00', '13:00', '13:00', 'certain', ''],
    ['usual', '14:00', '14:00', null, 'conditional', /cpu .*memory/]
  ])
})

t.test('the constraints of a task are named first, with their present state', async t => {
  const kit = await kitFor(
    t,
    [{ id: 'sun', ...daily(13), deadline: '2h', constraints: { power: 'mains', signals: { solar: '> 500' } }, func }],
    { reading: { power: 'battery', battery: { level: 90, charging: false } } }
  )
  const [item] = await ahead(kit, DAY)
  t.match(item, { earliest_at: at('13:00'), likely_at: at('15:00'), latest_at: at('15:00'), certainty: 'conditional' })
  t.match(item!.depends_on.slice(0, 2), [
    { gate: 'power', ok: false, message: 'on battery' },
    { gate: 'signals', ok: false, message: 'signal solar is not set' }
  ])
})

t.test('a deadline before the window opens makes the start certain', async t => {
  const kit = await kitFor(t, [{ id: 'night', deadline: '2h', constraints: { window: '22:00-06:00' }, func }])
  await kit.enqueue('night')
  t.strictSame(await rows(kit), [['night', '14:00', '14:00', '14:00', 'certain', '']])
})

t.test('fires that are counted on a waiting run are not separate starts', async t => {
  const kit = await kitFor(t, [{ id: 'often', trigger: 'cron', trigger_args: { minute: 0 }, class: 'critical', func }])
  await kit.manager.pauses.add({ scope: 'task', name: 'often', until: at('15:30'), by: 'test' })
  t.strictSame(
    await rows(kit, 5 * HOUR),
    [['often', '15:30', '15:30', '15:30', 'certain', ''], ['often', '16:00', '16:00', '16:00', 'certain', '']]
  )
})

t.test('a pause without an end gives no instant and is named', async t => {
  const kit = await kitFor(t, [{ id: 'stopped', class: 'critical', ...daily(13), func }])
  await kit.manager.pauses.add({ scope: 'all', name: null, until: null, by: 'anna' })
  const [item] = await ahead(kit, DAY)
  t.match(item, {
    earliest_at: null,
    likely_at: null,
    latest_at: null,
    certainty: 'conditional',
    depends_on: [{ gate: 'paused', ok: false, message: /paused by anna/ }]
  })
})

t.test('a fire that may overlap a run is conditional until past runs give a duration', async t => {
  const kit = await kitFor(t, [{
    id: 'tick',
    class: 'critical',
    trigger: 'cron',
    trigger_args: { minute: '*/10' },
    timeout: '30m',
    func: takes('1m')
  }])
  t.match(
    await rows(kit, 25),
    [['tick', '12:10', '12:10', '12:10', 'certain', ''], ['tick', '12:20', '12:20', '12:20', 'conditional', 'overlap']]
  )
  await kit.advance('2h')
  t.match(
    await rows(kit, 25),
    [['tick', '14:10', '14:10', '14:10', 'certain', ''], ['tick', '14:20', '14:20', '14:20', 'certain', '']]
  )
})

t.test('running runs and those waiting behind them are forecast with the durations of past runs', async t => {
  const kit = await kitFor(
    t,
    [{ id: 'long', queue: 'one', timeout: '3h', func: takes('40m') }, { id: 'next', queue: 'one', func }],
    { config: { queues: { one: { concurrency: 1 } } } }
  )
  await kit.enqueue('long')
  await kit.advance('1h')
  await kit.enqueue('long')
  t.match(
    await ahead(kit, DAY),
    [{ task: 'long', stage: 'running', ends_at: at('13:40') }],
    'from the millisecond of its start'
  )
  await kit.advance('10m')
  await kit.enqueue('next')
  const [first, second] = await ahead(kit, DAY)
  t.match(
    first,
    { task: 'long', stage: 'running', certainty: 'certain', earliest_at: at('13:00'), ends_at: at('13:40') }
  )
  t.match(second, { task: 'next', stage: 'waiting', certainty: 'conditional', likely_at: at('13:40') })
  t.match(
    second!.depends_on.find(({ gate }) => gate === 'queue'),
    { ok: false, message: '1 of 1 runs of queue one are running' }
  )
})

t.test('runs that share a lock, a slot or the machine depend on each other', async t => {
  const urgent = { class: 'critical' as const, priority: 'critical' as const, timeout: '30m', func: takes('20m') }
  const kit = await kitFor(t, [
    { id: 'a', ...daily(13), locks: ['disk'], ...urgent },
    { id: 'b', ...daily(13, 10), locks: ['disk'], ...urgent },
    { id: 'c', ...daily(15), alone: true, ...urgent },
    { id: 'd', ...daily(15, 10), ...urgent }
  ])
  t.strictSame(await rows(kit), [
    ['a', '13:00', '13:00', '13:00', 'certain', ''],
    ['b', '13:10', '13:10', '13:30', 'conditional', 'locks'],
    ['c', '15:00', '15:00', '15:00', 'certain', ''],
    ['d', '15:10', '15:10', '15:30', 'conditional', 'alone']
  ])
})

t.test('a queue with a rate has no more certain starts than its rate allows', async t => {
  const urgent = { class: 'critical' as const, priority: 'critical' as const, queue: 'slow', func }
  const kit = await kitFor(t, [
    { id: 'a', ...daily(13), ...urgent },
    { id: 'b', ...daily(13, 1), ...urgent },
    { id: 'c', ...daily(15), ...urgent }
  ], { config: { queues: { slow: { rate: { limit: 1, per: '1h' } } } } })
  t.match(await rows(kit), [
    ['a', '13:00', '13:00', '13:00', 'certain', ''],
    ['b', '13:01', '14:00', null, 'conditional', 'rate'],
    ['c', '15:00', '15:00', null, 'conditional', 'rate']
  ])
})

t.test('a start with jitter is certain within a range', async t => {
  const kit = await kitFor(
    t,
    [{ id: 'some', class: 'critical', trigger: 'cron', trigger_args: { minute: 0, jitter: 600 }, timeout: '5m', func }]
  )
  t.match((await rows(kit, 3 * HOUR)).at(-1), ['some', '14:00', '14:05', '14:10', 'certain', ''])
})

t.test('a task with a dependency is expected after it and never certain', async t => {
  const kit = await kitFor(t, [
    { id: 'fetch', class: 'critical', priority: 'critical', ...daily(13), func: takes('1m') },
    { id: 'use', class: 'critical', ...daily(12, 30), depends_on: [{ task: 'fetch' }], func }
  ])
  t.match(await rows(kit, 2 * HOUR), [
    ['fetch', '13:00', '13:00', '13:00', 'certain', ''],
    ['use', '12:30', '13:01', null, 'conditional', 'dependencies']
  ])
})

t.test('the earliest start of a waiting run is known although slots, queues or locks are taken', async t => {
  for (const [config, shared] of [
    [{ manager: { scheduler_thread_pool: 1 } }, {}],
    [{ queues: { q: { concurrency: 1 } } }, { queue: 'q' }],
    [{}, { locks: ['x'] }],
    [{}, { alone: true }]
  ] as [TestManagerOptions['config'], object][]) {
    const kit = await kitFor(t, [
      { id: 'busy', timeout: 0, ...shared, func: takes('5h') },
      { id: 'night', ...shared, constraints: { window: '22:00-06:00' }, deadline: '3d', func }
    ], { config: config! })
    await kit.enqueue('busy')
    const run = await kit.enqueue('night')
    t.strictSame(
      await kit.manager.forecaster.earliestOf(run),
      { at: at('22:00'), certain: false },
      JSON.stringify(shared)
    )
  }
})

t.test('the next start of a task is known, however many fires other tasks have before it', async t => {
  const often = Array.from(
    { length: 8 },
    (_, place): TaskDefinition => ({ id: `often${place}`, trigger: '* * * * *', func })
  )
  const kit = await kitFor(t, [{
    id: 'noon',
    class: 'critical',
    priority: 'critical',
    trigger: 'cron',
    trigger_args: { hour: 12, minute: 10 },
    deadline: '3d',
    func
  }, ...often])
  const { forecaster, desk } = kit.manager
  t.strictSame(await forecaster.nextOf(desk.definition('noon'), at('12:10')), { at: at('12:10'), certain: true })
  t.strictSame(await forecaster.nextOf(desk.definition('often1'), at('12:01')), { at: at('12:01'), certain: false })
})

t.test('a run that ended is not taken for a waiting one that was created at the same instant', async t => {
  const kit = await kitFor(t, [
    { id: 'first', ...daily(12, 30), func },
    { id: 'second', ...daily(12, 30), constraints: { window: '20:00-22:00' }, func },
    { id: 'after', depends_on: [{ task: 'first' }], constraints: { window: '14:00-15:00' }, func }
  ])
  await kit.advanceTo(at('12:45'))
  await kit.enqueue('after')
  t.match((await rows(kit, 12 * HOUR)).map(row => row.slice(0, 3)), [['after', '14:00', '14:00'], ['second', '20:00',
    '20:00']])
})
