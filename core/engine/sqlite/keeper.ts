import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { engineStopped } from '../../model/base/errors.ts'
import { add, checkNew } from './calls/add.ts'
import { changeAll, discard } from './calls/change.ts'
import { claim, due, idle } from './calls/claim.ts'
import { GroupCommit } from './commit.ts'
import type { Answered } from './commit.ts'
import { dead } from './calls/dead.ts'
import { checkEdit, edit } from './calls/edit.ts'
import type { Engine, EngineHealth, Hearer } from '../engine.ts'
import { keep, kept } from './calls/facts.ts'
import { Guard } from './file/guard.ts'
import { held, hold, overdue } from './calls/deadlines.ts'
import { cascade } from './calls/dependencies.ts'
import { born } from '../transitions.ts'
import { list } from './calls/list.ts'
import { takeLock } from './file/lock.ts'
import { IN_MEMORY, memoryDatabase, noFiles } from './file/memory.ts'
import type { Files } from './file/memory.ts'
import { openDatabase, openFailed, prepareFolder } from './file/open.ts'
import { plan, schedules, unplan } from './calls/plan.ts'
import { queues, thin } from './calls/queues.ts'
import { get, logs, record, records } from './calls/read.ts'
import { recover } from './calls/recover.ts'
import { cancel, end, renew, report, retry, settle } from './calls/settle.ts'
import { Store } from './state/store.ts'
import { sweep } from './calls/sweep.ts'
import { holder } from './calls/unique.ts'
import { LogSync, syncFolder } from './file/sync.ts'
import { failedBy, troubleOf } from './file/errors.ts'
import { usedOfAll } from './calls/used.ts'

const MEGABYTE = 1024 * 1024
const FORGETFUL = 'pragma synchronous = off; pragma wal_autocheckpoint = 20000'

/** `folder`: everything that is stored lies there; `:memory:` for a store that ends with `stop`. `synchronous` normal trades the last
 *  second before a power cut for speed, off the whole folder: for what nobody needs after this process.
 *  `onTrouble` hears of every change that could not be stored. `owner` is the name in the message to a second instance. */
export interface SqliteOptions {
  folder: string
  clock?: () => number
  synchronous?: 'full' | 'normal' | 'off'
  onTrouble?: (call: string, error: unknown) => void
  owner?: string
  /** Space held in reserve for a full disk. */
  ballastBytes?: number
}

interface Open extends Files { db: DatabaseSync, store: Store, commits: GroupCommit }

type Wired = Required<SqliteOptions> & { hearer: () => Hearer | null }

function openInMemory (options: Wired): Open {
  const files = noFiles()
  const store = new Store(memoryDatabase())
  return { ...files, db: store.db, store, commits: commitsOf({ ...files, store }, { ...options, synchronous: 'off' }) }
}

function open (options: Wired): Open {
  const { folder, clock, owner, ballastBytes } = options
  if (folder === IN_MEMORY) return openInMemory(options)
  prepareFolder(folder)
  const lock = takeLock(folder, owner)
  let db: DatabaseSync | null = null
  try {
    db = openDatabase({ folder, unclean: lock.unclean, now: clock() })
    if (options.synchronous === 'off') db.exec(FORGETFUL)
    const store = new Store(db)
    const guard = new Guard({ folder, clock, ballastBytes })
    const log = new LogSync(join(folder, 'offpeak.db-wal'))
    syncFolder(folder)
    return { lock, db, store, guard, log, commits: commitsOf({ store, guard, log }, options) }
  } catch (error) {
    const answer = openFailed({ folder, now: clock() }, error)
    db?.close()
    lock.abandon()
    throw answer
  }
}

function commitsOf ({ store, guard, log }: Pick<Open, 'store' | 'guard' | 'log'>, { synchronous, onTrouble, hearer }: Wired): GroupCommit {
  return new GroupCommit({
    db: store.db,
    clock: () => performance.now(),
    after: () => { for (const run of cascade(store)) store.tell('followed', run) },
    seal: () => store.storeCounts(),
    committed: () => {
      const news = store.takeNews()
      return news.length > 0 && hearer()?.told(news) === true
    },
    forget: () => store.remember(),
    guard: () => guard.check(),
    makeRoom: () => guard.makeRoom(),
    sync: synchronous === 'full' ? alone => log.flushed(alone).catch(error => guard.unsynced(error)) : async () => {},
    trouble: (call, error) => {
      guard.note(error)
      onTrouble(call, error)
    }
  })
}

async function close ({ lock, db, guard, log, commits }: Open): Promise<void> {
  await commits.close()
  log.close()
  db.close()
  if (guard.lost || guard.damaged) lock.abandon()
  else lock.release()
}

const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

function healthOf ({ guard, commits }: Open, folder: string): EngineHealth {
  const failure = guard.lost ?? guard.damaged ?? commits.failure
  return {
    ok: !failure,
    kind: 'sqlite',
    last_write_ms: commits.lastMs,
    bytes: bytesOf(join(folder, 'offpeak.db')) + bytesOf(join(folder, 'offpeak.db-wal')),
    reason: failure instanceof Error ? failure.message : null
  }
}

/** An engine in one folder of this machine, for one process at a time: SQLite, a write-ahead log, and one transaction for all
 *  the calls of a moment. `start` throws OFFPEAK_ENGINE_BUSY when another process has the folder, OFFPEAK_ENGINE_FAILED when
 *  the files cannot be used; after that, calls reject with OFFPEAK_ENGINE_FAILED (507 when the disk is full). */
export function createSqliteEngine (options: SqliteOptions): Engine {
  let hearer: Hearer | null = null
  const all: Wired = {
    clock: Date.now, synchronous: 'full', onTrouble: () => {}, owner: 'offpeak', ballastBytes: 8 * MEGABYTE, ...options, hearer: () => hearer
  }
  let opened: Open | null = null
  let closing: Promise<void> = Promise.resolve()

  /** `rows`: the call looks at rows beside those that it writes. */
  function write<T> (call: string, work: (store: Store) => T, { answered = 'durable', rows = true }: { answered?: Answered, rows?: boolean } = {}): Promise<T> {
    if (!opened) return Promise.reject(engineStopped())
    const { store, commits } = opened
    return commits.write(call, answered, () => {
      if (rows) store.ledger.write()
      return work(store)
    })
  }

  /** `rows`: the call looks at rows of runs that wait or run. */
  async function read<T> (call: string, work: (store: Store) => T, { rows = true }: { rows?: boolean } = {}): Promise<T> {
    if (!opened) throw engineStopped()
    const { guard, store, commits } = opened
    if (guard.lost) throw guard.lost
    try {
      if (rows && store.ledger.size > 0) commits.now(call, () => store.ledger.write())
      return work(store)
    } catch (error) {
      if (!troubleOf(error)) throw error
      guard.note(error)
      all.onTrouble(call, error)
      throw failedBy(error)
    }
  }

  return {
    async start () {
      await closing
      opened ??= open(all)
    },
    async stop () {
      if (opened) closing = close(opened)
      opened = null
      await closing
    },
    async add (runs, now) {
      checkNew(runs)
      const added = write('add', store => {
        const made = add(store, runs, now)
        for (const { run, created } of made) if (created) store.tell('added', run)
        return made
      }, { rows: false })
      const [first] = runs
      if (first && runs.length === 1 && first.due_at <= now && !first.skipped && !first.after) hearer?.coming(first.task, () => born(first, '', now))
      return added
    },
    listen (one) {
      hearer = one
    },
    due: now => read('due', store => due(store, now), { rows: false }),
    async claim (ask) {
      if (opened && !opened.commits.pending && !opened.guard.lost && idle(opened.store, ask)) return []
      // A claim that a power cut undoes is a run that is still queued: nothing was answered that is lost.
      return write('claim', store => claim(store, ask), { answered: 'committed', rows: false })
    },
    renew: (leases, leaseUntil) => write('renew', store => renew(store, leases, leaseUntil)),
    report: said => write('report', store => report(store, said)),
    settle: settlement => write('settle', store => settle(store, settlement), { rows: false }),
    cancel: ask => write('cancel', store => cancel(store, ask)),
    retry: ask => write('retry', store => retry(store, ask)),
    get: id => read('get', store => get(store, id)),
    list: ask => read('list', store => list(store, ask)),
    logs: ask => read('logs', store => logs(store, ask)),
    count: () => read('count', store => store.lanes.count(), { rows: false }),
    recover: ask => write('recover', store => recover(store, ask)),
    sweep: ask => write('sweep', store => sweep(store, ask)),
    async plan (asks) {
      for (const { fires } of asks) checkNew(fires)
      // What a power cut undoes of a file's schedule is planned again from the cursor before it. Who has added one was answered.
      const answered = asks.some(({ from, schedule }) => from === null && schedule.origin === 'api') ? 'durable' : 'committed'
      return write('plan', store => asks.map(ask => plan(store, ask)), { answered })
    },
    schedules: () => read('schedules', schedules, { rows: false }),
    unplan: id => write('unplan', store => unplan(store, id)),
    record: entry => write('record', store => record(store, entry)),
    records: ask => read('records', store => records(store, ask), { rows: false }),
    hold: entries => write('hold', store => hold(store, entries)),
    held: ask => read('held', store => held(store, ask), { rows: false }),
    overdue: ask => read('overdue', store => overdue(store, ask), { rows: ask.now >= (opened?.store.deadline ?? 0) }),
    end: ask => write('end', store => end(store, ask)),
    dead: ask => read('dead', store => dead(store, ask)),
    stats: ask => read('stats', store => store.tallies.stats(ask), { rows: false }),
    async edit (ask) {
      checkEdit(ask)
      return write('edit', store => edit(store, ask))
    },
    queues: ask => read('queues', store => queues(store, ask), { rows: ask.now !== undefined }),
    thin: ask => write('thin', store => thin(store, ask)),
    holder: ask => read('holder', store => holder(store, ask)),
    change: ask => changeAll(ask, {
      read: work => read('change', work),
      write: work => write('change', work)
    }),
    discard: ask => write('discard', store => discard(store, ask)),
    keep: entry => write('keep', store => keep(store, entry)),
    kept: prefix => read('kept', store => kept(store, prefix), { rows: false }),
    used: ids => read('used', store => usedOfAll(store, ids), { rows: false }),
    async health () {
      if (!opened) return { ok: false, kind: 'sqlite', last_write_ms: null, bytes: null, reason: 'The engine is not running' }
      return healthOf(opened, all.folder)
    }
  }
}
