import { closeSync, copyFileSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync,
  writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { walIndexOf } from '../../../core/engine/sqlite/integrity/wal-index.ts'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import { T0, addOne, ask } from '../contract/fixtures.ts'
import { folderOf } from '../process.ts'

const FAILED = 'OFFPEAK_ENGINE_FAILED'
const PAGE = 4096
const FRAME = PAGE + 24

/** An engine in use. `copied`: its data is in the database file, otherwise in the log. */
async function setup (t: Test, { copied = false } = {}) {
  const folder = folderOf(t)
  const found: string[] = []
  const create = () =>
    createSqliteEngine({
      folder,
      ballastBytes: 0,
      onError: (call, error) => call === 'guard' && found.push((error as Error).message)
    })
  let engine = create()
  await engine.start()
  await engine.add(Array.from({ length: 200 }, (_, index) => ask({ key: `k${index}`, payload: 'x'.repeat(300) })), T0)
  if (copied) {
    await engine.stop()
    engine = create()
    await engine.start()
  }
  t.teardown(() => engine.stop())
  await addOne(engine)
  await engine.health(T0)
  const file = join(folder, 'offpeak.db')
  return { engine, folder, file, wal: `${file}-wal`, found, create }
}

function overwrite (file: string, at: number, bytes: Buffer) {
  const handle = openSync(file, 'r+')
  writeSync(handle, bytes, 0, bytes.length, at)
  closeSync(handle)
}

const rootOf = (file: string, name: string): number => {
  const db = new DatabaseSync(file, { readOnly: true })
  const page = db.prepare('select rootpage as page from sqlite_schema where name = ?').get(name)!['page'] as number
  db.close()
  return page
}

const lengthOf = (wal: string): number => {
  const handle = openSync(wal.replace(/wal$/, 'shm'), 'r')
  const { bytes } = walIndexOf(handle)!
  closeSync(handle)
  return bytes
}

/** Harm to the files of an engine in use, where the data is at that time, and the message about it. */
const HARM: Record<string, { copied?: boolean, harm: (file: string, wal: string) => void, says: RegExp }> = {
  'the database is moved': {
    harm: file => renameSync(file, `${file}.elsewhere`),
    says: /offpeak.db was moved, removed/
  },
  'the database is removed': { harm: file => rmSync(file), says: /offpeak.db was moved, removed/ },
  'the database is replaced by its own copy': {
    harm: file => {
      copyFileSync(file, `${file}.copy`)
      renameSync(`${file}.copy`, file)
    },
    says: /offpeak.db was moved, removed/
  },
  'the log is removed': { harm: (_, wal) => rmSync(wal), says: /offpeak.db-wal was moved, removed/ },
  'the database is emptied': { copied: true, harm: file => truncateSync(file), says: /damaged/ },
  'the database is cut in half': { copied: true, harm: file => truncateSync(file, 10 * PAGE), says: /damaged/ },
  'the database is overwritten with zeros': {
    copied: true,
    harm: file => overwrite(file, 0, Buffer.alloc(statSync(file).size)),
    says: /damaged/
  },
  'its header is overwritten': { copied: true, harm: file => overwrite(file, 0, Buffer.alloc(100)), says: /damaged/ },
  'one page of it is overwritten': {
    copied: true,
    harm: file => overwrite(file, (rootOf(file, 'run_name') - 1) * PAGE, Buffer.alloc(PAGE, 0xa5)),
    says: /damaged/
  },
  'the log is emptied': { harm: (_, wal) => truncateSync(wal), says: /cut short/ },
  'the log is cut short': { harm: (_, wal) => truncateSync(wal, lengthOf(wal) - 10 * FRAME), says: /cut short/ },
  'the last page of the log is cut short': {
    harm: (_, wal) => truncateSync(wal, lengthOf(wal) - 1000),
    says: /cut short/
  },
  'the log is overwritten with zeros': {
    harm: (_, wal) => overwrite(wal, 0, Buffer.alloc(statSync(wal).size)),
    says: /cut short or overwritten/
  }
}
for (const [words, { copied = false, harm, says }] of Object.entries(HARM)) {
  t.test(`${words} while it is in use: the next run is refused, and health says why [F47, F48]`, async t => {
    const { engine, file, wal, found } = await setup(t, { copied })
    harm(file, wal)
    await t.rejects(addOne(engine), { code: FAILED, message: says })
    t.match(await engine.health(T0), { ok: false, reason: says })
    await t.rejects(addOne(engine), { code: FAILED, message: says }, 'and every later run')
    t.match(found, [says], 'it is reported once')
  })
}

t.test('a changed byte in the log is noticed at the next check, and a copy is kept [F48]', async t => {
  const { engine, folder, wal, found } = await setup(t)
  t.match(await engine.health(T0), { ok: true })
  const at = readFileSync(wal).indexOf('xxxx')
  t.ok(at > 0)
  overwrite(wal, at, Buffer.from('y'))
  t.match(await engine.health(T0), { ok: false, reason: /overwritten while it was in use/ })
  t.match(found, [/overwritten/])
  t.equal(readdirSync(folder).filter(name => name.startsWith('corrupt-')).length, 1)
})

t.test('a removed index of the log is noticed [F48]', async t => {
  const { engine, file } = await setup(t)
  rmSync(`${file}-shm`)
  t.match(await engine.health(T0), { ok: false, reason: /-shm was moved, removed/ })
})

t.test('checkpoints and readers of other programs cause no error', async t => {
  const { engine, file, found } = await setup(t)
  for (let count = 0; count < 30; count++) {
    await engine.add(Array.from({ length: 50 }, () => ask({ payload: 'x'.repeat(300) })), T0)
    t.match(await engine.health(T0), { ok: true })
    if (count % 10 > 0) continue
    const db = new DatabaseSync(file)
    db.exec('select count(*) from run; pragma wal_checkpoint(passive)')
    db.close()
  }
  t.same(found, [])
})

t.test('damage to a cleanly stopped database is found without a call [F48]', async t => {
  const { engine, file, create } = await setup(t)
  await engine.stop()
  overwrite(file, (rootOf(file, 'run_name') - 1) * PAGE, Buffer.alloc(PAGE, 0xa5))
  const again = create()
  t.teardown(() => again.stop())
  await again.start()
  while ((await again.health(T0)).ok) {
    await new Promise(resolve => {
      setImmediate(resolve)
    })
  }
  t.match(await again.health(T0), { ok: false, reason: /damaged/ })
})
