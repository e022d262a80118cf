import t from 'tap'
import { createManager } from '../../core/manager.ts'
import { fakeClock, until } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { home, taskFile } from './home.ts'
import { scratch } from '../work/harness.ts'
import type { Owner } from '../work/harness.ts'

async function embedded (t: Owner, options: Parameters<typeof createManager>[0] = {}) {
  const manager = await createManager({ root: scratch(t), files: 'none', ...options })
  t.teardown(() => manager.stop())
  return manager
}

t.test('tasks can be added in code, one or many, and removed', async t => {
  const manager = await embedded(t, { services: { db: { rows: 3 } } })
  await manager.start()
  manager.addTask({ id: 'one', func: ctx => (ctx.services.db as { rows: number }).rows })
  manager.registerTasks([{ id: 'two', func: () => 2, trigger: '@hourly' }, { id: 'three', func: () => 3 }])
  const { run } = await manager.desk.enqueue('one')
  await until('it is completed', async () => (await manager.desk.run(run.id)).result === 3)
  await until('the trigger is planned', () => manager.planner.of('two').length === 1)
  t.equal(manager.removeTask('two'), true)
  t.equal(manager.removeTask('two'), false)
  t.strictSame([...manager.catalog.tasks.keys()], ['one', 'three'])
})

t.test('an invalid definition is refused, and none of its list is added', async t => {
  const manager = await embedded(t)
  t.throws(() => manager.registerTasks([{ id: 'good', func: () => 1 }, { id: 'Bad Id', func: () => 1 }]), {
    code: 'OFFPEAK_TASK_INVALID'
  })
  t.throws(() => manager.addTask({ id: 'x', func: () => 1, trigger: 'cron', trigger_args: { hour: 25 } }), {
    code: /OFFPEAK_(TASK|TRIGGER)_INVALID/,
    message: /25/
  })
  t.throws(() => manager.addTask({ id: 'x', func: () => 1, timezone: 'Mars/Olympus', trigger: '@daily' }), {
    message: /Mars/
  })
  t.equal(manager.catalog.tasks.size, 0)
  manager.addTask({ id: 'x', func: () => 1 })
  t.throws(() => manager.addTask({ id: 'x', func: () => 2 }), { code: 'OFFPEAK_TASK_DUPLICATE' })
  t.throws(
    () => manager.registerTasks([{ id: 'y', func: () => 1 }, { id: 'z', func: () => 1 }, { id: 'y', func: () => 2 }]),
    { code: 'OFFPEAK_TASK_DUPLICATE' }
  )
  t.strictSame([...manager.catalog.tasks.keys()], ['x'], 'none of a list with a duplicate')
})

t.test('a run is due at the instant it is added, however long the enqueue takes', async t => {
  let now = 1_800_000_000_000
  const clock = { now: () => now++, monotonic: () => performance.now() }
  const manager = await embedded(t, { clock })
  await manager.start()
  await manager.pauses.add({ scope: 'all', by: 'ann' })
  manager.addTask({ id: 'one', func: () => 1 })
  const asked = [await manager.desk.enqueue('one'), await manager.desk.request('one', {}, { by: 'ann' }),
    ...await manager.desk.bulk.add([{ task: 'one' }])]
  for (const { run } of asked) t.match(run, { due_at: run.created_at, single: false })
  const hurried = await manager.desk.request('one', { now: true }, { by: 'ann' })
  t.match(hurried.run, { due_at: hurried.run.created_at })
})

t.test('settings in code are checked like those in a file', async t => {
  await t.rejects(createManager({ config: { manager: { max_tasks: -1 } } }), {
    code: 'OFFPEAK_CONFIG_INVALID',
    message: /max_tasks/
  })
})

t.test('start and stop can be called twice, and a stopped manager starts again with its tasks and runs', async t => {
  const manager = await embedded(t)
  await manager.stop()
  await manager.start()
  await manager.start()
  manager.addTask({ id: 'later', func: () => 1 })
  const { run } = await manager.desk.enqueue('later', { delay: '1h' })
  await manager.stop()
  await manager.stop()
  t.equal(manager.state, 'stopped')
  await manager.start()
  t.equal((await manager.desk.run(run.id)).state, 'queued')
})

t.test('a second manager on the same data folder is refused, and starts when the first has stopped', async t => {
  const root = scratch(t)
  const [first, second] = [await embedded(t, { root }), await embedded(t, { root })]
  await first.start()
  await t.rejects(second.start(), { code: 'OFFPEAK_ENGINE_BUSY' })
  await first.stop()
  await second.start()
  t.equal(second.state, 'started')
})

t.test('a listener that throws does not keep others from being called', async t => {
  const manager = await embedded(t)
  const kinds: string[] = []
  manager.onNotice(() => {
    throw new Error('broken listener')
  })
  manager.onNotice(notice => void kinds.push(notice.kind))
  await manager.start()
  t.ok(kinds.includes('started'))
})

t.test('schedules fire by the injected clock', async t => {
  const clock = fakeClock('2026-11-22T12:00:00Z')
  const manager = await embedded(t, { clock })
  manager.addTask({ id: 'hourly', func: () => 1, trigger: '@hourly' })
  await manager.start()
  clock.advance(3_600_000)
  await manager.fire()
  await until('it has run', async () => (await manager.desk.task('hourly')).counts.completed === 1)
  t.match(await manager.desk.task('hourly'), {
    last_run: { state: 'completed', at: '2026-11-22T13:00:00.000Z' },
    next_run: '2026-11-22T14:00:00.000Z'
  })
})

t.test('a file that takes the id of a task in code does not replace it', async t => {
  const { manager } = await home(t, { files: { 'same.ts': taskFile('same', 'return "file"') } })
  manager.addTask({ id: 'same', func: () => 'code' })
  await manager.start()
  t.equal(manager.catalog.tasks.get('same')!.source, 'code')
})

t.test('an override that breaks a task in code keeps its last good version and is listed', async t => {
  const { manager, write } = await home(t)
  manager.addTask({ id: 'hourly', func: () => 1, trigger: '@hourly' })
  await manager.start()
  write('config.json', '{ "tasks": { "hourly": { "trigger": "cron", "trigger_args": { "hour": 99 } } } }')
  await until('it is listed', () => manager.catalog.broken.length === 1)
  t.match(manager.catalog.broken, [{ file: 'code', message: /hourly: .*99.*last good version/ }])
  t.equal(manager.catalog.tasks.get('hourly')!.trigger, '@hourly')
  write('config.json', '{}')
  await until('it is mended', () => manager.catalog.broken.length === 0)
})

t.test('another tasks directory in config.json takes effect while the manager runs', async t => {
  const { manager, write } = await home(t, { files: { 'a.ts': taskFile('a') } })
  write('other/b.ts', taskFile('b'))
  await manager.start()
  write('config.json', '{ "manager": { "tasks_directory": "other" } }')
  await until('the other folder is read', () => manager.catalog.tasks.has('b'))
  t.strictSame([...manager.catalog.tasks.keys()], ['b'])
})

t.test('a task with run_on_start has one run at each start, unless it is disabled', async t => {
  const manager = await embedded(t)
  manager.registerTasks([{ id: 'hello', func: () => 1, run_on_start: true }, {
    id: 'off',
    func: () => 1,
    run_on_start: true,
    enabled: false
  }])
  const runs = async () => (await manager.desk.runs({ limit: 10 })).items.map(({ task, source }) => [task, source])
  await manager.start()
  t.strictSame(await runs(), [['hello', 'schedule']])
  await manager.stop()
  await manager.start()
  t.strictSame(await runs(), [['hello', 'schedule'], ['hello', 'schedule']])
})

t.test('a second reading is taken before the first run may start, so that rates are known', async t => {
  const clock = fakeClock()
  const { senses, see } = fakeSenses(clock)
  senses.sample = async () => {
    see({ power: 'battery', battery: { present: true, level: 80 } })
    return senses.latest
  }
  const manager = await embedded(t, { clock, senses })
  manager.addTask({ id: 'hello', func: () => 1, run_on_start: true, constraints: { power: 'mains' } })
  await manager.start()
  t.match((await manager.desk.tasks())[0], { status: 'held' })
})

t.test('the first reading counts before the first run may start', async t => {
  const clock = fakeClock()
  const { senses, see } = fakeSenses(clock)
  see({ power: 'battery', battery: { present: true, level: 80 } })
  const manager = await embedded(t, { clock, senses })
  manager.addTask({ id: 'hello', func: () => 1, run_on_start: true, constraints: { power: 'mains' } })
  await manager.start()
  await manager.runner.settled()
  t.match(await manager.desk.task('hello'), { status: 'held', held: { message: /battery/ } })
})
