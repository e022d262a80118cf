import t from 'tap'
import { HOUR, MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { engineFailed } from '../../core/model/errors/engine-errors.ts'
import { faultWait } from '../../core/work/plan/faults.ts'
import { harness } from './harness.ts'
import type { PlanAsk } from '../../core/engine/engine.ts'
import type { Task } from '../../core/model/task/task.ts'

const minutely: Partial<Task> = { trigger: 'cron', trigger_args: { minute: '*' }, overlap: 'allow' }
const AT = '2026-11-22T12:00:30Z'

type Harness = Awaited<ReturnType<typeof harness>>

const firesOf = async ({ engine }: Pick<Harness, 'engine'>, task: string) =>
  (await engine.list({ task, limit: 1000 })).items.map(({ nominal_at: at }) =>
    new Date(at!).toISOString().slice(11, 16)
  ).toReversed()

/** Advances the clock by a minute and fires, `count` times. */
async function minutes (it: Harness, count: number) {
  for (let minute = 0; minute < count; minute++) {
    it.clock.advance(MINUTE)
    await it.fire()
  }
}

/** Makes the engine refuse every batch with one of these schedules until `mend()`; counts the calls. */
function refusing (it: Harness, ids: string[]) {
  const { plan } = it.engine
  let calls = 0
  it.engine.plan = async (asks: PlanAsk[]) => {
    calls++
    if (asks.some(({ schedule }) => ids.includes(schedule.id))) throw new Error('a bad row')
    return await plan(asks)
  }
  return {
    get calls () {
      return calls
    },
    mend: () => {
      it.engine.plan = plan
    }
  }
}

t.test('a task that is removed while it fires does not stop other schedules', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }, { ...minutely, id: 'b' }], at: AT })
  const task = it.tasks.get('a')!
  it.tasks.delete('a')
  await minutes(it, 2)
  t.strictSame(await firesOf(it, 'b'), ['12:01', '12:02'])
  t.match(it.noticesOf('schedule_failed'), [{ schedule: 'a', task: 'a', failures: 1 }, { schedule: 'a', failures: 2 }])
  await it.planner.sync()
  t.strictSame(it.planner.faults, [], 'it is no longer planned')
  it.tasks.set('a', task)
  await it.planner.sync()
  await minutes(it, 1)
  t.strictSame(await firesOf(it, 'a'), ['12:03'])
})

t.test('a schedule continues after its task was missing for a moment', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }], at: AT })
  const task = it.tasks.get('a')!
  it.tasks.delete('a')
  await minutes(it, 1)
  it.tasks.set('a', task)
  await it.planner.sync()
  await minutes(it, 2)
  t.ok((await firesOf(it, 'a')).includes('12:03'))
  t.strictSame(it.planner.faults, [])
})

t.test('bad rows in a batch of six hundred are found, and the others are stored in the same round', async t => {
  const tasks = Array.from({ length: 600 }, (_, index) => ({ ...minutely, id: `t${index}` }))
  const it = await harness(t, { tasks, at: AT })
  await it.runner.stop()
  const engine = refusing(it, ['t7', 't333'])
  it.clock.advance(MINUTE)
  await it.planner.fire()
  t.equal((await it.engine.list({ limit: 1000 })).items.length, 598)
  t.ok(engine.calls < 60, `${engine.calls} calls`)
  t.strictSame(it.planner.faults.map(({ schedule }) => schedule).toSorted(), ['t333', 't7'])
  engine.mend()
  it.clock.advance(SECOND)
  await it.planner.fire()
  t.equal((await it.engine.list({ limit: 1000 })).items.length, 600)
  t.equal(it.noticesOf('schedule_mended').length, 2)
})

t.test('a failing engine is called a bounded number of times, and everything fires when it recovers [F14]', async t => {
  const tasks = Array.from({ length: 300 }, (_, index) => ({ ...minutely, id: `t${index}` }))
  const it = await harness(t, { tasks, at: AT })
  await it.runner.stop()
  const engine = refusing(it, tasks.map(({ id }) => id))
  it.clock.advance(MINUTE)
  await it.planner.fire()
  t.ok(engine.calls < 60, `${engine.calls} calls`)
  t.equal(it.planner.faults.length, 300)
  engine.mend()
  it.clock.advance(SECOND)
  await it.planner.fire()
  t.equal((await it.engine.list({ limit: 1000 })).items.length, 300)
  t.strictSame(it.planner.faults, [])
})

t.test('a failed schedule is retried after delays that double up to five minutes', async t => {
  t.strictSame([1, 2, 3, 9, 10, 1000].map(failures => faultWait(failures)), [SECOND, 2 * SECOND, 4 * SECOND,
    256 * SECOND, 5 * MINUTE, 5 * MINUTE])
  const it = await harness(t, { tasks: [{ ...minutely, id: 'bad' }, { ...minutely, id: 'good' }], at: AT })
  const engine = refusing(it, ['bad'])
  it.clock.advance(MINUTE)
  await it.planner.fire()
  const at = it.clock.now()
  t.equal(it.planner.wakeAt, at + SECOND)
  t.match(it.noticesOf('schedule_failed'), [{
    schedule: 'bad',
    task: 'bad',
    failures: 1,
    retry_at: at + SECOND,
    error: { message: 'a bad row' }
  }])
  await it.planner.fire()
  t.equal(it.noticesOf('schedule_failed').length, 1, 'not before')
  it.clock.advance(SECOND)
  await it.planner.fire()
  t.match(it.planner.faults, [{ schedule: 'bad', failures: 2, since: at, retry_at: at + 3 * SECOND }])
  engine.mend()
  it.clock.advance(2 * SECOND)
  await it.planner.fire()
  t.strictSame([await firesOf(it, 'bad'), await firesOf(it, 'good')], [['12:01'], ['12:01']])
})

t.test('schedules continue within seconds after a store was locked for an hour [F49]', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'one' }, { ...minutely, id: 'two' }], at: AT })
  const { plan } = it.engine
  it.engine.plan = async () => {
    throw engineFailed({ message: 'The database is locked by another program' })
  }
  it.clock.advance(MINUTE)
  const until = it.clock.now() + HOUR
  while (it.clock.now() < until) {
    await it.planner.fire()
    it.clock.advance(Math.max(1, it.planner.wakeAt! - it.clock.now()))
  }
  t.ok(it.planner.faults.every(({ failures }) => failures > 100))
  it.engine.plan = plan
  it.clock.advance(8 * SECOND)
  await it.planner.fire()
  t.strictSame(it.planner.faults, [])
})

t.test('a new schedule that cannot be stored is retried', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'good' }], at: AT })
  const engine = refusing(it, ['new'])
  it.tasks.set('new', { ...it.tasks.get('good')!, id: 'new' })
  await it.planner.sync()
  t.match(it.planner.faults, [{ schedule: 'new', failures: 1 }])
  t.equal(it.planner.wakeAt, it.clock.now() + SECOND)
  engine.mend()
  it.clock.advance(SECOND)
  await it.planner.fire()
  t.strictSame(it.planner.faults, [])
  await minutes(it, 1)
  t.strictSame(await firesOf(it, 'new'), ['12:01'])
})

t.test('a cursor that another process has moved is read again, and the schedule continues from it', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }, { ...minutely, id: 'b' }], at: AT })
  const mine = it.planner.get('a')!
  const cursor = Date.parse('2026-11-22T12:02:00Z')
  await it.engine.plan([{
    schedule: { ...mine, cursor, nominal_at: cursor + MINUTE, next_at: cursor + MINUTE },
    from: mine.cursor,
    fires: [],
    overlap: 'skip',
    now: it.clock.now()
  }])
  await minutes(it, 4)
  t.strictSame(await firesOf(it, 'a'), ['12:03', '12:04'])
  t.strictSame(await firesOf(it, 'b'), ['12:01', '12:02', '12:03', '12:04'])
  t.strictSame(it.planner.faults, [])
})

t.test('a schedule recovers from compare-and-set failures', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }], at: AT })
  const { plan } = it.engine
  let lost = 0
  it.engine.plan = async asks => {
    const planned = await plan(lost++ < 3 ? asks.map(ask => ({ ...ask, from: -1 })) : asks)
    return planned
  }
  await minutes(it, 6)
  t.ok((await firesOf(it, 'a')).length >= 3)
  t.strictSame(it.planner.faults, [])
})

t.test('a deleted row is stored again for a task file and stays deleted for a schedule added at run time', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }], at: AT })
  const made = await it.desk.schedule({ task: 'a', trigger: '* * * * *', by: 'anna' })
  for (const id of ['a', made.id]) await it.engine.unplan({ id, now: it.clock.now() })
  await minutes(it, 3)
  t.ok((await firesOf(it, 'a')).includes('12:03'))
  t.strictSame(it.planner.schedules.map(({ id }) => id), ['a'])
})

t.test('an unreadable row is reported and harms no other, and that of a task file starts over', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }, { ...minutely, id: 'b' }], at: AT })
  const made = await it.desk.schedule({ task: 'b', trigger: '* * * * *', by: 'anna' })
  const rows = await it.engine.schedules()
  it.engine.schedules = async () =>
    rows.map(row =>
      row.id === 'b'
        ? row
        : row.id === 'a'
        ? { ...row, cursor: Number.NaN }
        : { ...row, trigger: 'moon', trigger_args: { phase: 'full' } }
    )
  await it.planner.load()
  t.strictSame(it.planner.faults.map(({ schedule, retry_at: at }) => [schedule, at]), [['a', null], [made.id, null]])
  await it.planner.sync()
  await minutes(it, 2)
  t.strictSame(await firesOf(it, 'a'), ['12:01', '12:02'])
  t.strictSame(it.planner.faults.map(({ schedule }) => schedule), [made.id])
  t.match(await it.desk.task('b'), { next_run: '2026-11-22T12:03:00.000Z' })
  t.equal(it.planner.fires(it.desk.definition('b'), 2).length, 2)
})

t.test('an absurd deadline, grace or flex harms no schedule', async t => {
  const absurd: Partial<Task>[] = [
    { ...minutely, id: 'deadline', deadlineMs: Number.MAX_SAFE_INTEGER },
    { ...minutely, id: 'grace', misfireGraceMs: Number.MAX_VALUE },
    { ...minutely, id: 'flex', flexMs: Infinity },
    { ...minutely, id: 'innocent' }
  ]
  const it = await harness(t, { tasks: absurd, at: AT })
  await minutes(it, 2)
  for (const { id } of absurd) t.strictSame(await firesOf(it, id!), ['12:01', '12:02'], id!)
})

t.test('runs of a disabled task that could not be cancelled are cancelled at the next fire', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }], at: AT })
  await it.runner.stop()
  await minutes(it, 1)
  const { cancel } = it.engine
  it.engine.cancel = async () => {
    throw new Error('disk full')
  }
  it.tasks.set('a', { ...it.tasks.get('a')!, enabled: false })
  await it.planner.sync()
  t.match(it.planner.faults, [{ schedule: 'a', error: { message: 'disk full' } }])
  it.engine.cancel = cancel
  it.clock.advance(SECOND)
  await it.planner.fire()
  t.match((await it.engine.list({ task: 'a', limit: 9 })).items, [{
    state: 'cancelled',
    reason: { code: 'task_disabled' }
  }])
  t.strictSame(it.planner.faults, [])
})

t.test('a removed schedule has no fault left', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'a' }], at: AT })
  const made = await it.desk.schedule({ task: 'a', trigger: '* * * * *', by: 'anna' })
  refusing(it, [made.id])
  await minutes(it, 1)
  t.equal(it.planner.faults.length, 1)
  await it.desk.unschedule(made.id, { by: 'anna' })
  t.strictSame(it.planner.faults, [])
})

t.test('an hour of refusals gives a bounded number of notices [F14]', async t => {
  const it = await harness(t, { tasks: [{ ...minutely, id: 'bad' }], at: AT })
  refusing(it, ['bad'])
  const end = it.clock.now() + HOUR
  while (it.clock.now() < end) {
    it.clock.set(Math.max(it.clock.now() + SECOND, it.planner.wakeAt!))
    await it.planner.fire()
  }
  t.ok(it.noticesOf('schedule_failed').length < 25, `${it.noticesOf('schedule_failed').length} notices`)
})
