import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import type { Engine } from '../../../core/engine/engine.ts'
import { decodeId } from '../../../core/model/run/id.ts'
import { scratch } from '../../work/harness.ts'
import type { NewRun } from '../../../core/model/run/run.ts'
import type { Schedule } from '../../../core/model/schedule/schedule.ts'
import type { Test } from 'tap'

const T0 = Date.UTC(2026, 0)

const asked = (over: Partial<NewRun> = {}): NewRun => ({
  task: 'a',
  queue: 'default',
  priority: 'normal',
  source: 'manual',
  due_at: T0,
  max_retries: 2,
  ...over
})

const schedule: Schedule = {
  id: 's',
  task: 'a',
  origin: 'api',
  trigger: 'interval',
  trigger_args: { hours: 1 },
  timezone: 'UTC',
  payload: null,
  anchor: T0,
  cursor: T0,
  nominal_at: T0 + 1,
  next_at: T0 + 1,
  created_at: T0,
  created_by: 'anna'
}

/** Adds runs and a row to most tables. Returns the ids of the runs. */
async function fill (engine: Engine) {
  const [first, alone, cohort] = await engine.add([asked(), asked({ deadline_at: T0 + 1000, single: true }),
    asked({ payload: { n: 1 } })], T0)
  const [before, behind] = await engine.add([asked({ ref: 'x' }),
    asked({ task: 'b', after: [{ run: '#x', condition: 'completed' }] })], T0)
  await engine.hold([{ owner: 'me', at: T0, code: 'battery', message: 'm', id: alone!.run.id }])
  await engine.plan([{ schedule, from: null, fires: [], overlap: 'skip', now: T0 }])
  await engine.keep({ name: 'pause/all/', value: { until: 1 }, now: T0 })
  await engine.record({ at: T0, by: 'anna', action: 'x', subject: 'y', detail: null })
  const [run] = await engine.claim({
    owner: 'me',
    now: T0,
    lease_until: T0 + 10,
    offers: [{ id: first!.run.id, rank: 0, needs: [], takes: [] }, {
      cohort: { task: 'a', queue: 'default', priority: 'normal', span: -1, scheduled: false, from: 0, until: T0 },
      rank: 1,
      needs: [],
      takes: []
    }],
    pools: {},
    limit: 1
  })
  await engine.settle({ lease: { id: run!.id, turn: 1 }, outcome: { kind: 'completed', result: 1 }, now: T0 })
  return {
    alone: alone!.run.id,
    done: run!.id,
    cohort: cohort!.run.id,
    before: before!.run.id,
    behind: behind!.run.id
  }
}

/** A closed store with runs in every state and a row in most tables. `open` starts an engine on it; `edit` writes into
 *  its database while no engine has it open. */
async function storeOf (t: Test) {
  const folder = scratch(t)
  const open = async () => {
    const engine = createSqliteEngine({ folder, ballastBytes: 0, clock: () => T0 + 1000, check: true })
    await engine.start()
    t.teardown(() => engine.stop())
    return engine
  }
  const engine = await open()
  const ids = await fill(engine)
  await engine.stop()
  const edit = (sql: string, ...values: (string | number | bigint | null | Uint8Array)[]) => {
    const db = new DatabaseSync(join(folder, 'offpeak.db'))
    const { changes } = db.prepare(sql).run(...values)
    db.close()
    return Number(changes)
  }
  return { open, edit, ...ids }
}

type Opened = Awaited<ReturnType<Awaited<ReturnType<typeof storeOf>>['open']>>

/** Checks that calls for other runs work. */
async function works (t: Test, engine: Opened, what: string) {
  const now = T0 + 2000
  const [added] = await engine.add([asked({ task: 'well', due_at: now })], now)
  const { cohorts } = await engine.due({ now, owner: 'me' })
  const offers = cohorts.map(({ count: _count, first: _first, ...cohort }) => ({
    cohort: { ...cohort, from: 0, until: now },
    rank: 0,
    needs: [],
    takes: []
  }))
  const claimed = await engine.claim({ owner: 'me', now, lease_until: now + 10, offers, pools: {}, limit: 100 })
  t.ok(claimed.some(({ id }) => id === added!.run.id), `${what}: others are claimed`)
  const { items } = await engine.list({ limit: 100 })
  for (const { id } of items) await engine.get(id)
  await engine.stats({ from: 0, to: now, by: 'task', every: 'hour' })
  await engine.held({ from: 0, to: now, now })
  for (const call of [engine.count(), engine.queues({ now }), engine.records({ limit: 10 }),
    engine.kept({ prefix: '' }), engine.schedules(), engine.overdue({ now, limit: 10 })]) await call
  await engine.expire({ now, restart: 'restart', crash_cap: 3 })
  await engine.sweep({ now, before: T0 - 1, keep: 1000, limit: 100 })
  for (const { due_at, created_at } of items) {
    t.ok([due_at, created_at].every(at => Math.abs(at) <= 8.64e15), `${what}: instants have a date`)
  }
}

const WRONG = [2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), 8_640_000_000_000_001n, 1.5, 1e308, 'text',
  new Uint8Array([0, 255])] as const

t.test('a waiting run whose instants are out of range fails with the reason, and other runs continue', async t => {
  for (const column of ['due_at', 'nominal_at', 'created_at', 'deadline_at', 'max_retries', 'lane']) {
    const { open, edit, alone } = await storeOf(t)
    const value = WRONG[column.length % WRONG.length]!
    t.equal(edit(`update run set ${column} = ? where id = ?`, value, decodeId(alone)), 1)
    const engine = await open()
    const run = (await engine.get(alone))!
    t.match(run, { state: 'failed', reason: { code: 'out_of_range', message: new RegExp(`${column} was `) } },
      `${column} = ${value}`)
    t.match(await engine.health(T0), {
      ok: true,
      mended: { count: 1, rows: [{ table: 'run', row: alone, message: new RegExp(column) }] }
    })
    await works(t, engine, column)
    t.match(await engine.records({ limit: 10, action: 'mend' }), [{ by: 'offpeak', subject: 'database' }],
      'an audit record names it')
    await engine.stop()
  }
})

t.test('any number in a due time affects its own run alone', async t => {
  for (const value of WRONG) {
    const { open, edit, cohort } = await storeOf(t)
    edit('update run set due_at = ? where id = ?', value, decodeId(cohort))
    const engine = await open()
    t.equal((await engine.get(cohort))!.state, 'failed', String(value))
    await works(t, engine, String(value))
    await engine.stop()
  }
})

t.test('a distant due time within the range of dates is kept', async t => {
  const { open, edit, cohort } = await storeOf(t)
  edit('update run set due_at = ? where id = ?', 8.64e15, decodeId(cohort))
  const engine = await open()
  t.match(await engine.get(cohort), { state: 'queued', due_at: 8.64e15 })
  await works(t, engine, 'far')
})

t.test('dependents of a run that fails so are handled as usual', async t => {
  const { open, edit, before, behind } = await storeOf(t)
  edit('update run set due_at = ? where id = ?', 1e300, decodeId(before))
  const engine = await open()
  t.match(await engine.get(before), { state: 'failed' })
  t.match(await engine.get(behind), { state: 'skipped' })
  t.match(await engine.health(T0), { mended: { count: 1 } })
})

t.test('a run that was not failed before the process ended is failed by the next one', async t => {
  const { open, edit, alone } = await storeOf(t)
  edit(
    `update run set due_at = 8640000000000000, deadline_at = null,
      reason = '{"code":"out_of_range","message":"m"}' where id = ?`,
    decodeId(alone)
  )
  const engine = await open()
  t.match(await engine.get(alone), { state: 'failed', reason: { code: 'out_of_range', message: 'm' } })
})

const COLUMNS = [
  'schedule.cursor',
  'schedule.body',
  'schedule.version',
  'fact.value',
  'fact.at',
  'fact.version',
  'record.at',
  'record.detail',
  'meta.value',
  'lane.last',
  'lane.completed',
  'lane.priority',
  'lane.task',
  'lane.span',
  'hour.wait',
  'hour.completed',
  'hold.began',
  'hold.code',
  'dependency.condition',
  'owner.lease_until',
  'run.finished_at',
  'run.error',
  'run.progress',
  'run.lease_until',
  'run.turn',
  'run.state',
  'run.source',
  'run.payload',
  'sqlite_sequence.seq'
]

t.test('a store opens and works with an invalid value in any column', async t => {
  for (const place of COLUMNS) {
    const [table, column] = place.split('.')
    const { open, edit } = await storeOf(t)
    for (const value of [2n ** 63n - 1n, 1e308, '{"a":', -1, new Uint8Array([0])]) {
      try {
        edit(`update ${table} set ${column} = ? where rowid in (select rowid from ${table} limit 1)`, value)
      } catch {
        edit(`update ${table} set ${column} = ?`, value)
      }
      const engine = await open()
      await works(t, engine, `${place} = ${value}`)
      await engine.stop()
    }
  }
})

t.test('a store whose rows are in range is not changed', async t => {
  const { open } = await storeOf(t)
  const engine = await open()
  t.strictSame((await engine.health(T0)).mended, { count: 0, rows: [] })
  t.strictSame(await engine.records({ limit: 10, action: 'mend' }), [])
})
