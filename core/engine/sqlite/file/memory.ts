import { DatabaseSync } from 'node:sqlite'
import { PRAGMAS, migrate } from './open.ts'
import { MIGRATIONS } from './schema.ts'
import type { Guard } from './guard.ts'
import type { Lock } from './lock.ts'
import type { LogSync } from './sync.ts'

/** The folder of a store that no file holds. */
export const IN_MEMORY = ':memory:'

const nothing = () => undefined

/** What a store has beside its database: the lock of its folder, the watch over its files, the syncs of its log. */
export interface Files {
  lock: Lock
  guard: Pick<Guard, 'lost' | 'damaged' | 'check' | 'makeRoom' | 'note' | 'unsynced'>
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
export const noFiles = (): Files => ({
  lock: { unclean: false, release: nothing, abandon: nothing },
  guard: { lost: null, damaged: null, check: nothing, makeRoom: () => false, note: nothing, unsynced: cause => { throw cause } },
  log: { flushed: async () => undefined, close: nothing }
})
