import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { EngineHealth } from '../engine.ts'
import type { Commit } from '../in-process.ts'
import { cascade } from './rows/dependencies.ts'
import { end } from './calls/settle.ts'
import { GroupCommit } from './group-commit.ts'
import { DurableCommits } from './durable-commits.ts'
import { admit } from './file/admit.ts'
import { Guard } from './file/guard.ts'
import { identityOf, clearHolder, newHolder, writeHolder } from './file/holder.ts'
import type { Holder } from './file/holder.ts'
import { takeLock } from './file/lock.ts'
import { IN_MEMORY, memoryDatabase, noFiles } from './file/in-memory.ts'
import type { Files } from './file/in-memory.ts'
import { mend } from './mend/mend.ts'
import type { Mending } from './mend/mend.ts'
import { openDatabase, openFailed, prepareFolder } from './file/open.ts'
import { LogSync, syncFolder } from './file/log-sync.ts'
import type { SyncMode } from './file/log-sync.ts'
import { checkImage } from './state/check-image.ts'
import { readImage } from './state/read-image.ts'
import { Tables } from './state/tables.ts'

const NO_SYNC = 'pragma synchronous = off; pragma wal_autocheckpoint = 20000'

/** Transactions between two comparisons of memory with the rows. */
const CHECK_EVERY = 8

export interface StoreOptions {
  /** The data folder; `:memory:` for a store that is lost at `stop`. */
  folder: string
  clock: () => number
  synchronous: 'full' | 'normal' | 'off'
  onError: (call: string, error: unknown) => void
  owner: string
  ballastBytes: number
  check: boolean
  /** Called after each commit. */
  changed: (change: Commit) => void
  /** Called with each commit that has events once it is durable, before its calls resolve. */
  durable: (change: Commit) => void
}

/** An open store: its files, its database and the image in memory. */
export interface Store extends Files {
  db: DatabaseSync
  tables: Tables
  commits: GroupCommit
  confirmed: DurableCommits
  options: StoreOptions
  mended: Mending
  /** Resolves when the runs whose rows were out of range have failed. */
  ready: Promise<void>
}

function openInMemory (options: StoreOptions): Store {
  const tables = new Tables(memoryDatabase())
  readImage(tables)
  const parts = { ...noFiles(), db: tables.db, tables, options: { ...options, synchronous: 'off' as const } }
  return withCommits({ ...parts, mended: NOTHING })
}

function withCommits (parts: Omit<Store, 'commits' | 'confirmed' | 'ready'>): Store {
  const confirmed = new DurableCommits(parts.options.durable)
  const store = { ...parts, confirmed, commits: commitsOf(parts, confirmed) }
  return { ...store, ready: failMended(store).catch(error => parts.options.onError('end', error)) }
}

const NOTHING: Mending = { count: 0, rows: [], fail: [] }

/** Fails the runs whose rows were out of range, and updates their dependents, before any other call. */
async function failMended ({ commits, tables, mended, options }: Omit<Store, 'ready'>): Promise<void> {
  if (mended.fail.length === 0) return
  const now = options.clock()
  await commits.write('end', 'durable', () => {
    for (const { id, reason } of mended.fail) {
      end(tables, { id, now, as: 'failed', reason, error: { name: 'Error', message: reason.message } })
    }
  })
}

/** Opens the store of a folder. When that fails, nothing stays open. */
export async function openStore (options: StoreOptions): Promise<Store> {
  const { folder, clock, owner } = options
  if (folder === IN_MEMORY) return openInMemory(options)
  prepareFolder(folder)
  const lock = takeLock(folder, owner)
  const file = join(folder, 'offpeak.db')
  const holder = newHolder({ owner, lock: lock.identity, file: identityOf(file) ?? 'none' })
  let db: DatabaseSync | null = null
  try {
    const unclean = await admit(folder, holder) || lock.unclean
    db = openDatabase({ folder, unclean, now: clock() })
    if (options.synchronous === 'off') db.exec(NO_SYNC)
    writeHolder(db, Object.assign(holder, { file: identityOf(file) ?? 'none' }))
    return openOwned({ lock, holder, db, options }, unclean)
  } catch (error) {
    const answer = openFailed({ folder, now: clock() }, error)
    if (db) clearHolder(db, holder)
    db?.close()
    lock.abandon()
    throw answer
  }
}

/** Builds the store once this process holds the database. */
function openOwned (its: Pick<Store, 'lock' | 'db' | 'options'> & { holder: Holder }, unclean: boolean): Store {
  const { lock, db, holder, options: { folder, clock, ballastBytes, onError } } = its
  endOwners(db)
  const mended = mend(db, clock())
  const tables = new Tables(db)
  readImage(tables)
  const found = (error: unknown) => onError('guard', error)
  const log = new LogSync(join(folder, 'offpeak.db-wal'))
  const guard = new Guard({ folder, clock, ballastBytes, db, lock, holder, unclean, found })
  syncFolder(folder)
  return withCommits({ ...its, tables, guard, log, mended })
}

/** Ends the owners of earlier processes, which are gone because this one has the lock. Their open holds get no owner,
 *  so that any owner can continue them. */
function endOwners (db: DatabaseSync): void {
  const isAny = db.prepare(`
    select 1 from owner
    union all select 1 from lane_hold where ended is null and owner <> ''
    union all select 1 from hold where counted = 0 and ended is null and owner <> ''
    limit 1`).get() !== undefined
  if (isAny) {
    db.exec(`
    begin immediate;
    delete from owner;
    update lane_hold set owner = '' where ended is null and owner <> '';
    update hold set owner = '' where counted = 0 and ended is null and owner <> '';
    commit`)
  }
}

type CommitParts = Pick<Store, 'tables' | 'guard' | 'log' | 'options'>

function commitsOf (parts: CommitParts, confirmed: DurableCommits): GroupCommit {
  const { tables, guard, options: { onError } } = parts
  const { memory } = tables
  return new GroupCommit({
    db: tables.db,
    clock: () => performance.now(),
    begun: () => {
      memory.journal.begin()
      guard.fence()
    },
    before: call => {
      memory.call = call
    },
    after: () => cascade(tables),
    // Changes of memory count as well: both are undone by a rollback.
    changes: () => tables.writes + memory.journal.size,
    seal: () => tables.seal(),
    committed: committedOf(parts, confirmed),
    undo: () => tables.rolledBack(),
    lose: error => guard.lose(error),
    guard: () => guard.check(),
    makeRoom: () => guard.makeRoom(),
    sync: mode => confirmed.track(synced(parts, mode)),
    failed: (call, error) => {
      guard.note(error)
      onError(call, error)
    }
  })
}

async function synced ({ guard, log, options: { synchronous } }: CommitParts, mode: SyncMode): Promise<void> {
  if (synchronous === 'full') await log.flushed(mode).catch(error => guard.unsynced(error))
  const doubt = guard.confirm()
  if (doubt) await doubt
}

/** What follows each commit: the listeners are called and, every few commits, memory is compared with the rows. */
function committedOf ({ tables, guard, options }: CommitParts, confirmed: DurableCommits): () => boolean {
  const { changed, check, clock } = options
  let unchecked = 0
  return () => {
    const { hasEnded } = tables.memory
    const commit = tables.memory.takeCommit()
    tables.committed()
    confirmed.add(commit, hasEnded)
    if (check && ++unchecked >= CHECK_EVERY) {
      unchecked = 0
      compare(tables, { guard, now: clock() })
    }
    if (commit.kinds.size > 0) changed(commit)
    return commit.kinds.has('work')
  }
}

/** Throws and loses the store when memory differs from the rows. */
function compare (tables: Tables, { guard, now }: { guard: Files['guard'], now: number }): void {
  try {
    checkImage(tables, now)
  } catch (error) {
    throw guard.lose(error)
  }
}

export async function closeStore (store: Store): Promise<void> {
  const { lock, db, holder, guard, log, commits, tables, options } = store
  try {
    await commits.close()
    await guard.stop()
    if (options.check && !guard.lost && !guard.damaged) compare(tables, { guard, now: options.clock() })
  } finally {
    if (holder) clearHolder(db, holder)
    log.close()
    db.close()
    guard.close()
    if (guard.lost || guard.damaged) lock.abandon()
    else lock.release()
  }
}

const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

export function healthOf ({ guard, commits, mended, options: { folder } }: Store): EngineHealth {
  guard.inspect()
  const failure = guard.lost ?? guard.damaged ?? guard.blocked ?? commits.failure
  return {
    ok: !failure,
    kind: 'sqlite',
    last_write_ms: commits.lastMs,
    bytes: bytesOf(join(folder, 'offpeak.db')) + bytesOf(join(folder, 'offpeak.db-wal')),
    reason: failure instanceof Error ? failure.message : null,
    mended: { count: mended.count, rows: mended.rows }
  }
}
