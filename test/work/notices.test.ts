import t from 'tap'
import { gate, harness } from './harness.ts'
import { until } from '../clock.ts'
import type { Owner } from './harness.ts'
import type { Task } from '../../core/model/task/task.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const hourly: Partial<Task> = { trigger: 'cron', trigger_args: { minute: 0 } }

/** What was told of each run, in order. */
async function telling (t: Owner, tasks: Partial<Task>[]) {
  const it = await harness(t, { tasks, at: '2026-11-22T12:30:00Z' })
  const told = (id: string) => it.notices.flatMap(said => 'run' in said && said.run.id === id ? [said.kind] : [])
  const fireAt = async (time: string) => {
    it.clock.set(`2026-11-22T${time}:00Z`)
    await it.fire()
    await it.runner.settled()
  }
  const runs = async () => (await it.engine.list({ limit: 10 })).items.toReversed()
  return { ...it, told, fireAt, runs }
}

t.test('a fire is told once, from the run that it adds to its end', async t => {
  const it = await telling(t, [hourly])
  await it.fireAt('13:00')
  const [run] = await it.runs()
  await it.reach(run!.id, 'completed')
  t.strictSame(it.told(run!.id), ['added', 'claimed', 'settled'])
})

t.test('a run that a later fire replaces is told as cancelled once', async t => {
  const busy = gate()
  const it = await telling(t, [{ ...hourly, overlap: 'replace', work: { kind: 'function', func: busy.func } }])
  await it.fireAt('13:00')
  const [first] = await it.runs()
  await until('it runs', () => busy.started.length === 1)
  await it.fireAt('14:00')
  await it.reach(first!.id, 'cancelled')
  t.strictSame(it.told(first!.id), ['added', 'claimed', 'cancelled', 'settled'])
})

t.test('what waits for a task that is disabled is told as cancelled once', async t => {
  const it = await telling(t, [hourly])
  await it.runner.stop()
  await it.fireAt('13:00')
  it.tasks.set('work', { ...it.tasks.get('work')!, enabled: false })
  await it.planner.sync()
  const [run] = await it.runs()
  t.strictSame([run!.state, it.told(run!.id)], ['cancelled', ['added', 'cancelled']])
})

t.test('a run whose deadline ends it is told as settled once', async t => {
  const it = await telling(t, [{ deadlineMs: MINUTE, on_deadline: 'skip' }])
  it.conditions.pause([{ scope: 'all', name: null, until: null, by: 'ann', at: it.clock.now() }])
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  it.clock.advance(MINUTE)
  it.runner.wake()
  await it.reach(run.id, 'skipped')
  await it.runner.settled()
  t.strictSame(it.told(run.id).filter(kind => kind !== 'held' && kind !== 'released'), ['added', 'settled'])
})
