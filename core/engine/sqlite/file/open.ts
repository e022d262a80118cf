import { chmodSync, existsSync, mkdirSync, openSync, closeSync, rmSync, statSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { engineFailed } from '../../../model/errors/engine-errors.ts'
import { failureFingerprint } from '../../failure-fingerprint.ts'
import { quarantine } from './quarantine.ts'
import { parsed } from '../mapping/json-text.ts'
import { APPLICATION_ID, MIGRATIONS } from '../schema/migrations.ts'
import { toEngineError, sqliteErrorKind } from './sqlite-errors.ts'

/** Locks of network file systems cannot be trusted. Source: statfs(2), linux/magic.h. */
const NETWORK: Record<number, string> = { 0x6969: 'NFS', 0x517b: 'SMB', 0xff534d42: 'CIFS', 0xfe534d42: 'SMB2' }

interface OpenAsk {
  folder: string
  /** True when the last owner did not stop cleanly: the file is checked. */
  unclean: boolean
  now: number
  migrations?: readonly string[]
}

/** Creates the data folder, readable by its owner only. Throws OFFPEAK_ENGINE_FAILED for a network file system. */
export function prepareFolder (folder: string, typeOf = (path: string): number => statfsSync(path).type): void {
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!statSync(folder).isDirectory()) {
    throw engineFailed(
      { message: `The data folder ${folder} is a file`, fix: 'Give the path of a folder.' }
    )
  }
  const network = NETWORK[typeOf(folder)]
  if (!network) return
  throw engineFailed({
    message: `The data folder ${folder} is on a network file system (${network}), whose locks are not reliable`,
    fix: 'Put the data folder on a local disk.'
  })
}

// synchronous is normal because the group commit syncs the log itself, outside the event loop; checkpoints still sync.
// A checkpoint of the default 1000 pages would block the event loop for 7 ms on a fast disk. A commit that splits pages
// walks the whole cache: 32 MB take twice as long as 4 MB, which hold all of a large index except its leaves.
export const PRAGMAS = `
  pragma synchronous = normal;
  pragma fullfsync = 1;
  pragma checkpoint_fullfsync = 1;
  pragma busy_timeout = 10;
  pragma foreign_keys = on;
  pragma trusted_schema = off;
  pragma cell_size_check = on;
  pragma journal_size_limit = 67108864;
  pragma wal_autocheckpoint = 500;
  pragma cache_size = -4096;
  pragma temp_store = memory`

const numberOf = (db: DatabaseSync, pragma: string): number =>
  Object.values(db.prepare(`pragma ${pragma}`).get() as Record<string, number>)[0]!

function refuseLostMain (file: string): void {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  const main = statSync(file, { throwIfNoEntry: false })
  if (!wal || wal.size === 0 || (main && main.size > 0)) return
  throw engineFailed({
    message: `${file} is missing or empty, but its write-ahead log is there`,
    fix: 'Restore offpeak.db, or move offpeak.db-wal away to start with an empty database.'
  })
}

function check (db: DatabaseSync): void {
  const rows = db.prepare('pragma quick_check(1)').all() as { quick_check: string }[]
  if (rows[0]?.quick_check === 'ok') return
  throw Object.assign(new Error(rows[0]?.quick_check ?? 'quick_check gave no answer'), { errcode: 11 })
}

/** Brings the schema up to date. */
export function migrate (db: DatabaseSync, file: string, migrations: readonly string[]): void {
  const [version, application] = [numberOf(db, 'user_version'), numberOf(db, 'application_id')]
  if (version > migrations.length) {
    throw engineFailed({
      message: `${file} was written by a newer offpeak (schema ${version}, this one supports ${migrations.length})`,
      fix: 'Start the newer offpeak, or restore the backup made before the upgrade.'
    })
  }
  if (application !== APPLICATION_ID && (version > 0 || application !== 0)) {
    throw engineFailed({ message: `${file} is a database of another program`, fix: 'Use another data folder.' })
  }
  if (version === migrations.length) return
  if (version > 0) backup(db, `${file}.before-v${migrations.length}`)
  db.function(
    'fingerprint_of',
    (error, reason) => failureFingerprint(parsed(error as string | null), parsed(reason as string | null))
  )
  db.exec('begin immediate')
  try {
    for (const step of migrations.slice(version)) db.exec(step)
    db.exec(`pragma user_version = ${migrations.length}; pragma application_id = ${APPLICATION_ID}; commit`)
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

function backup (db: DatabaseSync, file: string): void {
  // An existing copy is from an interrupted migration and may be incomplete.
  rmSync(file, { force: true })
  closeSync(openSync(file, 'w', 0o600))
  db.prepare('vacuum into ?').run(file)
}

function begin (db: DatabaseSync, file: string, ask: OpenAsk): void {
  const { journal_mode: mode } = db.prepare('pragma journal_mode = wal').get() as { journal_mode: string }
  if (mode !== 'wal') {
    throw engineFailed(
      { message: `${file} cannot use a write-ahead log here (${mode})`, fix: 'Put the data folder on a local disk.' }
    )
  }
  db.exec(PRAGMAS)
  if (ask.unclean) check(db)
  migrate(db, file, ask.migrations ?? MIGRATIONS)
}

/** Opens, checks and migrates the database of a locked folder. A damaged database is copied to a quarantine folder.
 *  Throws OFFPEAK_ENGINE_FAILED. */
export function openDatabase (ask: OpenAsk): DatabaseSync {
  const file = join(ask.folder, 'offpeak.db')
  refuseLostMain(file)
  let db: DatabaseSync | null = null
  try {
    closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
    db = new DatabaseSync(file, { timeout: 50 })
    begin(db, file, ask)
    return db
  } catch (error) {
    const answer = openFailed(ask, error)
    db?.close()
    throw answer
  }
}

/** The error to throw for one that occurred while opening. Copies a damaged file to a quarantine folder, which must
 *  happen before the file is closed. */
export function openFailed (ask: Pick<OpenAsk, 'folder' | 'now'>, error: unknown): unknown {
  const trouble = sqliteErrorKind(error)
  if (trouble === 'corrupt') return damaged(ask, error)
  return trouble ? toEngineError(error) : error
}

function damaged ({ folder, now }: Pick<OpenAsk, 'folder' | 'now'>, cause: unknown): Error {
  const place = quarantine(folder, now)
  return engineFailed({
    message: `The database in ${folder} is damaged; a copy of it is in ${place}`,
    fix: 'Replace offpeak.db with the newest good backup, remove offpeak.db-wal and offpeak.db-shm, ' +
      'and start again.',
    cause
  })
}
