import t from 'tap'
import { gate, harness, scratch } from './harness.ts'
import { until } from '../clock.ts'
import type { Task } from '../../core/model/task/task.ts'

const hourly: Partial<Task> = { trigger: 'cron', trigger_args: { minute: 0 }, concurrency: 1 }

const runsOf = async ({ engine }: Pick<Awaited<ReturnType<typeof harness>>, 'engine'>) =>
  (await engine.list({ limit: 100 })).items.toReversed()

t.test('a schedule fires once at its instant, and the next fire is planned [F19]', async t => {
  const it = await harness(t, { tasks: [hourly], at: '2026-11-22T12:00:00Z' })
  t.equal(it.planner.nextAt, Date.parse('2026-11-22T13:00:00Z'))
  await it.fire()
  t.strictSame(await runsOf(it), [])
  it.clock.set('2026-11-22T13:00:00.010Z')
  await it.fire()
  await it.fire()
  const [run, ...more] = await runsOf(it)
  t.match(run, { source: 'schedule', schedule: 'work', due_at: Date.parse('2026-11-22T13:00:00Z'), missed: 0 })
  t.strictSame(more, [])
  t.match(await it.desk.task('work'), { next_run: '2026-11-22T14:00:00.000Z' })
})

t.test('after a downtime the last fire runs once, and the missed fires are counted and reported', async t => {
  const folder = scratch(t)
  const first = await harness(t, { tasks: [hourly], folder, at: '2026-11-22T12:00:00Z' })
  await first.close()
  const it = await harness(t, { tasks: [hourly], folder, at: '2026-11-23T08:30:00Z' })
  await it.fire()
  t.match(await runsOf(it), [{ source: 'catch_up', due_at: Date.parse('2026-11-23T08:00:00Z'), missed: 19 }])
  t.match(it.noticesOf('missed'), [{ count: 20, policy: 'run_latest' }])
})

t.test('misfire skip records one skipped run, and run_all runs missed fires up to its cap', async t => {
  const folder = scratch(t)
  const tasks: Partial<Task>[] = [{ ...hourly, id: 'skips', misfire: 'skip' }, {
    ...hourly,
    id: 'all',
    misfire: 'run_all',
    max_catch_up: 3,
    overlap: 'queue'
  }]
  const first = await harness(t, { tasks, folder, at: '2026-11-22T12:00:00Z' })
  await first.close()
  const it = await harness(t, { tasks, folder, at: '2026-11-22T18:30:00Z' })
  await it.fire()
  const runs = await runsOf(it)
  t.match(runs.filter(({ task }) => task === 'skips'), [{ state: 'skipped', missed: 5, reason: { code: 'misfire' } }])
  t.strictSame(
    runs.filter(({ task }) => task === 'all').map(({ missed, due_at: at }) => [missed, new Date(at).getUTCHours()]),
    [[3, 16], [0, 17], [0, 18]]
  )
})

t.test('a fire during an unfinished run is skipped, queued, run beside it or replaces it, as overlap says', async t => {
  const busy = gate()
  const work = { kind: 'function', func: busy.func } as const
  const tasks = (['skip', 'queue', 'allow', 'replace'] as const).map(overlap => ({
    ...hourly,
    id: overlap,
    overlap,
    work,
    ...overlap === 'allow' ? { concurrency: Infinity } : {}
  }))
  const it = await harness(t, { tasks, slots: 20, at: '2026-11-22T12:30:00Z' })
  it.clock.set('2026-11-22T13:00:00Z')
  await it.fire()
  await until('all four run', () => busy.started.length === 4)
  it.clock.set('2026-11-22T14:00:00Z')
  await it.fire()
  await until('allow and replace run again', () => busy.started.length === 6)
  const states = async () =>
    Object.fromEntries(
      (await it.engine.count()).map(({ task, states }) => [task, Object.entries(states).filter(([, count]) =>
        count > 0
      ).map(([state, count]) => `${count} ${state}`).join(', ')])
    )
  t.strictSame(await states(), {
    skip: '1 running, 1 skipped',
    queue: '1 queued, 1 running',
    allow: '2 running',
    replace: '1 running, 1 cancelled'
  })
  busy.letGo()
  await until('the queued one runs', () => busy.started.length === 7)
  busy.letGo()
})

t.test('a fire is added as a run before its instant and starts at it', async t => {
  const it = await harness(t, { tasks: [hourly], leadMs: 10, at: '2026-11-22T12:30:00Z' })
  const due = Date.parse('2026-11-22T13:00:00Z')
  t.same([it.planner.nextAt, it.planner.wakeAt], [due, due - 10])
  it.clock.set(due - 11)
  await it.fire()
  t.same(await runsOf(it), [])
  it.clock.set(due - 10)
  await it.fire()
  await it.runner.settled()
  t.match(await runsOf(it), [{ due_at: due, nominal_at: due, created_at: due - 10, missed: 0, source: 'schedule' }])
  t.same([it.planner.nextAt, it.noticesOf('missed')], [due + 3_600_000, []])
  it.clock.set(due)
  await until('it is completed', async () => (await runsOf(it))[0]?.state === 'completed')
  t.match(await runsOf(it), [{ started_at: due }])
})

t.test('the overlap of a fire with an earlier run is decided at its instant', async t => {
  const busy = gate()
  const it = await harness(t, {
    tasks: [{ ...hourly, work: { kind: 'function', func: busy.func as never } }],
    leadMs: 10,
    at: '2026-11-22T12:30:00Z'
  })
  const due = Date.parse('2026-11-22T13:00:00Z')
  const hour = 3_600_000
  it.clock.set(due)
  await it.fire()
  await until('it runs', () => busy.started.length === 1)
  it.clock.set(due + hour - 10)
  await it.fire()
  t.equal(it.planner.wakeAt, due + hour, 'there is no lead while a run is active')
  busy.letGo()
  await until('it is completed before the fire', async () => (await runsOf(it))[0]?.state === 'completed')
  it.clock.set(due + hour)
  await it.fire()
  await until('the next one runs', () => busy.started.length === 2)
  it.clock.set(due + 2 * hour - 10)
  await it.fire()
  it.clock.set(due + 2 * hour)
  await it.fire()
  t.match((await runsOf(it)).map(({ state }) => state).toSorted(), ['completed', 'running', 'skipped'])
  t.equal(it.planner.wakeAt, due + 3 * hour - 10)
  busy.letGo()
})

t.test('a fire while an earlier run is still queued is counted on that run', async t => {
  const it = await harness(t, {
    tasks: [{ ...hourly, concurrency: 1 }, { id: 'hog' }],
    slots: 1,
    at: '2026-11-22T12:30:00Z'
  })
  await it.runner.stop()
  for (const at of ['13:00', '14:00', '15:00']) {
    it.clock.set(`2026-11-22T${at}:00Z`)
    await it.planner.fire()
  }
  t.match(await runsOf(it), [{ state: 'queued', missed: 2 }])
})

t.test('a date fires once, also if it has just passed, and one long past is recorded as missed', async t => {
  const once = (id: string, at: string): Partial<Task> => ({ id, trigger: 'date', trigger_args: { run_date: at } })
  const folder = scratch(t)
  const tasks = [once('soon', '2026-11-22 13:00:00'), once('just_now', '2026-11-22 11:59:30'),
    once('long_ago', '2020-01-01 00:00:00')]
  const it = await harness(t, { folder, tasks, at: '2026-11-22T12:00:00Z' })
  await it.fire()
  t.match((await runsOf(it)).toSorted((a, b) => a.task < b.task ? -1 : 1), [{ task: 'just_now' }, {
    task: 'long_ago',
    state: 'skipped',
    reason: { code: 'misfire' }
  }])
  await it.close()
  const again = await harness(t, { folder, tasks, at: '2026-11-22T13:00:01Z' })
  await again.fire()
  t.strictSame((await runsOf(again)).map(({ task }) => task).toSorted(), ['just_now', 'long_ago', 'soon'],
    'a restart repeats no fire')
})

t.test('an interval keeps its phase over a restart', async t => {
  const folder = scratch(t)
  const tasks: Partial<Task>[] = [{ trigger: 'interval', trigger_args: { minutes: 45 } }]
  const first = await harness(t, { folder, tasks, at: '2026-11-22T12:10:00Z' })
  t.equal(first.planner.nextAt, Date.parse('2026-11-22T12:55:00Z'))
  await first.close()
  const it = await harness(t, { folder, tasks, at: '2026-11-22T12:30:00Z' })
  t.equal(it.planner.nextAt, Date.parse('2026-11-22T12:55:00Z'))
})

t.test('a changed trigger starts its schedule over [F18]', async t => {
  const it = await harness(t, { tasks: [hourly], at: '2026-11-22T12:00:00Z' })
  it.tasks.set('work', { ...it.tasks.get('work')!, trigger_args: { minute: 30 } })
  await it.planner.sync()
  t.equal(it.planner.nextAt, Date.parse('2026-11-22T12:30:00Z'))
  t.equal((await it.engine.schedules()).length, 1)
})

t.test('a disabled task does not fire, now or later, and its queued run is cancelled', async t => {
  const it = await harness(t, { tasks: [hourly], at: '2026-11-22T12:30:00Z' })
  await it.runner.stop()
  it.clock.set('2026-11-22T13:00:00Z')
  await it.planner.fire()
  const task = it.tasks.get('work')!
  it.tasks.set('work', { ...task, enabled: false })
  await it.planner.sync()
  t.match(await runsOf(it), [{ state: 'cancelled', reason: { code: 'task_disabled' } }])
  t.match(await it.desk.task('work'), { status: 'disabled', next_run: null })
  it.clock.set('2026-11-22T16:20:00Z')
  await it.planner.fire()
  it.tasks.set('work', task)
  await it.planner.sync()
  await it.planner.fire()
  t.equal((await runsOf(it)).length, 1)
  t.equal(it.planner.nextAt, Date.parse('2026-11-22T17:00:00Z'))
})

t.test('a wall clock that is set back repeats no fire [F16]', async t => {
  const it = await harness(t, { tasks: [hourly], at: '2026-11-22T12:30:00Z' })
  it.clock.set('2026-11-22T13:00:00Z')
  await it.fire()
  await until('it is completed', async () => (await runsOf(it))[0]?.state === 'completed')
  it.clock.set('2026-11-22T12:10:00Z')
  await it.planner.sync()
  await it.fire()
  it.clock.set('2026-11-22T13:30:00Z')
  await it.fire()
  t.equal((await runsOf(it)).length, 1)
  it.clock.set('2026-11-22T14:00:00Z')
  await it.fire()
  t.equal((await runsOf(it)).length, 2)
})

t.test('a fire that the engine fails to store is repeated when it can', async t => {
  const it = await harness(t, { tasks: [hourly], at: '2026-11-22T12:30:00Z' })
  const plan = it.engine.plan
  it.engine.plan = async () => {
    throw new Error('disk full')
  }
  it.clock.set('2026-11-22T13:00:00Z')
  await it.planner.fire()
  t.match(it.planner.faults, [{ schedule: 'work', failures: 1, error: { message: 'disk full' } }])
  it.engine.plan = plan
  it.clock.advance(1000)
  await it.fire()
  t.equal((await runsOf(it)).length, 1)
  t.strictSame(it.planner.faults, [])
})

t.test('the next fires of a task include added schedules, and those of a disabled task are predicted', async t => {
  const it = await harness(t, { tasks: [hourly, { ...hourly, id: 'off', enabled: false }], at: '2026-11-22T12:30:00Z' })
  await it.desk.schedule({ task: 'work', trigger: '45 * * * *', by: 'anna' })
  const fires = (id: string) =>
    it.planner.fires(it.desk.definition(id), 3).map(at => new Date(at).toISOString().slice(11, 16))
  t.strictSame(fires('work'), ['12:45', '13:00', '13:45'])
  t.strictSame(fires('off'), ['13:00', '14:00', '15:00'])
})

t.test('waiting syncs are merged into one that uses the latest tasks', async t => {
  const it = await harness(t, { tasks: [hourly], at: '2026-11-22T12:30:00Z' })
  const first = it.planner.sync()
  it.tasks.set('other', { ...it.tasks.get('work')!, id: 'other' })
  const last = it.planner.sync()
  t.equal(last, it.planner.sync())
  await Promise.all([first, last])
  t.strictSame(it.planner.schedules.map(({ id }) => id), ['work', 'other'])
})

t.test('an equal definition continues over a restart, and one in another time zone starts over', async t => {
  const daily: Partial<Task> = { trigger: 'cron', trigger_args: { hour: 3, minute: 5 } }
  const folder = scratch(t)
  const first = await harness(t, { folder, tasks: [daily], at: '2026-11-22T12:00:00Z' })
  const { anchor } = (await first.engine.schedules())[0]!
  await first.close()
  const it = await harness(t, {
    folder,
    tasks: [{ ...daily, trigger_args: { hour: 3, minute: 5 } }],
    at: '2026-11-22T13:00:00Z'
  })
  t.equal((await it.engine.schedules())[0]!.anchor, anchor)
  it.tasks.set('work', { ...it.tasks.get('work')!, timezone: 'Europe/Rome' })
  await it.planner.sync()
  t.equal((await it.engine.schedules())[0]!.anchor, it.clock.now())
})
