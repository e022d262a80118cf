import t from 'tap'
import type { Test } from 'tap'
import type { Engine } from '../../core/engine/engine.ts'
import type { RunFilter, ListAsk } from '../../core/engine/reports.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { SOURCES, STATES } from '../../core/model/run/run.ts'
import type { NewRun, Run, Source } from '../../core/model/run/run.ts'
import { BOOM, T0, ask, claimAll } from './contract/fixtures.ts'
import { folderOf } from './process.ts'

const TASKS = 12
const RUNS = 4000
const BATCH = 80

const taskOf = (index: number) => `task_${index % TASKS}`

/** Runs of many tasks. The newest 2,000 are from schedules, every ninth of them late; the others are manual, every
 *  tenth from another task. */
function newRun (index: number): NewRun {
  const isPlanned = index >= RUNS / 2
  const source: Source = isPlanned ? index % 9 === 0 ? 'catch_up' : 'schedule' : index % 10 === 0 ? 'task' : 'manual'
  const rest = isPlanned ? { schedule: `every_${index % 5}` } : {}
  const state = index % 7 === 0 ? { skipped: { code: 'overlap', message: 'it ran' } } : {}
  return ask({
    task: taskOf(index),
    queue: index % 4 === 0 ? 'other' : 'default',
    source,
    due_at: T0 + (index % 3 === 0 ? 1e9 : 0),
    ...rest,
    ...state
  })
}

async function finishSome (engine: Engine): Promise<void> {
  for (let index = 0; index < TASKS; index++) {
    const runs = await claimAll(engine, { now: T0 + RUNS, lease: 1e6, limit: 150, tasks: { [taskOf(index)]: 150 } })
    await Promise.all(runs.map(({ id, turn }, place) =>
      place < 3 ? null : engine.settle({
        lease: { id, turn },
        now: T0 + RUNS + place,
        outcome: place % 50 === 0
          ? { kind: 'failed', error: BOOM, retry_at: null }
          : { kind: 'completed', result: null }
      })
    ))
  }
}

async function setup (t: Test) {
  const engine = createSqliteEngine({ folder: folderOf(t), synchronous: 'off' })
  t.teardown(() => engine.stop())
  await engine.start()
  for (let index = 0; index < RUNS; index += BATCH) {
    await engine.add(Array.from({ length: BATCH }, (_, place) => newRun(index + place)), T0 + index)
  }
  await finishSome(engine)
  return { engine, all: (await engine.list({ limit: RUNS })).items }
}

const matches = (run: Run, { task, state, queue, schedule, source, from = 0, to = Infinity }: RunFilter): boolean =>
  (task ?? run.task) === run.task && (state?.includes(run.state) ?? true) && (queue ?? run.queue) === run.queue &&
  (schedule ?? run.schedule) === run.schedule &&
  (source ?? run.source) === run.source && run.created_at >= from && run.created_at < to

function filters (): RunFilter[] {
  const states = [undefined, ...STATES.map(state => [state]), ['queued', 'failed'], ['running',
    'queued']] as RunFilter['state'][]
  const rest: RunFilter[] = [
    {},
    { source: 'manual' },
    { source: 'task' },
    { source: 'catch_up' },
    { schedule: 'every_1' },
    { schedule: 'nobody' },
    { queue: 'other' },
    { queue: 'other', source: 'schedule' },
    { task: 'task_3' },
    { task: 'task_3', source: 'manual' },
    { from: T0 + 500, to: T0 + 2500 },
    { source: 'schedule', to: T0 + 2100 },
    { schedule: 'every_2', queue: 'other', source: 'schedule' },
    { schedule: 'every_3', task: 'task_8' },
    { schedule: 'every_3', source: 'task' }
  ]
  return states.flatMap(state => rest.map(one => ({ ...one, ...state && { state } })))
}

async function pages (engine: Engine, ask: ListAsk): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const page = await engine.list(cursor === null ? ask : { ...ask, cursor })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next
  } while (cursor !== null)
  return ids
}

t.test('each filter lists the runs that a scan finds, with many tasks and runs [S19]', async t => {
  const { engine, all } = await setup(t)
  t.equal(all.length, RUNS)
  for (const filter of filters()) {
    const expected = all.filter(run => matches(run, filter)).map(({ id }) => id)
    t.strictSame(await pages(engine, { ...filter, limit: 97 }), expected, JSON.stringify(filter))
  }
})

t.test('a dry run counts the runs that a scan finds', async t => {
  const { engine, all } = await setup(t)
  const waits = ['blocked', 'queued']
  const [running] = all.filter(({ state }) => state === 'running')
  await engine.cancel({ id: running!.id, reason: { code: 'by_hand', message: 'stop' }, now: T0 })
  const counts = async (filter: RunFilter, act: 'cancel' | 'retry' | 'remove' | 'promote') =>
    (await engine.change({ filter, act, now: T0, limit: 1, dry_run: true })).matched
  const count = (test: (run: Run) => boolean) => all.filter(test).length
  t.equal(await counts({}, 'cancel'), count(({ state }) => waits.includes(state) || state === 'running') - 1)
  t.equal(await counts({ queue: 'other', state: ['queued'] }, 'cancel'),
    count(({ state, queue }) => state === 'queued' && queue === 'other'))
  t.equal(await counts({ source: 'task', state: ['queued'] }, 'cancel'),
    count(({ state, source }) => state === 'queued' && source === 'task'))
  t.equal(await counts({}, 'retry'), count(({ state }) => state === 'failed'))
  t.equal(await counts({ from: T0 + 2000 }, 'remove'),
    count(({ state, created_at: at }) => !waits.includes(state) && state !== 'running' && at >= T0 + 2000))
  t.equal(await counts({ source: 'task' }, 'remove'),
    count(({ state, source }) => !waits.includes(state) && state !== 'running' && source === 'task'))
  t.equal(await counts({ schedule: 'every_1', state: ['skipped'] }, 'remove'),
    count(({ state, schedule }) => state === 'skipped' && schedule === 'every_1'))
  t.equal(await counts({}, 'promote'), count(({ state, due_at: at }) => state === 'queued' && at > T0))
  t.equal(await counts({ to: T0 + 1000 }, 'promote'),
    count(({ state, due_at: at, created_at: born }) => state === 'queued' && at > T0 && born < T0 + 1000))
})

t.test('runs are found by creation time, also after a clock was set back and within one millisecond', async t => {
  const engine = createSqliteEngine({ folder: folderOf(t), synchronous: 'off' })
  t.teardown(() => engine.stop())
  await engine.start()
  const born = async (filter: RunFilter) =>
    (await engine.list({ ...filter, limit: 9 })).items.map(({ created_at: at }) => at - T0)
  await engine.add([ask()], T0 + 100)
  t.strictSame(await born({ from: T0 + 100, to: T0 + 101 }), [100])
  t.strictSame(await born({ to: T0 + 100 }), [])
  await engine.add([ask()], T0 + 10)
  t.strictSame(await born({ from: T0, to: T0 + 100 }), [10])
  t.strictSame(await born({ from: T0 + 50 }), [100])
  await engine.add(Array.from({ length: 5000 }, () => ask({ task: 'b' })), T0 + 200)
  await engine.add([ask({ task: 'c' })], T0 + 201)
  t.strictSame(await born({ from: T0 + 201 }), [201])
  t.equal((await engine.list({ from: T0 + 200, to: T0 + 201, limit: 9000 })).items.length, 5000)
})

const LONG = 12_000
const NEWER = 22_000
const DUE = 11_000

/** A long queue of one task, in which every fifth run was added by another task, a short queue, and a larger number of
 *  newer runs. */
async function hidden (t: Test): Promise<{ engine: Engine, all: Run[] }> {
  const engine = createSqliteEngine({ folder: folderOf(t), synchronous: 'off' })
  t.teardown(() => engine.stop())
  await engine.start()
  const add = (count: number, more: (place: number) => Partial<NewRun>) =>
    engine.add(Array.from({ length: count }, (_, place) => ask(more(place))), T0)
  await add(LONG,
    place => ({ due_at: place < DUE ? T0 + LONG - place : T0 + 1e9, source: place % 5 === 0 ? 'task' : 'manual' }))
  await add(50, place => ({ task: 'b', due_at: T0 + place % 7 }))
  await add(NEWER, place => ({ task: place % 3 === 0 ? 'a' : 'c', skipped: { code: 'overlap', message: 'it ran' } }))
  return { engine, all: (await engine.list({ limit: LONG + NEWER + 50 })).items }
}

t.test('each filter lists the runs that a scan finds in a long queue behind many newer runs', async t => {
  const { engine, all } = await hidden(t)
  const waits: RunFilter = { state: ['queued'] }
  const rest: RunFilter[] = [{}, { task: 'a' }, { task: 'b' }, { source: 'manual' }, { source: 'task' }, {
    source: 'schedule'
  }, { task: 'b', source: 'task' }]
  for (const filter of [...rest.map(one => ({ ...waits, ...one })), { task: 'a' },
    { state: ['queued', 'failed'] } satisfies RunFilter]) {
    t.strictSame(await pages(engine, { ...filter, limit: 4001 }), all.filter(run =>
      matches(run, filter)
    ).map(({ id }) => id), JSON.stringify(filter))
  }
  for (const late of [5, LONG + 1]) {
    const due = all.filter(({ state, due_at: at }) => state === 'queued' && at <= T0 + late)
    t.strictSame(await pages(engine, { due_by: T0 + late, limit: 4001 }), due.map(({ id }) => id))
    t.strictSame(await pages(engine, { due_by: T0 + late, source: 'manual', limit: 4001 }), due.filter(({ source }) =>
      source === 'manual'
    ).map(({ id }) => id))
    t.strictSame(await pages(engine, { due_by: T0 + late, source: 'task', limit: 4001 }),
      due.filter(({ source }) => source === 'task').map(({ id }) => id))
  }
})

t.test('waiting and running runs are counted when the folder is opened again', async t => {
  const folder = folderOf(t)
  const first = createSqliteEngine({ folder, synchronous: 'off' })
  await first.start()
  const [cause] = await first.add([ask({ task: 'b' })], T0)
  await first.add(
    [...SOURCES, ...SOURCES].map((source, place) =>
      ask({ source, ...place > 5 && { after: [{ run: cause!.run.id, condition: 'done' }] } })
    ),
    T0
  )
  await claimAll(first, { limit: 3, tasks: { a: 2, b: 1 } })
  const counts = await first.count()
  await first.stop()
  const second = createSqliteEngine({ folder, synchronous: 'off' })
  t.teardown(() => second.stop())
  await second.start()
  t.strictSame(await second.count(), counts)
  t.match(counts.find(({ task }) => task === 'a'), { states: { blocked: 2, queued: 4, running: 2 } })
})

t.test('each page has the newest runs of long queues and of many short ones', async t => {
  for (const lengths of [[6000, 6000], [10_500, 40]]) {
    const engine = createSqliteEngine({ folder: folderOf(t), synchronous: 'off' })
    t.teardown(() => engine.stop())
    await engine.start()
    const added: string[] = []
    for (const [place, length] of lengths.entries()) {
      for (let count = 0; count < length; count += 500) {
        const runs = await engine.add(
          Array.from({ length: Math.min(500, length - count) }, () => ask({ task: taskOf(place) })),
          T0 + count
        )
        added.push(...runs.map(({ run }) => run.id))
      }
    }
    const newest = added.toSorted().toReversed()
    const first = await engine.list({ state: ['queued'], limit: 30 })
    t.same(first.items.map(({ id }) => id), newest.slice(0, 30))
    t.same((await engine.list({ state: ['queued'], limit: 30, cursor: newest[9000]! })).items.map(({ id }) => id),
      newest.slice(9001, 9031))
    for (const [place, length] of lengths.entries()) {
      t.match(
        await engine.change({
          act: 'cancel',
          filter: { task: taskOf(place), state: ['queued'] },
          now: T0,
          limit: 9,
          dry_run: true
        }),
        { matched: length }
      )
    }
  }
})
