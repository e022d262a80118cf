import { engineStopped } from '../../model/errors/engine-errors.ts'
import { checkEdit, checkNew } from '../checks.ts'
import type { Engine } from '../engine.ts'
import type { Commit, InProcess } from '../in-process.ts'
import { add } from './calls/add.ts'
import { bulkChange, discard } from './calls/bulk-change.ts'
import { claim } from './calls/claim.ts'
import { deadGroups } from './lists/dead-groups.ts'
import { due } from './calls/due.ts'
import { edit } from './calls/edit.ts'
import { keep, kept } from './rows/facts.ts'
import { hold, overdue } from './calls/hold.ts'
import { beat, expire, hasExpired, leave, lookForExpired } from './calls/leases.ts'
import { list } from './lists/list.ts'
import { plan, schedules, unplan } from './calls/plan.ts'
import { queues } from './lists/queues.ts'
import { get, logs } from './calls/get.ts'
import { writeRecord, listRecords } from './rows/audit-records.ts'
import { cancel, end, report, retry, settle } from './calls/settle.ts'
import { sweep } from './calls/sweep.ts'
import { usageOfAll } from './rows/usage.ts'
import type { AckPoint } from './group-commit.ts'
import { toEngineError, sqliteErrorKind } from './file/sqlite-errors.ts'
import { SharedOpening } from './shared-opening.ts'
import type { Tables } from './state/tables.ts'
import { closeStore, healthOf, openStore } from './store.ts'
import type { Store, StoreOptions } from './store.ts'

const MEGABYTE = 1024 * 1024

/** `folder`: everything that is stored lies there. `synchronous` normal trades the last second before a power cut for
 *  speed, off the whole folder: for what nobody needs after this process. `onTrouble` is called with every change that
 *  could not be stored. `owner` is the name in the message to a second instance. `ballastBytes`: space held in reserve
 *  for a full disk. `check`: compares memory with the rows as it goes; it is on when the environment says
 *  OFFPEAK_CHECK=1. */
export type SqliteOptions = Pick<StoreOptions, 'folder'> & Partial<Omit<StoreOptions, 'changed' | 'durable'>>

const optionsOf = (options: SqliteOptions, told: Pick<StoreOptions, 'changed' | 'durable'>): StoreOptions => ({
  clock: Date.now,
  synchronous: 'full',
  onError: () => {},
  owner: 'offpeak',
  ballastBytes: 8 * MEGABYTE,
  check: process.env['OFFPEAK_CHECK'] === '1',
  ...options,
  ...told
})

/** Who listens; one that throws does not keep the others from it. */
function createListeners (trouble: (error: unknown) => void) {
  const listeners = new Set<(change: Commit) => void>()
  return {
    call: (news: Commit) => {
      for (const listener of listeners) {
        try {
          listener(news)
        } catch (error) {
          trouble(error)
        }
      }
    },
    add: (listener: (change: Commit) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
  }
}

/** An engine in one folder of this machine, for one process at a time, and as many owners in it as like: SQLite, a
 *  write-ahead log, and one transaction for all the calls of a moment. Starts and stops are counted: it closes with the
 *  last stop. `start` throws OFFPEAK_ENGINE_BUSY when another process or engine has the folder, OFFPEAK_ENGINE_FAILED
 *  when the files cannot be used; after that, calls reject with OFFPEAK_ENGINE_FAILED (507 when the disk is full). */
export function createSqliteEngine (options: SqliteOptions): Engine & InProcess {
  const failed = (error: unknown) => all.onError('listener', error)
  const [changed, durable] = [createListeners(failed), createListeners(failed)]
  const all = optionsOf(options, { changed: changed.call, durable: durable.call })
  const life = new SharedOpening<Store>({ open: () => openStore(all), close: closeStore })

  function write<T> (call: string, work: (tables: Tables) => T, answered: AckPoint = 'durable'): Promise<T> {
    const store = life.open
    if (store === null) return Promise.reject(engineStopped())
    return store.commits.write(call, answered, () => work(store.tables))
  }

  async function read<T> (call: string, work: (tables: Tables) => T): Promise<T> {
    const store = life.open
    if (store === null) throw engineStopped()
    if (store.guard.lost) throw store.guard.lost
    try {
      return work(store.tables)
    } catch (error) {
      if (!sqliteErrorKind(error)) throw error
      store.guard.note(error)
      all.onError(call, error)
      throw toEngineError(error)
    }
  }

  /** When an opening is ready too: whoever starts it together gets the same promise. */
  const starts = new WeakMap<Promise<void>, Promise<void>>()

  return {
    start () {
      const opening = life.start()
      const ready = starts.get(opening) ?? opening.then(() => life.open?.ready)
      starts.set(opening, ready)
      return ready
    },
    stop: () => life.stop(),
    async add (runs, now, more) {
      checkNew(runs)
      return write('add', tables => add(tables, runs, now, more))
    },
    due: ask => read('due', tables => due(tables, ask)),
    async claim (ask) {
      if (ask.offers.length === 0 && life.open !== null) return []
      // Nobody waits for the disk, and a power cut soon after the start finds the attempt all the same.
      return write('claim', tables => claim(tables, ask), 'begun')
    },
    beat: ask => write('beat', tables => beat(tables, ask), 'committed'),
    expire (ask) {
      if (life.open === null) return Promise.reject(engineStopped())
      const { tables: seen, commits } = life.open
      const late = lookForExpired(seen, ask.now)
      // Nothing is written while nothing is over.
      if (!commits.pending && !hasExpired(seen, late, ask.now)) return Promise.resolve({ queued: [], failed: [] })
      return write('expire', tables => expire(tables, ask, late))
    },
    leave: ask => write('leave', tables => leave(tables, ask)),
    report: said => write('report', tables => report(tables, said)),
    settle: settlement => write('settle', tables => settle(tables, settlement)),
    cancel: ask => write('cancel', tables => cancel(tables, ask)),
    retry: ask => write('retry', tables => retry(tables, ask)),
    end: ask => write('end', tables => end(tables, ask)),
    async edit (ask) {
      checkEdit(ask)
      return write('edit', tables => edit(tables, ask))
    },
    discard: ask => write('discard', tables => discard(tables, ask)),
    change: ask =>
      ask.dry_run
        ? read('change', tables => bulkChange(tables, ask))
        : write('change', tables => bulkChange(tables, ask)),
    get: id => read('get', tables => get(tables, id)),
    overdue: ask => read('overdue', tables => overdue(tables, ask)),
    hold: entries => write('hold', tables => hold(tables, entries)),
    async plan (asks) {
      for (const { fires } of asks) checkNew(fires)
      // What a power cut undoes of a file's schedule is planned again from the cursor before it, under other ids: that
      // is to happen to a fire that has not begun alone. Who has added one was answered.
      const isAdded = asks.some(
        ({ from, schedule, record: noted }) => noted !== undefined || (from === null && schedule.origin === 'api')
      )
      return write('plan', tables => asks.map(ask => plan(tables, ask)), isAdded ? 'durable' : 'begun')
    },
    schedules: ask => read('schedules', tables => schedules(tables, ask)),
    unplan: ask => write('unplan', tables => unplan(tables, ask)),
    keep: ask => write('keep', tables => keep(tables, ask)),
    kept: ask => read('kept', tables => kept(tables, ask)),
    record: entry => write('record', tables => writeRecord(tables, entry)),
    sweep: ask => write('sweep', tables => sweep(tables, ask)),
    list: ask => read('list', tables => list(tables, ask)),
    logs: ask => read('logs', tables => logs(tables, ask)),
    count: () => read('count', tables => tables.memory.lanes.count()),
    queues: ask => read('queues', tables => queues(tables, ask)),
    dead: ask => read('dead', tables => deadGroups(tables, ask)),
    stats: ask => read('stats', tables => tables.hourly.stats(ask)),
    held: ask => read('held', tables => tables.holds.held(ask)),
    used: ids => read('used', tables => usageOfAll(tables, ids)),
    records: ask => read('records', tables => listRecords(tables, ask)),
    async health () {
      if (life.open === null) {
        return {
          ok: false,
          kind: 'sqlite',
          last_write_ms: null,
          bytes: null,
          reason: 'The engine is not running'
        }
      }
      return healthOf(life.open)
    },
    onCommit: listener => changed.add(listener),
    onDurable: listener => durable.add(listener),
    users: () => life.users,
    async durable () {
      const store = life.open
      if (store === null) throw engineStopped()
      if (store.confirmed.isCaughtUp) store.guard.check()
      else await store.commits.durable()
    },
    unconfirmed: () => life.open?.confirmed.hasUnconfirmedEnd ? life.open.commits.durable() : null
  }
}
