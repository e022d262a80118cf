import t from 'tap'
import { gate, harness } from './harness.ts'
import { until } from '../clock.ts'
import type { Owner } from './harness.ts'
import type { Task } from '../../core/model/task/task.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const hourly: Partial<Task> = { trigger: 'cron', trigger_args: { minute: 0 } }

/** A harness with `kindsOf`, the kinds of the notices of a run in order, and `fireAt`. */
async function setup (t: Owner, tasks: Partial<Task>[]) {
  const it = await harness(t, { tasks, at: '2026-11-22T12:30:00Z' })
  const kindsOf = (id: string) =>
    it.notices.flatMap(notice => 'run' in notice && notice.run.id === id ? [notice.kind] : [])
  const fireAt = async (time: string) => {
    it.clock.set(`2026-11-22T${time}:00Z`)
    await it.fire()
    await it.runner.settled()
  }
  const runs = async () => (await it.engine.list({ limit: 10 })).items.toReversed()
  return { ...it, kindsOf, fireAt, runs }
}

t.test('each notice of a fire is emitted once', async t => {
  const it = await setup(t, [hourly])
  await it.fireAt('13:00')
  const [run] = await it.runs()
  await it.reach(run!.id, 'completed')
  t.strictSame(it.kindsOf(run!.id), ['added', 'claimed', 'settled'])
})

t.test('one cancelled notice is emitted for a run that a later fire replaces', async t => {
  const busy = gate()
  const it = await setup(t, [{ ...hourly, overlap: 'replace', work: { kind: 'function', func: busy.func } }])
  await it.fireAt('13:00')
  const [first] = await it.runs()
  await until('it runs', () => busy.started.length === 1)
  await it.fireAt('14:00')
  await it.reach(first!.id, 'cancelled')
  t.strictSame(it.kindsOf(first!.id), ['added', 'claimed', 'cancelled', 'settled'])
})

t.test('one cancelled notice is emitted for a queued run of a task that is disabled', async t => {
  const it = await setup(t, [hourly])
  await it.runner.stop()
  await it.fireAt('13:00')
  it.tasks.set('work', { ...it.tasks.get('work')!, enabled: false })
  await it.planner.sync()
  const [run] = await it.runs()
  t.strictSame([run!.state, it.kindsOf(run!.id)], ['cancelled', ['added', 'cancelled']])
})

t.test('one settled notice is emitted for a run that ends at its deadline', async t => {
  const it = await setup(t, [{ deadlineMs: MINUTE, on_deadline: 'skip' }])
  it.conditions.pause([{ scope: 'all', name: null, until: null, by: 'ann', at: it.clock.now() }])
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  it.clock.advance(MINUTE)
  it.runner.wake()
  await it.reach(run.id, 'skipped')
  await it.runner.settled()
  t.strictSame(it.kindsOf(run.id).filter(kind => kind !== 'held' && kind !== 'released'), ['added', 'settled'])
})
