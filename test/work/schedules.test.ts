import t from 'tap'
import { harness, scratch } from './harness.ts'
import type { Task } from '../../core/model/task/task.ts'

const hourly: Partial<Task> = { trigger: 'cron', trigger_args: { minute: 0 }, concurrency: 1 }

const runsOf = async ({ engine }: Pick<Awaited<ReturnType<typeof harness>>, 'engine'>) =>
  (await engine.list({ limit: 100 })).items.toReversed()

t.test('a schedule added at run time survives a restart and fires until it is removed', async t => {
  const folder = scratch(t)
  const first = await harness(t, { folder, tasks: [{}], at: '2026-11-22T12:00:00Z' })
  const made = await first.desk.schedule({ task: 'work', trigger: '*/10 * * * *', payload: { via: 'api' }, by: 'anna' })
  t.match(await first.desk.task('work'), { status: 'scheduled', next_run: '2026-11-22T12:10:00.000Z' })
  await first.close()
  const it = await harness(t, { folder, tasks: [{}], at: '2026-11-22T12:10:00Z' })
  await it.fire()
  const [run] = await runsOf(it)
  t.match(await it.reach(run!.id, 'completed'), { schedule: made.id, source: 'schedule' })
  t.match(await it.engine.get(run!.id), { payload: { via: 'api' } })
  await it.desk.unschedule(made.id, { by: 'anna' })
  it.clock.set('2026-11-22T13:00:00Z')
  await it.fire()
  t.equal((await runsOf(it)).length, 1)
  t.strictSame(await it.engine.schedules(), [])
  await t.rejects(it.desk.unschedule(made.id, { by: 'anna' }), { code: 'OFFPEAK_SCHEDULE_NOT_FOUND' })
})

t.test('an invalid schedule or one that never fires is refused, and one of a task file cannot be removed', async t => {
  const { desk } = await harness(t, { tasks: [hourly] })
  const ask = { task: 'work', by: 'anna' }
  await t.rejects(desk.schedule({ ...ask, trigger: 'cron', trigger_args: { hour: 25 } }), {
    code: 'OFFPEAK_TRIGGER_INVALID'
  })
  await t.rejects(desk.schedule({ ...ask, trigger: '0 0 30 2 *' }), {
    code: 'OFFPEAK_INPUT_INVALID',
    message: /never fire/
  })
  await t.rejects(desk.schedule({ ...ask, task: 'unknown', trigger: '@daily' }), { code: 'OFFPEAK_TASK_NOT_FOUND' })
  await t.rejects(desk.unschedule('work', { by: 'anna' }), { code: 'OFFPEAK_RUN_CONFLICT' })
})
