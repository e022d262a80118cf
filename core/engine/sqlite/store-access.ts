import { engineStopped } from '../../model/errors/engine-errors.ts'
import { sqliteErrorKind, toEngineError } from './file/sqlite-errors.ts'
import type { AckPoint } from './group-commit.ts'
import type { Tables } from './state/tables.ts'
import type { Store } from './store.ts'

/** How calls reach the open store. `write` and `read` reject with OFFPEAK_ENGINE_STOPPED when it is closed. */
export interface StoreAccess {
  /** The open store, or null. */
  current(): Store | null
  /** Runs `work` in the next transaction of the group commit. */
  write<T>(call: string, work: (tables: Tables) => T, ack?: AckPoint): Promise<T>
  /** Runs `work` outside of a transaction. */
  read<T>(call: string, work: (tables: Tables) => T): Promise<T>
}

export function storeAccess (
  current: () => Store | null,
  onError: (call: string, error: unknown) => void
): StoreAccess {
  return {
    current,
    write (call, work, ack = 'durable') {
      const store = current()
      if (store === null) return Promise.reject(engineStopped())
      return store.commits.write(call, ack, () => work(store.tables))
    },
    async read (call, work) {
      const store = current()
      if (store === null) throw engineStopped()
      if (store.guard.lost) throw store.guard.lost
      try {
        return work(store.tables)
      } catch (error) {
        if (!sqliteErrorKind(error)) throw error
        store.guard.note(error)
        onError(call, error)
        throw toEngineError(error)
      }
    }
  }
}
