import { closeSync, cpSync, existsSync, openSync, readFileSync, renameSync, rmSync, statSync,
  writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { holderState } from '../../../core/engine/sqlite/file/holder.ts'
import { takeLock } from '../../../core/engine/sqlite/file/lock.ts'
import type { Holder } from '../../../core/engine/sqlite/file/holder.ts'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import { T0, addOne } from '../contract/fixtures.ts'
import { folderOf, gone, livingTraffic } from '../process.ts'

const BUSY = 'OFFPEAK_ENGINE_BUSY'
const TAKEN = 'OFFPEAK_ENGINE_TAKEN'

function engineOf (t: Test, folder: string) {
  const troubles: unknown[] = []
  const engine = createSqliteEngine({
    folder,
    ballastBytes: 4096,
    onError: (_, error) => troubles.push((error as { code?: string }).code)
  })
  t.teardown(() => engine.stop())
  return { engine, troubles }
}

async function setup (t: Test) {
  const folder = folderOf(t)
  const ours = engineOf(t, folder)
  await ours.engine.start()
  return { ...ours, folder, lock: join(folder, 'lock.db'), file: join(folder, 'offpeak.db') }
}

/** Runs SQL on a database in use, as another program does. */
function from (file: string, sql: string) {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

const MINE: Holder = {
  id: 'mine',
  owner: 'me',
  pid: 10,
  host: 'here',
  started: '100',
  boot: 'b1',
  space: 's1',
  machine: 'm1',
  lock: '1:1',
  file: '1:2'
}
const seen = {
  startedAt: (pid: number) => pid === 7 ? '70' : null,
  isAlive: (pid: number) => pid === 7,
  isOpen: (id: string) => id === 'open'
}
const LIVES = { ...MINE, id: 'other', pid: 7, started: '70' }

const STANDINGS: [string, Partial<Holder>, 'gone' | 'alive' | 'unknown', Partial<Holder>?][] = [
  ['the process is alive, whatever the state of the lock', {}, 'alive'],
  ['the process is alive and its lock was removed', { lock: '1:9' }, 'alive'],
  ['the process has ended', { pid: 8 }, 'gone'],
  ['its pid belongs to another process', { started: '69' }, 'gone'],
  ['another opening of this process', { id: 'open', pid: 10, started: '100' }, 'alive'],
  ['a closed opening of this process', { pid: 10, started: '100' }, 'gone'],
  ['the file is a copy of one in use', { file: '1:3' }, 'gone'],
  ['the machine has been restarted', { boot: 'b0' }, 'gone'],
  ['a container of this machine, and its lock was free', { space: 's2' }, 'gone'],
  ['a container of this machine, and the lock was removed', { space: 's2', lock: '1:9' }, 'unknown'],
  ['another machine', { boot: 'b0', machine: 'm2' }, 'unknown'],
  ['another machine, where devices have other numbers', { boot: 'b0', machine: 'm2', file: '5:2', lock: '5:1' },
    'unknown'],
  ['a copy from another machine', { boot: 'b0', machine: 'm2', file: '5:3' }, 'gone'],
  ['boots are unknown: the lock was free', { boot: null, space: null, started: null }, 'gone', {
    boot: null,
    space: null,
    started: null
  }],
  ['boots are unknown: the lock was removed', { boot: null, space: null, started: null, lock: '1:9' }, 'alive', {
    boot: null,
    space: null,
    started: null
  }],
  ['boots are unknown: the lock was removed and the process has ended', {
    boot: null,
    space: null,
    started: null,
    lock: '1:9',
    pid: 8
  }, 'gone', { boot: null, space: null, started: null }]
]
t.test('the holder named in a store is alive, gone or unknown', t => {
  for (const [words, holder, standing, mine] of STANDINGS) {
    t.equal(holderState({ ...LIVES, ...holder }, { ...MINE, ...mine }, seen), standing, words)
  }
  t.end()
})

t.test('a folder that cannot be written is named, with the user that lacks it', t => {
  t.throws(() => takeLock('/proc', 'me'), {
    code: 'OFFPEAK_ENGINE_FAILED',
    message: '/proc/lock.db cannot be opened',
    fix:
      `Make the data folder writable for the user that runs offpeak, user ${process.getuid!()}, or name another one ` +
      'with --data.'
  })
  t.end()
})

t.test('a removed lock admits no second owner, and is restored [F09]', async t => {
  const { engine, troubles, folder, lock } = await setup(t)
  const before = statSync(lock).ino
  rmSync(lock)
  rmSync(join(folder, 'lock.json'))
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY, message: new RegExp(`process ${process.pid} `) })
  t.match(await engine.health(T0), { ok: true })
  t.not(statSync(lock).ino, before)
  t.ok(existsSync(join(folder, 'lock.json')))
  t.same(troubles, ['OFFPEAK_ENGINE_FAILED'], 'it is reported')
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY })
  await addOne(engine)
})

t.test('a lock replaced by a file of another program admits no second owner [F09]', async t => {
  const { engine, folder, lock } = await setup(t)
  rmSync(lock)
  writeFileSync(lock, '')
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY })
  t.match(await engine.health(T0), { ok: true })
})

t.test('a lock that was lost by closing another handle of the file is taken again [F09]', {
  skip: process.platform !== 'linux' && 'only Linux lists locks'
}, async t => {
  const { engine, lock } = await setup(t)
  const isLocked = () => readFileSync('/proc/locks', 'utf8').includes(`:${statSync(lock).ino} `)
  t.ok(isLocked())
  closeSync(openSync(lock, 'r'))
  t.notOk(isLocked())
  await engine.health(T0)
  t.ok(isLocked())
})

t.test('a live process without its lock file refuses a second one, and a killed one does not [F09]', async t => {
  const folder = folderOf(t)
  const child = await livingTraffic(t, folder)
  rmSync(join(folder, 'lock.db'))
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY, message: new RegExp(`process ${child.pid} `) })
  child.kill('SIGKILL')
  await gone(child)
  await engineOf(t, folder).engine.start()
})

t.test('a store that another process took over rejects every call, and reports it [F09]', async t => {
  const { engine, troubles, file } = await setup(t)
  const run = await addOne(engine)
  from(file, "update holder set body = json_set(body, '$.id', 'theirs', '$.owner', 'them', '$.pid', 7)")
  await t.rejects(addOne(engine), { code: TAKEN, message: /them, process 7 / })
  await t.rejects(engine.get(run.id), { code: TAKEN })
  t.match(await engine.health(T0), { ok: false, reason: /taken over this data folder/ })
  t.ok(troubles.includes(TAKEN))
  await engine.stop()
  const db = new DatabaseSync(file)
  t.match(db.prepare("select body ->> 'id' as id from holder").get(), { id: 'theirs' }, 'the new holder is kept')
  t.match(db.prepare('select count(*) as n from run').get(), { n: 1 })
  db.close()
})

t.test('an idle store notices another owner as well [F09]', async t => {
  const { engine, file } = await setup(t)
  from(file, 'delete from holder')
  t.match(await engine.health(T0), { ok: false, reason: /taken over this data folder/ })
})

t.test('another program may read, and write without taking the store over', async t => {
  const { engine, file, troubles } = await setup(t)
  await addOne(engine)
  from(file, 'select * from run; pragma wal_checkpoint(passive); create table theirs (x)')
  await addOne(engine)
  t.match(await engine.health(T0), { ok: true })
  t.same(troubles, [])
})

t.test('a holder whose process cannot be looked up is asked, and answers while it is alive [F09]', async t => {
  const { engine, folder, file } = await setup(t)
  from(file, "update holder set body = json_set(body, '$.space', 'another', '$.lock', 'another')")
  rmSync(join(folder, 'lock.db'))
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY, message: new RegExp(`process ${process.pid} `) })
  t.notOk(existsSync(join(folder, 'holder.ask')))
  t.match(await engine.health(T0), { ok: true })
})

t.test('a copy of a folder in use is independent, also at the former path of the original [F09]', async t => {
  const { engine, folder, file } = await setup(t)
  const run = await addOne(engine)
  const copy = `${folder}-copy`
  t.teardown(() => rmSync(copy, { recursive: true, force: true }))
  cpSync(folder, copy, { recursive: true })
  const other = engineOf(t, copy).engine
  await other.start()
  t.match(await other.get(run.id), { state: 'queued' })
  t.match(await engine.health(T0), { ok: true })
  await other.stop()
  renameSync(file, join(copy, 'moved.db'))
  t.match(await engine.health(T0), { ok: false, reason: /moved, removed or replaced/ })
})

t.test('a cleanly closed store has no holder', async t => {
  const { engine, file } = await setup(t)
  await engine.stop()
  const db = new DatabaseSync(file)
  t.same(db.prepare('select * from holder').all(), [])
  db.close()
})
