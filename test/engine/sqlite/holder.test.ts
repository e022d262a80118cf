import { closeSync, cpSync, existsSync, openSync, readFileSync, renameSync, rmSync, statSync,
  writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { holderState } from '../../../core/engine/sqlite/file/holder.ts'
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

/** What another program does to a database that is in use. */
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
  ['the process lives, whatever became of the lock', {}, 'alive'],
  ['the process lives and its lock was removed', { lock: '1:9' }, 'alive'],
  ['the process is no more', { pid: 8 }, 'gone'],
  ['its pid is another process by now', { started: '69' }, 'gone'],
  ['another opening of this process', { id: 'open', pid: 10, started: '100' }, 'alive'],
  ['an opening of this process that it has given up', { pid: 10, started: '100' }, 'gone'],
  ['the file is a copy of one that is in use', { file: '1:3' }, 'gone'],
  ['the machine was started again since', { boot: 'b0' }, 'gone'],
  ['a container of this machine whose lock is the one that was free', { space: 's2' }, 'gone'],
  ['a container of this machine, and the lock was removed', { space: 's2', lock: '1:9' }, 'unknown'],
  ['another machine', { boot: 'b0', machine: 'm2' }, 'unknown'],
  ['another machine, where devices have other numbers', { boot: 'b0', machine: 'm2', file: '5:2', lock: '5:1' },
    'unknown'],
  ['a copy from another machine', { boot: 'b0', machine: 'm2', file: '5:3' }, 'gone'],
  ['no boots are told apart: the lock was free', { boot: null, space: null, started: null }, 'gone', {
    boot: null,
    space: null,
    started: null
  }],
  ['no boots are told apart: the lock was removed', { boot: null, space: null, started: null, lock: '1:9' }, 'alive', {
    boot: null,
    space: null,
    started: null
  }],
  ['no boots are told apart: the lock was removed and the process is no more', {
    boot: null,
    space: null,
    started: null,
    lock: '1:9',
    pid: 8
  }, 'gone', { boot: null, space: null, started: null }]
]
t.test('who is named as the holder of a store has it, has left it, or has to be asked', t => {
  for (const [words, holder, standing, mine] of STANDINGS) {
    t.equal(holderState({ ...LIVES, ...holder }, { ...MINE, ...mine }, seen), standing, words)
  }
  t.end()
})

t.test('a lock that is removed lets no second owner in, and is there again soon [F09]', async t => {
  const { engine, troubles, folder, lock } = await setup(t)
  const before = statSync(lock).ino
  rmSync(lock)
  rmSync(join(folder, 'lock.json'))
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY, message: new RegExp(`process ${process.pid} `) })
  t.match(await engine.health(T0), { ok: true })
  t.not(statSync(lock).ino, before)
  t.ok(existsSync(join(folder, 'lock.json')))
  t.same(troubles, ['OFFPEAK_ENGINE_FAILED'], 'it is told')
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY })
  await addOne(engine)
})

t.test('a lock that is replaced by a file of another program is no way in [F09]', async t => {
  const { engine, folder, lock } = await setup(t)
  rmSync(lock)
  writeFileSync(lock, '')
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY })
  t.match(await engine.health(T0), { ok: true })
})

t.test('a lock that this process has given up by closing the file elsewhere is taken again [F09]', {
  skip: process.platform !== 'linux' && 'only Linux tells of locks'
}, async t => {
  const { engine, lock } = await setup(t)
  const isLocked = () => readFileSync('/proc/locks', 'utf8').includes(`:${statSync(lock).ino} `)
  t.ok(isLocked())
  closeSync(openSync(lock, 'r'))
  t.notOk(isLocked())
  await engine.health(T0)
  t.ok(isLocked())
})

t.test('a live process without its lock file refuses a second one; a killed one does not [F09]', async t => {
  const folder = folderOf(t)
  const child = await livingTraffic(t, folder)
  rmSync(join(folder, 'lock.db'))
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY, message: new RegExp(`process ${child.pid} `) })
  child.kill('SIGKILL')
  await gone(child)
  await engineOf(t, folder).engine.start()
})

t.test('a store that another process took over accepts nothing more, and reports it by itself [F09]', async t => {
  const { engine, troubles, file } = await setup(t)
  const run = await addOne(engine)
  from(file, "update holder set body = json_set(body, '$.id', 'theirs', '$.owner', 'them', '$.pid', 7)")
  await t.rejects(addOne(engine), { code: TAKEN, message: /them, process 7 / })
  await t.rejects(engine.get(run.id), { code: TAKEN })
  t.match(await engine.health(T0), { ok: false, reason: /taken this data folder over/ })
  t.ok(troubles.includes(TAKEN))
  await engine.stop()
  const db = new DatabaseSync(file)
  t.match(db.prepare("select body ->> 'id' as id from holder").get(), { id: 'theirs' }, 'and takes nothing back')
  t.match(db.prepare('select count(*) as n from run').get(), { n: 1 })
  db.close()
})

t.test('a store that nobody writes to notices another owner as well [F09]', async t => {
  const { engine, file } = await setup(t)
  from(file, 'delete from holder')
  t.match(await engine.health(T0), { ok: false, reason: /taken this data folder over/ })
})

t.test('what another program reads, or writes without taking the store over, changes nothing', async t => {
  const { engine, file, troubles } = await setup(t)
  await addOne(engine)
  from(file, 'select * from run; pragma wal_checkpoint(passive); create table theirs (x)')
  await addOne(engine)
  t.match(await engine.health(T0), { ok: true })
  t.same(troubles, [])
})

t.test('a holder that cannot be looked up is asked, and answers as long as it lives [F09]', async t => {
  const { engine, folder, file } = await setup(t)
  from(file, "update holder set body = json_set(body, '$.space', 'another', '$.lock', 'another')")
  rmSync(join(folder, 'lock.db'))
  await t.rejects(engineOf(t, folder).engine.start(), { code: BUSY, message: new RegExp(`process ${process.pid} `) })
  t.notOk(existsSync(join(folder, 'holder.ask')))
  t.match(await engine.health(T0), { ok: true })
})

t.test('a copy of a folder in use is a folder of its own, and so is one made where it was [F09]', async t => {
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

t.test('a store that was closed in order names nobody', async t => {
  const { engine, file } = await setup(t)
  await engine.stop()
  const db = new DatabaseSync(file)
  t.same(db.prepare('select * from holder').all(), [])
  db.close()
})
