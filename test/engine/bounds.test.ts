import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import { DAY } from '../../core/model/base/duration.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { T0, ask, offersOf } from './contract/fixtures.ts'
import { folderOf } from './process.ts'

/** The bound of each table. */
const BOUNDS: Record<string, string> = {
  run: 'retention.max_age, max_runs and dead_max_age once it has ended; queues.max_length while it waits',
  payload: 'removed with its run',
  result: 'removed with its run',
  checkpoint: 'removed with its run',
  attempt: 'removed with its run',
  log: 'removed with its run; log.max_lines of each',
  hold: 'removed with its run',
  used: 'removed with its run',
  dependency: 'removed with its run',
  lane: 'removed at the next sweep after its last run',
  lane_hold: 'a day longer than the oldest run of its lane',
  held: '400 days',
  hour: '400 days, by the hour for 45 of them',
  fact: 'kept by its owner; a removal for 7 days',
  schedule: 'kept by its creator; a removal for 7 days',
  record: '400 days, the newest 100,000',
  owner: 'removed when its lease expires',
  rate: '400 days after the last start of its queue',
  holder: 'one row',
  meta: 'one row for each name in the code'
}

async function setup (t: Parameters<typeof folderOf>[0]) {
  const folder = folderOf(t)
  const engine = createSqliteEngine({ folder, ballastBytes: 0, check: true })
  t.teardown(() => engine.stop())
  await engine.start()
  const db = new DatabaseSync(join(folder, 'offpeak.db'), { readOnly: true })
  t.teardown(() => {
    if (db.isOpen) db.close()
  })
  const tables = () =>
    db.prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name").all()
      .map(({ name }) => String(name))
  const counts = () =>
    Object.fromEntries(
      tables().map(name => [name, db.prepare(`select count(*) as n from ${name}`).get()!['n'] as number])
    )
  return { engine, tables, counts, db }
}

t.test('every table has a stated bound', async t => {
  const { tables } = await setup(t)
  t.same(tables(), Object.keys(BOUNDS).toSorted())
})

const used = { cpu_seconds: 1, memory_peak_bytes: 1, read_bytes: null, written_bytes: null }

type Engine = Awaited<ReturnType<typeof setup>>['engine']

/** Stores rows for new names of tasks, queues, keys, schedules and owners. */
async function churn (engine: Engine, round: number, now: number) {
  const who = `owner-${round}`
  await engine.beat({ owner: who, now, until: now + 30_000 })
  for (let place = 0; place < 12; place++) {
    const name = `${round}-${place}`
    const [added] = await engine.add([
      ask({
        task: `t-${name}`,
        queue: `q-${name}`,
        key: `k-${name}`,
        payload: 'long '.repeat(300),
        due_at: now,
        deadline_at: now + 1000 + place
      })
    ], now)
    const { run } = added!
    await engine.add([
      ask({ task: `t-${name}`, queue: `q-${name}`, due_at: now, after: [{ run: run.id, condition: 'done' }] })
    ], now)
    await engine.hold([{ owner: who, id: run.id, at: now, code: 'battery', message: name }])
    await engine.keep({ name: `fact/${name}`, value: place, now })
    await engine.keep({ name: `fact/${name}`, value: null, now })
    await engine.record({ at: now, by: who, action: 'churn', subject: name, detail: null })
  }
  const rates = Object.fromEntries(
    Array.from({ length: 12 }, (_, place) => [`q-${round}-${place}`, { count: 10, per_ms: 1000 }])
  )
  for (let turn = 0; turn < 4; turn++) {
    const offers = offersOf(await engine.due({ now, owner: who }), now)
    for (const run of await engine.claim({ owner: who, now, lease_until: now + 30_000, offers, pools: {}, rates })) {
      await engine.report({ lease: run, now, checkpoint: 1, logs: [{ at: now, level: 30, text: 'one' }] })
      const outcome = turn === 0
        ? { kind: 'failed', error: { name: 'Error', message: run.task }, retry_at: now } as const
        : { kind: 'completed', result: 1 } as const
      await engine.settle({ lease: run, outcome, now, used })
    }
  }
  await engine.leave({ owner: who })
}

t.test('names that are no longer used leave nothing in any table or in memory', async t => {
  const { engine, counts } = await setup(t)
  const seen: Record<string, number>[] = []
  let now = T0
  for (let round = 0; round < 3; round++) {
    await churn(engine, round, now)
    if (round === 0) {
      const full = counts()
      for (const table of ['run', 'payload', 'result', 'attempt', 'log', 'hold', 'used', 'dependency', 'lane', 'held',
        'hour', 'fact', 'record', 'rate']) {
        t.ok(full[table]! > 0, `${table} has been used`)
      }
    }
    now += 401 * DAY
    for (let turn = 0; turn < 3; turn++) while (await engine.sweep({ now, before: now, keep: 0, limit: 100 }) > 0);
    seen.push(counts())
  }
  t.same(seen[2], seen[0], 'the third round leaves as much as the first')
  t.match(seen[0], { run: 0, lane: 0, record: 0, rate: 0, lane_hold: 0, held: 0, hour: 0, owner: 0 })
})

t.test('the newest audit records are kept, however young the others are', async t => {
  const { engine, db } = await setup(t)
  const more = 100_250
  await engine.record({ at: T0, by: 'me', action: 'a', subject: 's', detail: null })
  await engine.stop()
  const file = db.location()!
  db.close()
  const own = new DatabaseSync(file)
  own.exec(`
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${more})
    insert into record (at, who, action, subject, detail) select ${T0}, 'me', 'a', i, 'null' from n`)
  own.close()
  await engine.start()
  await engine.sweep({ now: T0 + 1, before: 0, keep: 1, limit: 1 })
  t.same((await engine.records({ limit: 1 })).map(({ subject }) => subject), [String(more)])
  t.equal((await engine.records({ limit: 1_000_000 })).length, 100_000)
})

t.test('a lane that was removed is created again', async t => {
  const { engine } = await setup(t)
  for (let round = 0; round < 3; round++) {
    await engine.add([ask({ task: 'same', due_at: T0 }), ask({ task: `other-${round}`, due_at: T0 })], T0)
    const offers = offersOf(await engine.due({ now: T0, owner: 'me' }), T0)
    const runs = await engine.claim({ owner: 'me', now: T0, lease_until: T0 + 1000, offers, pools: {} })
    t.equal(runs.length, 2)
    for (const run of runs) await engine.settle({ lease: run, outcome: { kind: 'completed', result: null }, now: T0 })
    t.equal(await engine.sweep({ now: T0 + 1, before: T0 + 1, keep: 0, limit: 100 }), 2)
    t.same(await engine.count(), [])
  }
})
