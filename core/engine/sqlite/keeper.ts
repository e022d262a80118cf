import { engineStopped } from '../../model/errors/engine-errors.ts'
import type { Engine } from '../engine.ts'
import type { Commit, InProcess } from '../in-process.ts'
import { readCalls } from './read-calls.ts'
import { SharedOpening } from './shared-opening.ts'
import { storeAccess } from './store-access.ts'
import { closeStore, openStore } from './store.ts'
import type { Store, StoreOptions } from './store.ts'
import { claimCalls, runCalls, storedCalls } from './write-calls.ts'

const MEGABYTE = 1024 * 1024

/** `folder`: the data folder. `synchronous`: `normal` may lose the last second before a power cut, `off` the whole
 *  folder; both are faster than `full`. `onError`: called with every change that could not be stored. `owner`: the name
 *  in the error message of a second instance. `ballastBytes`: the space that is reserved for a full disk. `check`:
 *  compares memory with the rows after every few transactions; on when OFFPEAK_CHECK=1 is in the environment. */
type SqliteOptions = Pick<StoreOptions, 'folder'> & Partial<Omit<StoreOptions, 'changed' | 'durable'>>

const optionsOf = (
  options: SqliteOptions,
  listeners: Pick<StoreOptions, 'changed' | 'durable'>
): StoreOptions => ({
  clock: Date.now,
  synchronous: 'full',
  onError: () => {},
  owner: 'offpeak',
  ballastBytes: 8 * MEGABYTE,
  check: process.env['OFFPEAK_CHECK'] === '1',
  ...options,
  ...listeners
})

/** The listeners of commits. An error of one does not reach the others. */
function createListeners (onError: (error: unknown) => void) {
  const listeners = new Set<(commit: Commit) => void>()
  return {
    call: (commit: Commit) => {
      for (const listener of listeners) {
        try {
          listener(commit)
        } catch (error) {
          onError(error)
        }
      }
    },
    add: (listener: (commit: Commit) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
  }
}

/** Starts that come together resolve together, once the store is ready. */
function createStart (opening: SharedOpening<Store>): () => Promise<void> {
  const starts = new WeakMap<Promise<void>, Promise<void>>()
  return () => {
    const opened = opening.acquire()
    const ready = starts.get(opened) ?? opened.then(() => opening.open?.ready)
    starts.set(opened, ready)
    return ready
  }
}

/** An engine in a folder of this machine, for one process with any number of owners. It uses SQLite with a write-ahead
 *  log; the calls of one moment share a transaction. Starts and stops are counted: the last stop closes it. `start`
 *  throws OFFPEAK_ENGINE_BUSY when another process or engine uses the folder, and OFFPEAK_ENGINE_FAILED when the files
 *  cannot be used. Calls reject with OFFPEAK_ENGINE_FAILED, with status 507 when the disk is full. */
export function createSqliteEngine (options: SqliteOptions): Engine & InProcess {
  const failed = (error: unknown) => all.onError('listener', error)
  const [changed, durable] = [createListeners(failed), createListeners(failed)]
  const all = optionsOf(options, { changed: changed.call, durable: durable.call })
  const opening = new SharedOpening<Store>({ open: () => openStore(all), close: closeStore })
  const access = storeAccess(() => opening.open, all.onError)
  return {
    start: createStart(opening),
    stop: () => opening.release(),
    ...claimCalls(access),
    ...runCalls(access),
    ...storedCalls(access),
    ...readCalls(access),
    onCommit: listener => changed.add(listener),
    onDurable: listener => durable.add(listener),
    users: () => opening.users,
    async durable () {
      const store = opening.open
      if (store === null) throw engineStopped()
      if (store.confirmed.isCaughtUp) store.guard.check()
      else await store.commits.durable()
    },
    unconfirmed: () => opening.open?.confirmed.hasUnconfirmedEnd ? opening.open.commits.durable() : null
  }
}
