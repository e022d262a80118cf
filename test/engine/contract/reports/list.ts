import type { Engine } from '../../../../core/engine/engine.ts'
import type { Run, State } from '../../../../core/model/run/run.ts'
import { T0, ask, addOne, runIn, REACHABLE, fire, planAsk } from '../fixtures.ts'
import { Suite } from '../suite.ts'

/** Counts and lists. */
export const lists = new Suite()

lists.test('count returns each state of a task and the run that finished last', async (t, setup) => {
  const engine = await setup(t)
  for (const state of REACHABLE.toReversed()) await runIn(engine, state)
  await addOne(engine, { task: 'b' })
  const [a, b] = (await engine.count()).toSorted((x, y) => x.task < y.task ? -1 : 1)
  t.same(a!.states, { blocked: 0, queued: 1, running: 1, completed: 1, failed: 1, cancelled: 1, skipped: 1 })
  t.match(a!.last, { state: 'completed' })
  t.match(b, { task: 'b', states: { queued: 1 }, last: null })
})

lists.test('each filter and combination of filters returns the runs that a scan finds, in pages', async (t, setup) => {
  const engine = await setup(t)
  await engine.plan([planAsk()])
  for (const [index, state] of [...REACHABLE, ...REACHABLE].entries()) {
    await runIn(engine, state)
    const at = T0 + index
    await engine.add([fire(at + 1000, { task: 'b', queue: index % 2 ? 'q' : 'default', priority: 'low' }),
      ask({ due_at: at + 5, source: 'task', queue: 'q' })], at)
  }
  const all = (await engine.list({ limit: 1000 })).items
  t.same(all.map(({ id }) => id), all.map(({ id }) => id).toSorted().toReversed())
  for (const filter of filters()) {
    const expected = all.filter(run => matches(run, filter)).map(({ id }) => id)
    t.same(await pages(engine, filter), expected, JSON.stringify(filter))
  }
})

lists.test('an invalid cursor is refused', async (t, setup) => {
  const engine = await setup(t)
  await t.rejects(engine.list({ limit: 1, cursor: 'nonsense' }), { code: 'OFFPEAK_CURSOR_INVALID' })
})

type Filter = Omit<Parameters<Engine['list']>[0], 'limit' | 'cursor'>

function filters (): Filter[] {
  const found: Filter[] = [{ due_by: T0 + 3 }, { due_by: T0 + 9, task: 'a' }, { due_by: T0, state: ['completed'] }, {
    state: []
  }, { task: 'nobody' }]
  for (const task of [undefined, 'a', 'b']) {
    for (const state of [undefined, ...REACHABLE.map(word => [word]), ['queued', 'running'], ['failed', 'completed',
      'queued']] as (State[] | undefined)[]) {
      for (const rest of [{}, { queue: 'q' }, { schedule: 'a' }, { source: 'task' }, { source: 'schedule', queue: 'q' },
        { from: T0 + 2, to: T0 + 6 }, { queue: 'q', schedule: 'a', from: T0 + 3 }] as Filter[]) {
        found.push({ ...rest, ...task && { task }, ...state && { state } })
      }
    }
  }
  return found
}

const matches = (
  run: Run,
  { task, state, queue, schedule, source, from = 0, to = Infinity, due_by }: Filter
): boolean =>
  (task === undefined || run.task === task) && (state === undefined || state.includes(run.state)) &&
  (queue === undefined || run.queue === queue) && (schedule === undefined || run.schedule === schedule) &&
  (source === undefined || run.source === source) && run.created_at >= from && run.created_at < to &&
  (due_by === undefined || (run.state === 'queued' && run.due_at <= due_by))

async function pages (engine: Engine, filter: Filter): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await engine.list({ ...filter, limit: 3, ...cursor && { cursor } })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next ?? undefined
  } while (cursor)
  return ids
}
