import type { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { Test } from 'tap'
import { openDatabase } from '../../../core/engine/sqlite/file/open.ts'
import { MIGRATIONS } from '../../../core/engine/sqlite/schema/migrations.ts'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import { NO_DEADLINE } from '../../../core/model/run/cohort.ts'
import { decodeId, encodeId } from '../../../core/model/run/id.ts'
import { STATES } from '../../../core/model/run/run.ts'
import { T0, claimAll, settleAs } from '../contract/fixtures.ts'
import { folderOf } from '../process.ts'

/** The last version of the schema without cohorts. */
const BEFORE = 14

const FIRST = decodeId(encodeId(T0 * 4096))!

/** A row of the old table run; the defaults are those of a waiting run. */
interface Row {
  state?: typeof STATES[number]
  source?: number
  due_at?: number
  created_at?: number
  deadline_at?: number | null
  turn?: number
  lane?: number
}

function insert (db: DatabaseSync, place: number, row: Row): void {
  const { state = 'queued', source = 2, due_at: due = T0, created_at: made = T0, deadline_at: deadline = due + 60,
    turn = 0, lane = 1 } = row
  const running = state === 'running'
  db.prepare(`
    insert into run (id, lane, state, source, due_at, nominal_at, max_retries, missed, created_at, deadline_at,
      attempt, turn, started_at, finished_at, owner, lease_until)
    values (?, ?, ?, ?, ?, ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?)`)
    .run(FIRST + place, lane, STATES.indexOf(state), source, due, due, made, deadline, turn, turn, turn > 0 ? T0 : null,
      state === 'completed' ? T0 : null, running ? 'old' : null, running ? T0 + 30_000 : null)
}

/** An engine on a folder of an earlier version. */
async function opened (t: Test, rows: readonly Row[], more = '') {
  const folder = folderOf(t)
  const db = openDatabase({ folder, unclean: false, now: T0, migrations: MIGRATIONS.slice(0, BEFORE) })
  const completed = rows.filter(({ state }) => state === 'completed').length
  db.exec(
    `insert into lane (id, task, queue, priority, completed)
      values (1, 'a', 'default', 2, ${completed}), (2, 'b', 'default', 2, 0)`
  )
  for (const [place, row] of rows.entries()) insert(db, place, row)
  if (more !== '') db.exec(more)
  db.close()
  const engine = createSqliteEngine({ folder, ballastBytes: 4096, check: true })
  t.teardown(() => engine.stop())
  await engine.start()
  const places = (runs: readonly { id: string }[]) => runs.map(({ id }) => decodeId(id)! - FIRST)
  return { engine, places, id: (place: number) => encodeId(FIRST + place) }
}

t.test('waiting runs of the most frequent span of an old file form a cohort, others become single', async t => {
  const { engine, places, id } = await opened(t, [
    { due_at: T0 + 1 },
    {},
    { due_at: T0 + 2, deadline_at: T0 + 63 },
    { due_at: T0 + 3 },
    { source: 0 },
    { source: 1 },
    { created_at: T0 + 1 },
    { turn: 1, due_at: T0 + 4 },
    { state: 'completed', turn: 1 },
    { state: 'completed', turn: 1, source: 0 },
    { state: 'blocked' },
    { lane: 2, deadline_at: null },
    { lane: 2, deadline_at: null, due_at: T0 + 9 },
    { state: 'running', turn: 1 }
  ])
  const { cohorts, singles } = await engine.due({ now: T0 + 9, owner: 'me' })
  t.match(cohorts.map(({ task, span, scheduled, count, first }) => [task, span, scheduled, count, ...places([first])]),
    [
      ['a', 60, false, 3, 1],
      ['b', NO_DEADLINE, false, 2, 11],
      ['a', 60, true, 1, 4]
    ].toSorted((a, b) => String(a[0]) < String(b[0]) ? -1 : 1))
  t.same(places(singles).toSorted((a, b) => a - b), [2, 5, 6, 7])
  t.match(await engine.count(), [{ task: 'a', states: { queued: 8, blocked: 1, running: 1, completed: 2 } }, {
    task: 'b',
    states: { queued: 2 }
  }])
  t.match(await engine.expire({ now: T0, restart: 'restart', crash_cap: 3 }), { queued: [{ id: id(13) }] },
    'earlier owners are gone')
  const claimed = await claimAll(engine, { now: T0 + 9 })
  t.equal(claimed.length, 11)
  for (const run of claimed) {
    t.match(await settleAs(engine, run, { kind: 'completed', result: 1 }), { state: 'completed' })
  }
  t.equal(await engine.sweep({ now: T0, before: T0 + 99, keep: 0, limit: 99 }), 13, 'every run can be removed')
})

t.test('claims, facts, buckets, schedules and timelines are migrated', async t => {
  const { engine, id } = await opened(t, [{}, {}, {}], `
    insert into claim (seq, owner, at, lease_until, runs) values (1, 'old', ${T0 + 5}, ${T0 + 9}, '[${FIRST}]');
    insert into fact (name, value, at) values ('bucket/q', '{"tokens":1.5,"at":${T0}}', ${T0}),
      ('pause/a', '{"by":"ann"}', ${T0});
    insert into schedule (id, cursor, body) values ('s', ${T0}, '{"id":"s","task":"a","cursor":${T0}}');
    insert into hold (run, seq, code, message, began, ended) values (${FIRST + 1}, 1, 'battery', '', ${T0}, ${
    T0 + 5
  }), (${FIRST + 1}, 2, 'window', '', ${T0 + 5}, null);
    insert into held (day, task, code, ms, runs) values (${Math.floor(T0 / 86_400_000)}, 'a', 'battery', 5, 1)`)
  t.match(await engine.get(id(0)), { state: 'running', turn: 1, attempt: 1, owner: 'old', started_at: T0 + 5 })
  t.match(await engine.expire({ now: T0, restart: 'restart', crash_cap: 3 }), { queued: [{ id: id(0), crashes: 1 }] })
  t.match((await engine.due({ now: T0, owner: 'me' })).rates, { q: { tokens: 1.5, at: T0 } })
  t.match(await engine.kept({ prefix: '' }), [{ name: 'pause/a', version: 1 }])
  t.match(await engine.schedules(), [{ id: 's', version: 1 }])
  t.match(await engine.get(id(1)), {
    holds: [{ code: 'battery', to: T0 + 5 }, { code: 'window', from: T0 + 5, to: /\d+/ }]
  })
  t.match((await engine.held({ from: T0, to: T0 + 1 })).find(({ code }) => code === 'battery'), { ms: 5, runs: 1 },
    'summed entries are not summed again')
  await claimAll(engine, { now: T0 + 9 })
  t.match((await engine.held({ from: T0, to: T0 + 1 })).find(({ code }) => code === 'battery'), { ms: 5, runs: 1 })
})
