import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { engineBusy, engineFailed } from '../../../model/errors/engine-errors.ts'
import { toEngineError, sqliteErrorKind } from './sqlite-errors.ts'
import { describeHolder, identityOf, inodeOf } from './holder.ts'
import type { Holder } from './holder.ts'

export interface Lock {
  /** True when the previous owner did not stop cleanly. */
  readonly unclean: boolean
  /** The file that is locked. */
  readonly identity: string
  /** Takes the lock again when its file was removed or replaced, or when the lock was lost, which happens as soon as
   *  this process closes the file through any other handle. Returns true when it had to. Throws OFFPEAK_ENGINE_BUSY
   *  when another process has the lock. */
  keep(): boolean
  /** Releases the folder after a clean stop. */
  release(): void
  /** Releases the folder; the next owner checks it. */
  abandon(): void
}

function ownerWords (file: string): string {
  try {
    return describeHolder(JSON.parse(readFileSync(file, 'utf8')) as Holder)
  } catch {
    return 'a process that left no name'
  }
}

/** The user of this process. Users of a container often have no name. */
const own = () => process.getuid === undefined ? '' : `, user ${process.getuid()}`

/** Whether the system lists a lock on this file. True where the system lists no locks. */
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

/** Throws OFFPEAK_ENGINE_FAILED when the file can be neither opened nor created. */
function openFile (file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 })
  } catch (cause) {
    throw engineFailed({
      message: `${file} cannot be opened`,
      fix: `Make the data folder writable for the user that runs offpeak${own()}, or name another one with --data.`,
      cause
    })
  }
}

/** Throws OFFPEAK_ENGINE_BUSY when another process has the lock. `name`: the file that names the owner. */
function lockFile (file: string, name: string): Locked {
  const db = openFile(file)
  try {
    chmodSync(file, 0o600)
    db.exec('pragma journal_mode = memory; begin exclusive')
    return { db, identity: identityOf(file) ?? 'gone' }
  } catch (error) {
    db.close()
    throw sqliteErrorKind(error) === 'busy' ? engineBusy(ownerWords(name)) : toEngineError(error)
  }
}

/** Throws OFFPEAK_ENGINE_BUSY when another process uses the folder. Takes no lock itself. */
export function refuseOwned (folder: string): void {
  const file = join(folder, 'lock.db')
  if (existsSync(file)) lockFile(file, join(folder, 'lock.json')).db.close()
}

/** Locks the folder for this process, or throws OFFPEAK_ENGINE_BUSY. The lock is an exclusive transaction that stays
 *  open: the system releases it when the process ends in any way, so no pid is needed. */
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
