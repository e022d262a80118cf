import t from 'tap'
import { gate, harness } from './harness.ts'
import { taskOf } from '../task.ts'
import type { Task } from '../../core/model/task/task.ts'
import type { TaskContext } from '../../core/model/task/context.ts'

const HOUR = 3_600_000
const func = (func: (ctx: TaskContext) => unknown): Partial<Task> => ({
  work: { kind: 'function', func },
  max_retries: 0
})
const fails = func(() => {
  throw new Error('no paper')
})

t.test('the runs of a flow start in order and read the results of those before them', async t => {
  const it = await harness(t, {
    tasks: [
      { id: 'fetch', ...func(ctx => ({ rows: (ctx.payload as { rows: number }).rows })) },
      {
        id: 'sum',
        ...func(({ results }) =>
          Object.values(results).reduce((sum: number, part) => sum + (part as { rows: number }).rows, 0)
        )
      }
    ]
  })
  const added = await it.desk.bulk.add([
    { task: 'sum', after: ['#a', '#b'] },
    { task: 'fetch', ref: 'a', payload: { rows: 2 } },
    { task: 'fetch', ref: 'b', payload: { rows: 5 } }
  ])
  t.equal(added[0]!.run.state, 'blocked')
  await it.reach(added[0]!.run.id, 'completed')
  t.equal((await it.desk.run(added[0]!.run.id)).result, 7)
})

t.test('a failure skips its dependents with the chain of causes, and starts those that wait for a failure', async t => {
  const it = await harness(t, { tasks: [{ id: 'print', ...fails }, {}, { id: 'mend' }] })
  const [print, next, last, mend, always] = (await it.desk.bulk.add([
    { task: 'print', ref: 'print' },
    { task: 'work', ref: 'next', after: ['#print'] },
    { task: 'work', after: ['#next'] },
    { task: 'mend', after: [{ run: '#print', condition: 'failed' }] },
    { task: 'mend', after: [{ run: '#next', condition: 'done' }] }
  ])).map(({ run }) => run.id)
  await it.reach(mend!, 'completed')
  await it.reach(always!, 'completed')
  t.match((await it.reach(next!, 'skipped')).reason, {
    code: 'dependency_failed',
    message: /no paper/,
    chain: [print!]
  })
  t.match((await it.reach(last!, 'skipped')).reason, { chain: [print!, next!] })
})

t.test('a cycle is refused with its members named, and so is a run after itself or after an unknown run', async t => {
  const it = await harness(t)
  const refused = async (asks: Parameters<typeof it.desk.bulk.add>[0], pointer: string, detail: RegExp) =>
    await t.rejects(it.desk.bulk.add(asks), { code: 'OFFPEAK_INPUT_INVALID', errors: [{ pointer, detail }] })
  await refused([{ task: 'work', ref: 'a', after: ['#b'] }, { task: 'work', ref: 'b', after: ['#c'] }, {
    task: 'work',
    ref: 'c',
    after: ['#a']
  }], '/runs/0/after', /#a → #b → #c → #a/)
  await refused([{ task: 'work', ref: 'me', after: ['#me'] }], '/runs/0/after', /#me → #me/)
  await refused([{ task: 'work', after: ['#gone'] }], '/runs/0/after/0/run', /gone/)
  await refused([{ task: 'work', after: ['0000'] }], '/runs/0/after/0/run', /0000/)
  t.equal((await it.desk.runs({ limit: 5 })).items.length, 0)
})

t.test('a task waits for its dependency and reads its result', async t => {
  const it = await harness(t, {
    tasks: [{ id: 'load', ...func(() => 'loaded') }, {
      depends_on: [{ task: 'load', condition: 'completed', freshMs: Infinity }],
      ...func(({ results }) => results)
    }]
  })
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  t.match(await it.desk.task('work'), { status: 'held', held: { code: 'dependency_missing', message: /load/ } })
  await it.desk.enqueue('load')
  await it.reach(run.id, 'completed')
  t.same((await it.desk.run(run.id)).result, { load: 'loaded' })
})

t.test('a task with an unknown dependency is held with that reason until the task exists', async t => {
  const it = await harness(t, { tasks: [{ depends_on: [{ task: 'load', condition: 'completed', freshMs: HOUR }] }] })
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  const held = async () => (await it.desk.task('work')).held
  t.match(await held(), { code: 'dependency_unknown', message: 'waits for load, which does not exist' })
  it.tasks.set('load', taskOf({ id: 'load' }))
  t.match(await held(), { code: 'dependency_missing', message: /has not run yet/ })
  await it.desk.enqueue('load')
  await it.reach(run.id, 'completed')
  it.tasks.delete('load')
  const { run: second } = await it.desk.enqueue('work')
  await it.reach(second.id, 'completed')
  it.clock.advance(2 * HOUR)
  await it.desk.enqueue('work')
  await it.runner.settled()
  t.match(await held(), { code: 'dependency_unknown' }, 'its last run is no longer fresh')
})

t.test('a task waits for a running dependency, unless an earlier run is fresh enough', async t => {
  const held = gate()
  let slow = false
  const load = {
    id: 'load',
    ...func(async ctx => {
      if (slow) await held.func(ctx)
    })
  }
  const on = (freshMs: number) => [{ task: 'load', condition: 'completed' as const, freshMs }]
  const it = await harness(t, {
    tasks: [load, { depends_on: on(Infinity) }, { id: 'daily', depends_on: on(24 * HOUR) }]
  })
  await it.reach((await it.desk.enqueue('load')).run.id, 'completed')
  slow = true
  await it.reach((await it.desk.enqueue('load')).run.id, 'running')
  const { run } = await it.desk.enqueue('work')
  await it.reach((await it.desk.enqueue('daily')).run.id, 'completed')
  t.match(await it.desk.task('work'), { held: { code: 'dependency_pending' } })
  held.letGo()
  await it.reach(run.id, 'completed')
  it.clock.advance(25 * HOUR)
  const { run: late } = await it.desk.enqueue('daily')
  await it.runner.settled()
  t.match(await it.desk.task('daily'), { held: { code: 'dependency_stale', message: /load/ } })
  slow = false
  await it.desk.enqueue('load')
  await it.reach(late.id, 'completed')
})

t.test('the failure of a task skips its dependents and theirs with the chain of causes', async t => {
  const it = await harness(t, {
    tasks: [{ id: 'a', ...fails }, { id: 'b', depends_on: [{ task: 'a', condition: 'completed', freshMs: Infinity }] },
      { id: 'c', depends_on: [{ task: 'b', condition: 'completed', freshMs: Infinity }] }, {
      id: 'alarm',
      depends_on: [{ task: 'a', condition: 'failed', freshMs: Infinity }]
    }]
  })
  const { run: a } = await it.desk.enqueue('a')
  await it.reach(a.id, 'failed')
  const { run: b } = await it.desk.enqueue('b')
  t.match((await it.reach(b.id, 'skipped')).reason, { code: 'dependency_failed', message: /no paper/, chain: [a.id] })
  const { run: c } = await it.desk.enqueue('c')
  t.match((await it.reach(c.id, 'skipped')).reason, { code: 'dependency_failed', chain: [a.id, b.id] })
  await it.reach((await it.desk.enqueue('alarm')).run.id, 'completed')
})

t.test('tasks that depend on each other are skipped with the cycle named, and so are their dependents', async t => {
  const on = (task: string) => ({ depends_on: [{ task, condition: 'completed' as const, freshMs: Infinity }] })
  const it = await harness(t, {
    tasks: [{ id: 'hen', ...on('egg') }, { id: 'egg', ...on('hen') }, { id: 'farm', ...on('hen') }]
  })
  const { run: hen } = await it.desk.enqueue('hen')
  t.match((await it.reach(hen.id, 'skipped')).reason, { code: 'dependency_failed', message: /egg → hen → egg/ })
  const { run: farm } = await it.desk.enqueue('farm')
  t.equal((await it.reach(farm.id, 'skipped')).reason?.code, 'dependency_failed')
})

t.test('a run whose dependency never runs is started or skipped at its deadline', async t => {
  const depends = {
    depends_on: [{ task: 'never', condition: 'completed' as const, freshMs: Infinity }],
    deadlineMs: HOUR
  }
  const it = await harness(t, {
    tasks: [{ id: 'runs', ...depends }, { id: 'skips', ...depends, on_deadline: 'skip' }, { id: 'never' }]
  })
  const { run: runs } = await it.desk.enqueue('runs')
  const { run: skips } = await it.desk.enqueue('skips')
  await it.runner.settled()
  it.clock.advance(HOUR)
  it.runner.wake()
  await it.reach(runs.id, 'completed')
  t.match((await it.reach(skips.id, 'skipped')).reason, { code: 'deadline', message: /never/ })
})
