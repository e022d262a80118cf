import t from 'tap'
import { createManager } from '../../core/manager.ts'
import { DAY, HOUR, MINUTE } from '../../core/model/base/duration.ts'
import { fakeClock, until } from '../clock.ts'
import { fakeSenses } from './fake-senses.ts'
import { scratch } from './harness.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'

const MONDAY = Date.parse('2026-11-02T00:00:00Z')
const AFTER = MONDAY + 28 * DAY
const hour = (of: number) => AFTER + of * HOUR
const nightly: TaskDefinition = { id: 'nightly', trigger: '0 0 * * *', flex: '6h', func: () => 'done' }

interface Ask {
  root?: string
  at?: number
  tasks?: TaskDefinition[]
}

/** A running manager on a fake clock and fake senses, without timed loops. */
async function embedded (
  owner: { teardown(fn: () => unknown): void },
  { root = scratch(owner), at = MONDAY, tasks = [] }: Ask = {}
) {
  const clock = fakeClock(at)
  const { senses, see } = fakeSenses(clock)
  const manager = await createManager({
    root,
    files: 'none',
    loops: 'none',
    env: {},
    clock,
    senses,
    random: () => 0.5,
    config: { manager: { timezone: 'UTC' } }
  })
  owner.teardown(() => manager.stop())
  manager.registerTasks(tasks)
  await manager.start()
  const runs = async () => (await manager.engine.list({ limit: 100 })).items.toReversed()
  const go = async (to: number) => {
    clock.set(to)
    await manager.fire()
    await until('all runs are completed', async () => (await runs()).every(({ state }) => state === 'completed'))
  }
  const add = async (...tasks: TaskDefinition[]) => {
    manager.registerTasks(tasks)
    await manager.planner.sync()
  }
  return { root, clock, manager, see, runs, go, add }
}

/** The same after four weeks in which the machine was busy except from 3 to 4 am, one hour before the fifth week. */
async function watched (owner: { teardown(fn: () => unknown): void }) {
  const it = await embedded(owner)
  for (let at = MONDAY; at < AFTER; at += 20 * MINUTE) {
    it.clock.set(at)
    it.see({ cpu: { busy: Math.floor(at % DAY / HOUR) === 3 ? 0.02 : 0.4, own: 0 }, idle_seconds: 3600 })
    it.manager.activity.learn(it.manager.senses.latest)
  }
  it.see({ cpu: { busy: 0.02, own: 0 } })
  it.clock.set(hour(-1))
  await it.manager.activity.save()
  return it
}

t.test('a fire is moved to the hour in which the machine is usually quiet, and its run says why', async t => {
  const it = await watched(t)
  await it.add(nightly)
  t.equal(it.manager.planner.nextAt, hour(3))
  await it.go(hour(0))
  t.strictSame(await it.runs(), [], 'not at the nominal time')
  await it.go(hour(3))
  const [run, ...more] = await it.runs()
  t.match(run, {
    state: 'completed',
    source: 'schedule',
    nominal_at: hour(0),
    due_at: hour(3),
    missed: 0,
    moved: { code: 'quieter_hour', confidence: Number }
  })
  t.match(run!.moved!.message, /2 % busy then, and 40 % at the nominal time/)
  t.strictSame(more, [])
  t.equal(it.manager.planner.nextAt, hour(27), 'the next fire is moved in its own night')
})

t.test('a moved fire keeps its instant and reason over a restart', async t => {
  const first = await watched(t)
  await first.add(nightly)
  await first.manager.stop()
  const it = await embedded(t, { root: first.root, at: hour(1), tasks: [nightly] })
  t.equal(it.manager.planner.nextAt, hour(3))
  t.match(await it.manager.desk.task('nightly'), { next_run: '2026-11-30T03:00:00.000Z', status: 'scheduled' })
  t.strictSame(it.manager.planner.fires(it.manager.desk.definition('nightly'), 2), [hour(3), hour(24)])
  t.match(await it.manager.forecast(12), [{ nominal_at: hour(0), earliest_at: hour(3), likely_at: hour(3) }],
    'it is forecast although its nominal time has passed')
  await it.go(hour(3))
  t.match(await it.runs(), [{ nominal_at: hour(0), due_at: hour(3), moved: { code: 'quieter_hour' } }])
})

t.test('a fire is moved neither beyond its flex nor past the next fire, and not without flex', async t => {
  const it = await watched(t)
  await it.add({ ...nightly, id: 'short', flex: '2h' }, { ...nightly, id: 'often', trigger: '0 0,2 * * *' }, {
    ...nightly,
    id: 'rigid',
    flex: 0
  })
  const next = (id: string) => it.manager.planner.of(id)[0]!
  t.match(next('short'), { nominal_at: hour(0), next_at: hour(0), moved: null })
  t.match(next('often'), { nominal_at: hour(0), next_at: hour(0), moved: null })
  t.match(next('rigid'), { nominal_at: hour(0), next_at: hour(0), moved: null })
  await it.go(hour(0))
  t.match(next('often'), { nominal_at: hour(2), next_at: hour(3), moved: { code: 'quieter_hour' } })
})

t.test('a fire keeps its nominal time while there is too little history', async t => {
  const it = await embedded(t, { at: hour(-1), tasks: [nightly] })
  t.equal(it.manager.planner.nextAt, hour(0))
  await it.go(hour(0))
  t.match(await it.runs(), [{ due_at: hour(0), nominal_at: hour(0), moved: null }])
})

t.test('no fire is moved out of the window of its task', async t => {
  const it = await watched(t)
  const late = { trigger: '0 23 * * *', flex: '8h', func: () => 'done' }
  await it.add({ id: 'inside', ...late, constraints: { window: '22:00-02:00' } }, {
    id: 'named',
    ...late,
    constraints: { window: 'off_peak' }
  }, { id: 'around', ...late, constraints: { window: '02:30-05:00' } })
  const next = Object.fromEntries(it.manager.planner.planned.map(({ schedule }) => [schedule.task, schedule.next_at]))
  t.strictSame(next, { inside: hour(23), named: hour(27), around: hour(27) })
})
