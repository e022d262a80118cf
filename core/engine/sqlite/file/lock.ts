import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { engineBusy } from '../../../model/errors/engine-errors.ts'
import { toEngineError, sqliteErrorKind } from './sqlite-errors.ts'
import { describeHolder, identityOf, inodeOf } from './holder.ts'
import type { Holder } from './holder.ts'

export interface Lock {
  /** True when the owner before us did not say goodbye. */
  readonly unclean: boolean
  /** The file that is locked. */
  readonly identity: string
  /** Locks the file that bears the name of the lock again, where somebody has removed or replaced it, or where the lock
   *  is gone: it is as soon as this process has closed the file by any other name. True: it had to. Throws
   *  OFFPEAK_ENGINE_BUSY when another process has locked it. */
  keep(): boolean
  /** Gives the folder free; what we leave is in order. */
  release(): void
  /** Gives the folder free, and lets the next owner check it. */
  abandon(): void
}

function ownerWords (file: string): string {
  try {
    return describeHolder(JSON.parse(readFileSync(file, 'utf8')) as Holder)
  } catch {
    return 'its owner did not leave a name'
  }
}

/** Whether the system knows of a lock on a file. Where it does not tell of locks there is one. */
function isHeld (identity: string): boolean {
  try {
    return readFileSync('/proc/locks', 'utf8').includes(`:${inodeOf(identity)} `)
  } catch {
    return true
  }
}

interface Locked {
  db: DatabaseSync
  identity: string
}

/** Throws OFFPEAK_ENGINE_BUSY when another has it. `name`: the file in which the owner says who it is. */
function lockFile (file: string, name: string): Locked {
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    chmodSync(file, 0o600)
    db.exec('pragma journal_mode = memory; begin exclusive')
    return { db, identity: identityOf(file) ?? 'gone' }
  } catch (error) {
    db.close()
    throw sqliteErrorKind(error) === 'busy' ? engineBusy(ownerWords(name)) : toEngineError(error)
  }
}

/** Throws OFFPEAK_ENGINE_BUSY when another process has the folder, and takes nothing: for a caller that has not
 *  begun. */
export function refuseOwned (folder: string): void {
  const file = join(folder, 'lock.db')
  if (existsSync(file)) lockFile(file, join(folder, 'lock.json')).db.close()
}

/** Takes the folder for this process, or throws OFFPEAK_ENGINE_BUSY. The lock is an exclusive transaction that is held
 *  for life: the system frees it when the process ends, however it ends, and no pid has to be trusted. */
export function takeLock (folder: string, owner: string): Lock {
  const name = join(folder, 'lock.json')
  const file = join(folder, 'lock.db')
  let { db, identity } = lockFile(file, name)
  const unclean = existsSync(name)
  const sign = () => writeFileSync(name, JSON.stringify({ pid: process.pid, host: hostname(), owner }), { mode: 0o600 })
  const close = () => {
    if (db.isOpen) db.close()
  }
  sign()
  return {
    unclean,
    get identity () {
      return identity
    },
    keep: () => {
      if (identityOf(file) === identity && isHeld(identity)) {
        if (!existsSync(name)) sign()
        return false
      }
      close()
      ;({ db, identity } = lockFile(file, name))
      sign()
      return true
    },
    abandon: close,
    release: () => {
      rmSync(name, { force: true })
      close()
    }
  }
}
