import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { engineBusy } from '../../../model/base/errors.ts'
import { failedBy, troubleOf } from './errors.ts'

export interface Lock {
  /** True when the owner before us did not say goodbye. */
  unclean: boolean
  /** Gives the folder free; what we leave is in order. */
  release (): void
  /** Gives the folder free, and lets the next owner check it. */
  abandon (): void
}

function ownerWords (file: string): string {
  try {
    const { pid, host, owner } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number, host: string, owner: string }
    return `${owner}, process ${pid} on ${host}`
  } catch {
    return 'its owner did not leave a name'
  }
}

/** Takes the folder for this process, or throws OFFPEAK_ENGINE_BUSY. The lock is an exclusive transaction that is held
 *  for life: the system frees it when the process ends, however it ends, and no pid has to be trusted. */
export function takeLock (folder: string, owner: string): Lock {
  const name = join(folder, 'lock.json')
  const file = join(folder, 'lock.db')
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    chmodSync(file, 0o600)
    db.exec('pragma journal_mode = memory; begin exclusive')
  } catch (error) {
    db.close()
    throw troubleOf(error) === 'busy' ? engineBusy(ownerWords(name)) : failedBy(error)
  }
  const unclean = existsSync(name)
  writeFileSync(name, JSON.stringify({ pid: process.pid, host: hostname(), owner }), { mode: 0o600 })
  return {
    unclean,
    abandon: () => db.close(),
    release: () => {
      rmSync(name, { force: true })
      db.close()
    }
  }
}
