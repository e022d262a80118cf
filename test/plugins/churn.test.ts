import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CrashingImports } from '../../core/load/import/crashing-imports.ts'
import { Forecaster } from '../../core/work/plan/forecaster.ts'
import { HoldLog } from '../../core/work/run/hold-log.ts'
import { LateResults } from '../../core/load/import/late-results.ts'
import { Reader } from '../../core/load/task/reader.ts'
import { emptyHistogram } from '../../core/model/machine/activity.ts'
import { harness, scratch } from '../work/harness.ts'
import { setup } from './setup.ts'
import type { Engine } from '../../core/engine/engine.ts'
import type { FoundFile } from '../../core/load/task/walk.ts'
import type { Judged } from '../../core/model/admit/judged.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'

const PARTS = ['core/work/', 'core/sense/', 'core/load/', 'plugins/']
/** More than a store of signals keeps by itself. */
const NAMES = 450
/** What a collection may hold after that. */
const MOST = 210
/** Bounded by itself, at the number of tasks that there may be. */
const BOUNDED = 'core/work/run/prefetch.ts'

interface Collection {
  place: string
  size: () => number
}

const made: Collection[] = []

/** The file and line of the product that makes a collection; null: it is none of the parts that are looked at. */
function placeOf (stack: string): string | null {
  const line = stack.split('\n').slice(1).find(one => !one.includes('test/plugins/churn'))
  const part = PARTS.find(one => line?.includes(`/${one}`))
  return part === undefined || line!.includes('node_modules') ? null : line!.slice(line!.indexOf(part)).replace(')', '')
}

function note (one: { readonly size: number }): void {
  const place = placeOf(new Error().stack ?? '')
  const held = new WeakRef(one)
  if (place !== null) made.push({ place, size: () => held.deref()?.size ?? 0 })
}

/** From here on it is known where each collection was made, and how much it holds. */
function watchCollections (): void {
  globalThis.Map = class<K, V> extends Map<K, V> {
    constructor (from?: Iterable<readonly [K, V]> | null) {
      super(from)
      note(this)
    }
  } as MapConstructor
  globalThis.Set = class<V> extends Set<V> {
    constructor (from?: Iterable<V> | null) {
      super(from)
      note(this)
    }
  } as SetConstructor
}

watchCollections()

const large = (from: number) =>
  made.slice(from).filter(({ place, size }) => size() > MOST && !place.startsWith(BOUNDED)).map(({ place, size }) =>
    `${place}: ${size()}`
  )

t.test('no collection keeps the names of removed tasks, signals and schedules', {
  timeout: 240_000
}, async t => {
  const before = made.length
  const it = await setup(t, { tasks: [] })
  const fail = () => {
    throw new Error('the line is dead')
  }
  for (let n = 0; n < NAMES; n++) {
    const tasks: TaskDefinition[] = [
      { id: `fails-${n}`, func: fail, max_retries: 0, breaker: { failures: 3 } },
      { id: `waits-${n}`, func: fail, depends_on: [{ task: `fails-${n}`, fresh: '1h' }] }
    ]
    for (const task of tasks) it.manager.addTask(task)
    t.equal(
      (await it.ask({ method: 'PUT', url: `/api/signals/signal-${n}`, payload: { value: n, ttl: 0.001 } })).statusCode,
      200
    )
    const at = { trigger: 'date', trigger_args: { run_date: '2099-01-01 00:00:00' } }
    const { id } = (await it.post('/api/schedules', { task: `fails-${n}`, ...at })).json()
    const added = await Promise.all(
      tasks.map(async task => (await it.post(`/api/tasks/${task.id}/runs`)).json().id as string)
    )
    await it.finished(added[0]!)
    await it.post(`/api/runs/${added[1]!}/cancel`)
    t.equal((await it.ask({ method: 'DELETE', url: `/api/schedules/${encodeURIComponent(id)}` })).statusCode, 204)
    for (const task of tasks) it.manager.removeTask(task.id)
  }
  t.ok(made.length > before + 100, 'collections are seen')
  t.strictSame(large(before), [])
})

t.test('the hold log keeps nothing of cohorts that no longer exist', async t => {
  const before = made.length
  const log = new HoldLog({
    owner: 'me',
    engine: { hold: async () => undefined } as unknown as Engine,
    notice: () => undefined
  })
  const verdict = (decision: 'start' | 'hold') =>
    ({ decision, phase: null, gates: [] }) as unknown as Judged['judgement']
  for (let n = 0; n < NAMES; n++) {
    const run = { id: `run-${n}`, task: `task-${n}`, queue: 'default', priority: 'normal' } as Judged['run']
    const cohort = {
      task: run.task,
      queue: run.queue,
      priority: run.priority,
      span: 1,
      scheduled: false,
      count: 2,
      first: run
    } as const
    log.note([{ run, cohort, judgement: verdict('start'), rest: { judgement: verdict('start'), from: 1 } }], n)
  }
  await log.written()
  t.ok(made.length > before)
  t.strictSame(large(before), [])
})

t.test('versions of task files that cannot be imported are eventually forgotten', { timeout: 240_000 }, async t => {
  const before = made.length
  const folder = scratch(t)
  const reader = new Reader(5000)
  const real = join(folder, 'broken.mjs')
  writeFileSync(real, 'throw new Error("the line is dead")')
  for (let n = 0; n < NAMES; n++) {
    const read = await reader.read({
      file: { path: 'broken.mjs', real } as FoundFile,
      source: '',
      hash: `${n}`.padStart(16, '0')
    }, undefined)
    t.match(read, { fault: { message: /the line is dead/ } })
  }
  t.strictSame(large(before), [])
})

t.test('a deleted file is not a suspect, and nothing is kept for it', t => {
  const folder = scratch(t)
  const here = join(folder, 'here.mjs')
  writeFileSync(here, '')
  const keep = (files: readonly string[]) =>
    writeFileSync(join(folder, 'ended.json'),
      JSON.stringify(Object.fromEntries(files.map(file => [file, { hash: 'h', count: 3 }]))))
  keep([join(folder, 'gone.mjs')])
  t.notOk(new CrashingImports(folder).suspects)
  keep([join(folder, 'gone.mjs'), here])
  t.equal(new CrashingImports(folder).tooOften({ file: here, hash: 'h' }), 3)
  const late = new LateResults<number>()
  late.add('gone', 'h')
  late.add('here', 'h')
  late.only(new Set(['here']))
  t.equal(late.take('gone', 'h'), undefined)
  t.equal(late.take('here', 'h'), null)
  t.end()
})

t.test('forecasts for single runs are not kept', async t => {
  const before = made.length
  const it = await harness(t, {})
  const forecaster = new Forecaster({
    engine: it.engine,
    clock: it.clock,
    conditions: it.conditions,
    config: () => it.conditions.current.config,
    planner: () => it.planner,
    tasks: () => it.tasks,
    activity: emptyHistogram,
    computeForecast: async ({ at }) => ({ from: at, to: at, items: [] })
  })
  for (let n = 0; n < NAMES; n++) {
    await forecaster.earliestOf({ id: `run-${n}`, due_at: it.clock.now(), deadline_at: null })
    it.clock.advance(1000)
  }
  t.strictSame(large(before), [])
})
