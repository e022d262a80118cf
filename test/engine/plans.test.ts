import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { countRuns, list } from '../../core/engine/sqlite/lists/list.ts'
import type { RunFilter } from '../../core/engine/reports.ts'
import { newestRanges } from '../../core/engine/sqlite/state/index-ranges.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { readImage } from '../../core/engine/sqlite/state/read-image.ts'
import { Tables } from '../../core/engine/sqlite/state/tables.ts'
import { sweep } from '../../core/engine/sqlite/calls/sweep.ts'
import { term } from '../../core/engine/sqlite/sql/condition.ts'
import { SOURCES, STATES } from '../../core/model/run/run.ts'
import type { NewRun } from '../../core/model/run/run.ts'
import { T0, ask, claimAll, settleAs } from './contract/fixtures.ts'
import { folderOf } from './process.ts'

/** The numbers of entries of the indexes of runs, without empty ones. */
type Cells = Record<string, number>

/** The database of an engine with one running run, waiting runs, and finished runs of the task c; `after`: the running
 *  one. */
async function setup (t: Test, ...runs: Partial<NewRun>[]) {
  const folder = folderOf(t)
  const engine = createSqliteEngine({ folder, synchronous: 'off' })
  await engine.start()
  const [cause] = await engine.add([ask({ task: 'b' })], T0)
  await claimAll(engine, { tasks: { b: 1 } })
  await engine.add(
    runs.map(more =>
      ask({ ...more, ...more.after && { after: [{ run: cause!.run.id, condition: 'done' as const }] } })
    ),
    T0
  )
  for (const run of await claimAll(engine, { limit: 3, tasks: { c: 3 } })) {
    await settleAs(engine, run, { kind: 'completed', result: null })
  }
  await engine.stop()
  const db = new DatabaseSync(join(folder, 'offpeak.db'))
  t.teardown(() => db.close())
  return { db, cells: cellsOf(db) }
}

const cellsOf = (db: DatabaseSync): Cells =>
  Object.fromEntries(db.prepare(`
  select name, sum(ncell) as cells from dbstat where name glob 'run_*' and pagetype = 'leaf' group by name
    having sum(ncell) > 0 order by name`)
    .all()
    .map(({ name, cells }) => [name as string, cells as number]))

/** The statements about runs that a call prepares, with their query plans. */
function plansOf (db: DatabaseSync, work: (tables: Tables) => void): [sql: string, plan: string][] {
  const tables = new Tables(db)
  readImage(tables)
  const prepare = db.prepare.bind(db)
  const seen = new Set<string>()
  db.prepare = sql => {
    seen.add(sql)
    return prepare(sql)
  }
  work(tables)
  db.prepare = prepare
  return [...seen].filter(sql => /\bfrom run\b/.test(sql)).map(
    sql => [sql, prepare(`explain query plan ${sql}`).all().map(({ detail }) => String(detail)).join('\n')]
  )
}

const SOME: Partial<NewRun>[] = [
  {},
  { due_at: T0 + 9 },
  { source: 'task' },
  { after: [] },
  { task: 'c', schedule: 's', source: 'schedule' },
  { task: 'c' },
  { task: 'c' },
  ...Array.from({ length: 10 }, (_, place) => ({ task: `d${place}`, skipped: { code: 'overlap', message: 'it ran' } }))
]

const FILTERS: RunFilter[] = [undefined, ...STATES.map(state => [state])].flatMap(state =>
  [
    {},
    { task: 'a' },
    { queue: 'default' },
    { source: 'manual' as const },
    { source: 'task' as const },
    { schedule: 's' },
    { schedule: 's', task: 'c' },
    { from: T0, to: T0 + 1 }
  ].map(rest => ({ ...rest, ...state && { state } }))
)

t.test('a queued manual run is in one index', async t => {
  const { cells } = await setup(t, ...Array.from({ length: 40 }, () => ({})))
  t.strictSame(cells, { run_lane: 1, run_queued: 40 }, 'run_lane has the running run')
})

t.test('no list, count or sweep of runs scans a table, and only those of queued runs sort', async t => {
  const { db } = await setup(t, ...SOME)
  const plans = plansOf(db, tables => {
    for (const filter of [...FILTERS, { due_by: T0 }, { due_by: T0, source: 'manual' as const }, {
      fingerprint: 'f'
    }]) {
      list(tables, { ...filter, limit: 2 })
      countRuns(tables, filter, [])
    }
    newestRanges(tables, {
      states: [...tables.memory.lanes.byId.values()].map(lane => ({ lane, state: 'skipped' })),
      sources: SOURCES
    }, { meets: term('id > ?', 0), most: 2 })
    sweep(tables, { now: T0, before: T0 - 1, keep: 1e6, limit: 5 })
  })
  t.ok(plans.length > 20)
  for (const [sql, plan] of plans) {
    t.notMatch(plan, /SCAN run/, sql)
    if (!sql.includes('run_queued') && !sql.includes('json_each(?) as place')) t.notMatch(plan, /TEMP B-TREE/, sql)
  }
})
