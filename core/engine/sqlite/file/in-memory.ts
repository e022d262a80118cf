import { DatabaseSync } from 'node:sqlite'
import { PRAGMAS, migrate } from './open.ts'
import { MIGRATIONS } from '../schema/migrations.ts'
import { unknownStore } from './guard.ts'
import type { Guard } from './guard.ts'
import type { Holder } from './holder.ts'
import type { Lock } from './lock.ts'
import type { LogSync } from './log-sync.ts'

/** The folder of a store that no file holds. */
export const IN_MEMORY = ':memory:'

const nothing = () => undefined

/** What a store has beside its database: the lock of its folder, the watch over its files, the syncs of its log. */
export interface Files {
  lock: Lock
  holder: Holder | null
  guard: Pick<Guard, keyof Guard>
  log: Pick<LogSync, 'flushed' | 'close'>
}

/** An empty database of this process alone. */
export function memoryDatabase (): DatabaseSync {
  const db = new DatabaseSync(IN_MEMORY)
  db.exec(`${PRAGMAS}; pragma journal_mode = memory; pragma synchronous = off`)
  migrate(db, IN_MEMORY, MIGRATIONS)
  return db
}

/** The files of a store that has none. */
export function noFiles (): Files {
  const guard: Files['guard'] = {
    lost: null,
    damaged: null,
    blocked: null,
    inspect: nothing,
    fence: nothing,
    confirm: () => guard.check() as undefined,
    stop: async () => undefined,
    close: nothing,
    check: () => {
      if (guard.lost) throw guard.lost
    },
    makeRoom: () => false,
    note: nothing,
    unsynced: cause => {
      throw cause
    },
    lose: cause => guard.lost ??= unknownStore(cause)
  }
  return {
    lock: { unclean: false, identity: '', keep: () => false, release: nothing, abandon: nothing },
    holder: null,
    guard,
    log: { flushed: async () => undefined, close: nothing }
  }
}
