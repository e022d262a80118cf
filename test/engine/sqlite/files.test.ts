import { closeSync, copyFileSync, existsSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync,
  truncateSync, writeFileSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { openDatabase, prepareFolder } from '../../../core/engine/sqlite/file/open.ts'
import { MIGRATIONS } from '../../../core/engine/sqlite/schema/migrations.ts'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import { fingerprintOf } from '../../../core/engine/fingerprint.ts'
import { T0, addOne, ask, claimAll } from '../contract/fixtures.ts'
import { folderOf } from '../process.ts'
import { until } from '../../clock.ts'

const FAILED = 'OFFPEAK_ENGINE_FAILED'

async function setup (t: Test, options: { ballastBytes?: number } = {}) {
  const folder = folderOf(t)
  const clock = { now: T0 }
  const troubles: string[] = []
  const create = () =>
    createSqliteEngine({
      folder,
      clock: () => clock.now,
      ballastBytes: 4096,
      onError: call => troubles.push(call),
      ...options
    })
  const engine = create()
  t.teardown(() => engine.stop())
  await engine.start()
  return { engine, folder, file: join(folder, 'offpeak.db'), clock, create, troubles }
}

/** Like `setup`, with runs, and stopped like a killed process, so that the next start checks the file. */
async function crashed (t: Test) {
  const ours = await setup(t)
  await ours.engine.add(Array.from({ length: 500 }, (_, index) => ask({ key: `k${index}`, payload: 'x'.repeat(200) })),
    T0)
  await ours.engine.stop()
  writeFileSync(join(ours.folder, 'lock.json'), '{}')
  return ours
}

function overwrite (file: string, at: number, bytes: Buffer) {
  const handle = openSync(file, 'r+')
  writeSync(handle, bytes, 0, bytes.length, at)
  closeSync(handle)
}

t.test('the folder and its files are accessible to their owner alone [S35]', async t => {
  const parent = folderOf(t)
  const folder = join(parent, 'data')
  const engine = createSqliteEngine({ folder, ballastBytes: 4096 })
  t.teardown(() => engine.stop())
  await engine.start()
  await addOne(engine)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.same(readdirSync(folder).toSorted(), ['ballast', 'lock.db', 'lock.json', 'offpeak.db', 'offpeak.db-shm',
    'offpeak.db-wal'])
  for (const name of readdirSync(folder)) t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  t.equal(statSync(join(folder, 'ballast')).size, 4096)
})

t.test('a network file system is refused and named', async t => {
  const folder = folderOf(t)
  for (const [type, name] of [[0x6969, 'NFS'], [0xff534d42, 'CIFS']] as const) {
    t.throws(() => prepareFolder(folder, () => type), { code: FAILED, message: new RegExp(name) })
  }
  t.doesNotThrow(() => prepareFolder(folder))
})

t.test('a second engine on the folder is refused', async t => {
  const { create } = await setup(t)
  await t.rejects(create().start(), { code: 'OFFPEAK_ENGINE_BUSY', message: new RegExp(`process ${process.pid} `) })
})

t.test('a database that is moved while it is in use is noticed, and later calls are refused [F47]', async t => {
  const { engine, file } = await setup(t)
  const run = await addOne(engine)
  renameSync(file, `${file}.elsewhere`)
  await until('it is noticed', async () => !(await engine.health(T0)).ok)
  await t.rejects(addOne(engine), { code: FAILED, message: /moved/ })
  await t.rejects(engine.get(run.id), { code: FAILED, message: /moved/ })
  t.match(await engine.health(T0), { ok: false, reason: /moved/ })
})

t.test('a write-ahead log without its database is refused [F48]', async t => {
  const { engine, file, create } = await setup(t)
  await addOne(engine)
  copyFileSync(`${file}-wal`, `${file}-kept`)
  await engine.stop()
  renameSync(`${file}-kept`, `${file}-wal`)
  renameSync(file, `${file}.elsewhere`)
  await t.rejects(create().start(), { code: FAILED, message: /missing/ })
  t.notOk(existsSync(file), 'no empty database is created')
})

const DAMAGE: Record<string, (file: string) => void> = {
  'a damaged page': file => overwrite(file, 4096 * 12, Buffer.alloc(4096, 0xa5)),
  'a zeroed header': file => overwrite(file, 0, Buffer.alloc(100)),
  'a header cut short': file => truncateSync(file, 50),
  'a file cut in half': file => truncateSync(file, 4096 * 8)
}
for (const [words, damage] of Object.entries(DAMAGE)) {
  t.test(`${words}: the start is refused, a copy kept, and nothing changed`, async t => {
    const { folder, file, create } = await crashed(t)
    damage(file)
    const before = readFileSync(file)
    await t.rejects(create().start(), { code: FAILED, message: /corrupt-/, fix: /backup/ })
    await t.rejects(create().start(), { code: FAILED, message: /corrupt-/ })
    const copies = readdirSync(folder).filter(name => name.startsWith('corrupt-'))
    t.equal(copies.length, 1, 'the same damage is copied once')
    t.ok(readFileSync(join(folder, copies[0]!, 'offpeak.db')).equals(before))
    t.ok(readFileSync(file).equals(before))
  })
}

t.test('damage that is found while the engine runs stops writes and keeps a copy [F48]', async t => {
  const { folder, file, create, troubles } = await crashed(t)
  // As after a clean stop: the start does not check.
  rmSync(join(folder, 'lock.json'))
  const db = new DatabaseSync(file)
  const page = db.prepare("select rootpage from sqlite_schema where name = 'run_name'").get()!['rootpage'] as number
  db.close()
  overwrite(file, 4096 * (page - 1), Buffer.alloc(4096, 0xa5))
  const engine = create()
  t.teardown(() => engine.stop())
  await engine.start()
  await t.rejects(addOne(engine, { key: 'new' }), { code: FAILED })
  await t.rejects(addOne(engine), { code: FAILED, message: /damaged/ })
  t.ok(readdirSync(folder).some(name => name.startsWith('corrupt-')))
  t.same(troubles, ['add'])
  t.equal((await engine.list({ limit: 9 })).items.length, 9, 'undamaged runs can be read')
})

t.test('a newer schema is refused and not changed', async t => {
  const { engine, file, create } = await setup(t)
  await engine.stop()
  const db = new DatabaseSync(file)
  db.exec(`pragma user_version = ${MIGRATIONS.length + 1}`)
  db.close()
  await t.rejects(create().start(), { code: FAILED, message: /newer/ })
})

t.test('a database of another program is refused and not changed', async t => {
  const folder = folderOf(t)
  const db = new DatabaseSync(join(folder, 'offpeak.db'))
  db.exec('create table theirs (x); pragma user_version = 1')
  db.close()
  await t.rejects(createSqliteEngine({ folder, ballastBytes: 4096 }).start(), {
    code: FAILED,
    message: /another program/
  })
})

t.test('a migration leaves a backup, and a failed one changes nothing [F12]', async t => {
  const folder = folderOf(t)
  const open = (migrations: string[]) => openDatabase({ folder, unclean: false, now: T0, migrations })
  const version = (file: string) => {
    const db = new DatabaseSync(join(folder, file))
    const answer = {
      ...db.prepare('pragma user_version').get(),
      ...db.prepare('select count(*) as tables from sqlite_schema').get()
    }
    db.close()
    return answer
  }
  open(['create table a (x)']).close()
  t.throws(() => open(['create table a (x)', 'create table b (x); nonsense']), { code: FAILED })
  t.match(version('offpeak.db'), { user_version: 1, tables: 1 })
  open(['create table a (x)', 'create table b (x)']).close()
  t.match(version('offpeak.db'), { user_version: 2, tables: 2 })
  t.match(version('offpeak.db.before-v2'), { user_version: 1, tables: 1 })
  t.equal(statSync(join(folder, 'offpeak.db.before-v2')).mode & 0o777, 0o600)
})

t.test('a file of the first schema is migrated with its contents', async t => {
  const folder = folderOf(t)
  const db = openDatabase({ folder, unclean: false, now: T0, migrations: MIGRATIONS.slice(0, 1) })
  db.exec(`
    insert into lane (id, task, queue, priority, queued, failed) values (1, 'a', 'default', 2, 1, 1);
    insert into run (id, lane, state, source, due_at, nominal_at, max_retries, missed, created_at, finished_at, error)
    values (7, 1, 1, 2, ${T0}, ${T0}, 0, 0, ${T0}, null, null),
        (8, 1, 4, 2, ${T0}, ${T0}, 0, 0, ${T0}, ${T0}, '{"name":"Error","message":"boom"}');
    insert into payload (run, json) values (7, '{"n":7}')`)
  db.close()
  const engine = createSqliteEngine({ folder, ballastBytes: 4096 })
  t.teardown(() => engine.stop())
  await engine.start()
  t.match((await engine.list({ limit: 9 })).items, [{ state: 'failed', error: { message: 'boom' } }, {
    state: 'queued',
    deadline_at: null,
    moved: null
  }])
  t.match(await engine.dead({}), [{
    task: 'a',
    fingerprint: fingerprintOf({ name: 'Error', message: 'boom' }),
    count: 1
  }])
  t.match(await claimAll(engine), [{ payload: { n: 7 } }])
})

t.test('a short payload is in the row of its run, a long one in a table of its own', async t => {
  const { engine, file } = await setup(t)
  const db = new DatabaseSync(file, { readOnly: true })
  t.teardown(() => db.close())
  await engine.add([ask({ payload: 'x'.repeat(510) }), ask({ payload: 'x'.repeat(511) }), ask()], T0)
  t.same(db.prepare('select length(payload) as length from run order by id').all().map(row => row['length']), [512,
    null, null])
  t.same(db.prepare('select length(json) as length from payload').all().map(row => row['length']), [513])
})

t.test('a data folder that is a file is refused', async t => {
  const folder = join(folderOf(t), 'file')
  writeFileSync(folder, '')
  await t.rejects(createSqliteEngine({ folder }).start(), { code: FAILED, message: /is a file/ })
})

t.test('a removed run leaves no row in any table', async t => {
  const { engine, file } = await setup(t)
  const first = await addOne(engine, { payload: 'long '.repeat(200) })
  const { id } = await addOne(engine, { payload: 1, after: [{ run: first.id, condition: 'done' }] })
  await engine.end({ id: first.id, as: 'skipped', reason: { code: 'x', message: '' }, now: T0 })
  await engine.hold([{ owner: 'me', id, at: T0, code: 'battery', message: '' }])
  const used = { cpu_seconds: 1, memory_peak_bytes: 1, read_bytes: null, written_bytes: null }
  for (const outcome of [{ kind: 'failed', error: { name: 'Error', message: 'boom' }, retry_at: T0 }, {
    kind: 'completed',
    result: 1
  }] as const) {
    const [run] = await claimAll(engine)
    await engine.report({ lease: run!, now: T0, checkpoint: 1, logs: [{ at: T0, level: 30, text: 'one' }] })
    await engine.settle({ lease: run!, outcome, now: T0, used })
  }
  const rows = () => {
    const db = new DatabaseSync(file, { readOnly: true })
    const tables = db.prepare("select name from pragma_table_list where schema = 'main' and type = 'table'").all() as {
      name: string
    }[]
    const belonging = tables.filter(({ name }) =>
      db.prepare(`select 1 from pragma_table_info('${name}') where name = 'run' and lower(type) = 'integer'`).get() ||
      name === 'run'
    )
    const counts = belonging.map(({ name }) =>
      [name, (db.prepare(`select count(*) as n from ${name}`).get() as { n: number }).n] as const
    )
    db.close()
    return Object.fromEntries(counts.toSorted())
  }
  const before = rows()
  t.match(Object.keys(before), ['attempt', 'checkpoint', 'dependency', 'hold', 'log', 'payload', 'result', 'run',
    'used'])
  t.ok(Object.values(before).every(count => count > 0), JSON.stringify(before))
  t.equal(await engine.sweep({ now: T0, before: T0 + 1, keep: 0, limit: 9 }), 2)
  t.strictSame(rows(), Object.fromEntries(Object.keys(before).map(name => [name, 0])))
})
