import t from 'tap'
import { SimulatedClock } from '../../core/work/simulate/clock.ts'
import { harness } from './harness.ts'
import { setImmediate } from 'node:timers/promises'
import { until } from '../clock.ts'
import type { HarnessOptions, Owner } from './harness.ts'
import type { State } from '../../core/model/run/run.ts'
import type { Task } from '../../core/model/task/task.ts'

const DUE = Date.parse('2026-11-22T13:00:00Z')
const LEAD = 10

/** Tasks that fire at `DUE`, 10 ms before it: their runs are added, and those that may be claimed early are. */
async function justBefore (t: Owner, { tasks, ...options }: HarnessOptions & { tasks: Partial<Task>[] }) {
  const clock = new SimulatedClock(DUE - 60_000)
  const begun: string[] = []
  const func: Task['work'] = {
    kind: 'function',
    func: ({ task: id }) => void begun.push(`${id} at ${clock.now() - DUE}`)
  }
  const it = await harness(t, {
    ...options,
    clock,
    leadMs: LEAD,
    tasks: tasks.map(task => ({ trigger: 'cron', trigger_args: { minute: 0 }, work: func, ...task }))
  })
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    await it.runner.settled()
  }
  const goTo = (ms: number) => clock.goTo(DUE + ms, settle)
  const stateOf = async (task: string) => (await it.engine.list({ task, limit: 1 })).items[0]?.state
  const are = (states: Record<string, State>) =>
    until(`they are ${JSON.stringify(states)}`, async () => {
      for (const [task, state] of Object.entries(states)) if (await stateOf(task) !== state) return false
      return true
    })
  await goTo(-LEAD)
  await it.fire()
  await settle()
  return {
    ...it,
    clock,
    begun,
    goTo,
    are,
    settle,
    runOf: async (task: string) => (await it.engine.list({ task, limit: 1 })).items[0]!
  }
}

t.test('a scheduled run is claimed before its instant and begins at it', async t => {
  const { begun, goTo, are, runOf, noticesOf } = await justBefore(t, { tasks: [{ id: 'a' }, { id: 'b' }] })
  await are({ a: 'running', b: 'running' })
  await goTo(-1)
  t.same([begun, noticesOf('claimed')], [[], []])
  await goTo(0)
  await are({ a: 'completed', b: 'completed' })
  t.same(begun.toSorted(), ['a at 0', 'b at 0'])
  t.match(await runOf('a'), { turn: 1, attempt: 1, started_at: DUE, due_at: DUE, created_at: DUE - LEAD })
})

t.test('a run due later than the lead is not claimed early', async t => {
  const { desk, are, goTo, begun, settle, runOf } = await justBefore(t, { tasks: [{ id: 'a', trigger: null }] })
  await desk.enqueue('a', { due_at: DUE + 5 })
  await settle()
  t.match(await runOf('a'), { state: 'queued' })
  await goTo(5)
  await are({ a: 'completed' })
  t.same(begun, ['a at 5'])
})

t.test('the verdict of an early claim is that of the due instant', async t => {
  const { are, goTo, begun, desk } = await justBefore(t, {
    tasks: [{ id: 'opens', constraints: { window: '13:00-14:00' } }, {
      id: 'closes',
      constraints: { window: '12:00-13:00' }
    }]
  })
  await are({ opens: 'running', closes: 'queued' })
  await goTo(0)
  await are({ opens: 'completed', closes: 'queued' })
  t.same(begun, ['opens at 0'])
  t.match(await desk.task('closes'), { status: 'held', held: { code: 'outside_window' } })
})

t.test('a run that other runs could block is claimed at its instant', async t => {
  const breaker = { failures: 2, pauseMs: 1, capMs: 1 }
  const ids = ['limited', 'locked', 'background', 'broken']
  const { are, goTo, begun } = await justBefore(t, {
    config: { queues: { mail: { concurrency: 5 } } },
    tasks: [{ id: 'limited', queue: 'mail' }, { id: 'locked', locks: ['disk'] }, {
      id: 'background',
      class: 'background'
    }, { id: 'broken', breaker }, { id: 'plain' }],
    slots: 9
  })
  await are({ ...Object.fromEntries(ids.map(id => [id, 'queued'])), plain: 'running' })
  await goTo(0)
  await are(Object.fromEntries(ids.map(id => [id, 'completed'])))
  t.same(begun.toSorted(), [...ids, 'plain'].map(id => `${id} at 0`).toSorted())
})

t.test('no run is claimed early while priority slots apply', async t => {
  const { are, goTo } = await justBefore(t, {
    config: { scheduling: { priority_slots: 'always' } },
    tasks: [{ id: 'a' }]
  })
  await are({ a: 'queued' })
  await goTo(0)
  await are({ a: 'completed' })
})

t.test('a change of conditions before the instant gives the run back, and it is judged again', async t => {
  const { conditions, are, goTo, begun, runOf, clock } = await justBefore(t, { tasks: [{ id: 'a' }] })
  await are({ a: 'running' })
  await goTo(-5)
  conditions.pause([{ scope: 'all', name: null, until: null, by: 'me', at: clock.now() }])
  await are({ a: 'queued' })
  t.match(await runOf('a'), { attempt: 0, reason: { code: 'given_back' } })
  await goTo(20)
  await are({ a: 'queued' })
  t.same(begun, [])
  conditions.pause([])
  await are({ a: 'completed' })
  t.match(await runOf('a'), { attempt: 1 })
})

t.test('a run whose instant passes during suspend is judged again after it', async t => {
  const { are, goTo, begun, clock } = await justBefore(t, {
    tasks: [{ id: 'a', constraints: { window: '13:00-13:30' } }]
  })
  await are({ a: 'running' })
  await goTo(-1)
  clock.jump(3_600_000)
  await goTo(3_600_000 + 100)
  await are({ a: 'queued' })
  t.same(begun, [])
})

t.test('an early claim that is cancelled never begins, and a stop gives it back', async t => {
  const { desk, are, goTo, begun, runOf, runner } = await justBefore(t, { tasks: [{ id: 'a' }, { id: 'b' }] })
  await are({ a: 'running', b: 'running' })
  await desk.cancel((await runOf('a')).id, { by: 'me' })
  await are({ a: 'cancelled' })
  await runner.stop()
  await are({ b: 'queued' })
  await goTo(5)
  t.same(begun, [])
})

t.test('an early claim leaves its slot to quick runs until its instant', async t => {
  const { desk, are, goTo, begun, runOf, reach, settle } = await justBefore(t, {
    slots: 1,
    tasks: [{ id: 'a' }, { id: 'quick', trigger: null }]
  })
  await are({ a: 'running' })
  await reach((await desk.enqueue('quick')).run.id, 'completed')
  await settle()
  await goTo(0)
  await are({ a: 'completed' })
  t.same(begun, ['quick at -10', 'a at 0'])
  t.match(await runOf('a'), { turn: 1 })
})

t.test('an early claim without a slot at its instant waits for one, then is given back', async t => {
  const slow = Promise.withResolvers<void>()
  const { desk, are, goTo, begun, runOf, reach } = await justBefore(t, {
    slots: 1,
    tasks: [{ id: 'a' }, { id: 'slow', trigger: null, work: { kind: 'function', func: () => slow.promise } }]
  })
  await are({ a: 'running' })
  await reach((await desk.enqueue('slow')).run.id, 'running')
  await goTo(199)
  await are({ a: 'running' })
  await goTo(201)
  await are({ a: 'queued' })
  slow.resolve()
  await are({ a: 'completed', slow: 'completed' })
  t.same(begun, ['a at 201'])
  t.match(await runOf('a'), { attempt: 1 })
})
