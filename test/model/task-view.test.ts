import { times } from '../depth.ts'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import fc from 'fast-check'
import { STATES } from '../../core/model/run/run.ts'
import { taskOf } from '../task.ts'
import { taskView } from '../../core/model/view/task-view.ts'
import type { Run, State } from '../../core/model/run/run.ts'
import type { Schedule } from '../../core/model/schedule/schedule.ts'
import type { TaskFacts } from '../../core/model/view/task-view.ts'
import type { Verdict } from '../../core/model/conditions/gate.ts'

const CLASSES = [{ class: 'normal', because: 'no keyword' }, {
  class: 'background',
  because: 'set explicitly'
}] as const
const TASKS = [taskOf({ id: 'one', trigger: 'cron', trigger_args: { minute: 5 } }),
  taskOf({ id: 'two', enabled: false })]

const instant = fc.constantFrom(1_000_000, 2_000_000)
const last = fc.option(fc.record({
  id: fc.constantFrom('a', 'b'),
  state: fc.constantFrom<State>('completed', 'failed'),
  started_at: fc.option(instant),
  finished_at: instant,
  error: fc.option(fc.record({ name: fc.constant('Error'), message: fc.constantFrom('it broke', 'it broke again') })),
  warning: fc.option(fc.constantFrom('slow', 'late'))
}))
const closed = fc.record({
  ok: fc.constant(false),
  code: fc.constantFrom('paused', 'load'),
  message: fc.constantFrom('by hand', 'too much')
})
const first = fc.option(fc.record({
  run: fc.record({ attempt: fc.nat(1) }),
  verdict: fc.record({ decision: fc.constantFrom('start', 'hold'), gates: fc.array(closed, { maxLength: 1 }) })
}))
const facts = fc.record({
  task: fc.constantFrom(...TASKS),
  class: fc.constantFrom(...CLASSES),
  states: fc.record(Object.fromEntries(STATES.map(state => [state, fc.nat(1)]))),
  last: last.map(run => run as Run | null),
  schedules: fc.array(fc.option(instant), { maxLength: 2 }).map(fires =>
    fires.map(next_at => ({ next_at }) as Schedule)
  ),
  first: first.map(one => one as { run: Run, verdict: Verdict } | null)
}) as fc.Arbitrary<TaskFacts>

// A task that was never seen has nothing that could be kept of it.
const unseen = (facts: TaskFacts) => taskView({ ...facts, task: { ...facts.task } })

/** The same facts but for one, of which only a part may be another. */
function changed (before: TaskFacts, after: TaskFacts, name: keyof TaskFacts, part: string): TaskFacts {
  const [old, now] = [before[name], after[name]] as (Record<string, unknown> | null)[]
  return { ...before, [name]: old && now && part in now ? { ...old, [part]: now[part] } : now }
}

const PARTS = [...STATES, 'state', 'id', 'started_at', 'finished_at', 'error', 'warning', 'run', 'verdict', 'all of it']

t.test('the line of a task states what is so now, whatever it stated before', async t => {
  const all = fc.property(facts, facts, fc.constantFrom('class', 'states', 'last', 'schedules', 'first'),
    fc.constantFrom(...PARTS), (before, after, name, part) => {
    taskView(before)
    const now = changed(before, after, name as keyof TaskFacts, part)
    return isDeepStrictEqual(taskView(now), unseen(now))
  })
  t.doesNotThrow(() => fc.assert(all, { numRuns: times(5000) }))
})

t.test('a line is the same object as long as nothing of it has changed, and another one afterwards', async t => {
  const all = fc.property(facts, one => {
    const line = taskView(one)
    const again = taskView({ ...one, states: { ...one.states }, last: one.last && { ...one.last } })
    return again === line &&
      taskView({ ...one, states: { ...one.states, completed: one.states.completed + 1 } }) !== line
  })
  t.doesNotThrow(() => fc.assert(all, { numRuns: 100 }))
})

t.test('the counts that were handed in may go on counting', async t => {
  const states = Object.fromEntries(STATES.map(state => [state, 0])) as Record<State, number>
  const ask: TaskFacts = { task: taskOf(), class: CLASSES[0], states, last: null, schedules: [], first: null }
  const before = taskView(ask)
  states.completed += 1
  t.equal(before.counts.completed, 0)
  t.equal(taskView(ask).counts.completed, 1)
})
