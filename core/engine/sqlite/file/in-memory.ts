import { DatabaseSync } from 'node:sqlite'
import { PRAGMAS, migrate } from './open.ts'
import { MIGRATIONS } from '../schema/migrations.ts'
import { unknownStore } from './guard.ts'
import type { Guard } from './guard.ts'
import type { Holder } from './holder.ts'
import type { Lock } from './lock.ts'
import type { LogSync } from './log-sync.ts'

/** The folder name of a store without files. */
export const IN_MEMORY = ':memory:'

const nothing = () => undefined

/** The parts of a store besides its database: the lock of its folder, the guard of its files, the sync of its log. */
export interface Files {
  lock: Lock
  holder: Holder | null
  guard: Pick<Guard, keyof Guard>
  log: Pick<LogSync, 'flushed' | 'close'>
}

/** An empty in-memory database. */
export function memoryDatabase (): DatabaseSync {
  const db = new DatabaseSync(IN_MEMORY)
  db.exec(`${PRAGMAS}; pragma journal_mode = memory; pragma synchronous = off`)
  migrate(db, IN_MEMORY, MIGRATIONS)
  return db
}

/** Stand-ins for the files of a store in memory. */
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
