import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { engineBusy } from '../../../model/errors/engine-errors.ts'
import { SECOND } from '../../../model/base/duration.ts'
import { PROCESSES, describeHolder, readHolder, holderState } from './holder.ts'
import type { Holder } from './holder.ts'

/** A holder that does not answer within this time counts as gone. If it comes back, its next write fails. */
const ANSWER_MS = 15 * SECOND
const EVERY_MS = 100

/** A file with the question whether the holder of the folder is alive. A live holder removes it. */
const question = (folder: string): string => join(folder, 'holder.ask')

/** Answers that the holder of the folder is alive. */
export function answerQuestion (folder: string): void {
  rmSync(question(folder), { force: true })
}

/** The holder that is stored in the files of a folder, or null. Changes no file. A file that cannot be read has no
 *  holder here; opening it for writing reports the error. */
function holderOf (folder: string): Holder | null {
  const file = join(folder, 'offpeak.db')
  // A store that was closed cleanly has no log and no holder.
  if (!statSync(`${file}-wal`, { throwIfNoEntry: false })?.size) return null
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 50 })
    return readHolder(db)
  } catch {
    return null
  } finally {
    db?.close()
  }
}

/** Resolves to whether a live holder removed the question. */
async function hasAnswered (folder: string): Promise<boolean> {
  const file = question(folder)
  writeFileSync(file, '', { mode: 0o600 })
  for (let waited = 0; waited < ANSWER_MS; waited += EVERY_MS) {
    await wait(EVERY_MS)
    if (!statSync(file, { throwIfNoEntry: false })) return true
  }
  rmSync(file, { force: true })
  return false
}

/** Resolves to whether the previous holder of the folder did not stop cleanly. Throws OFFPEAK_ENGINE_BUSY while that
 *  holder is alive. The caller has the lock of the folder; this check covers a lock that was removed. */
export async function admit (folder: string, mine: Holder): Promise<boolean> {
  const holder = holderOf(folder)
  if (holder === null) return false
  const standing = holderState(holder, mine, PROCESSES)
  if (standing === 'alive' || (standing === 'unknown' && await hasAnswered(folder))) {
    throw engineBusy(describeHolder(holder))
  }
  return true
}
