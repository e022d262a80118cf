import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { engineBusy } from '../../../model/errors/engine-errors.ts'
import { SECOND } from '../../../model/base/duration.ts'
import { PROCESSES, describeHolder, readHolder, holderState } from './holder.ts'
import type { Holder } from './holder.ts'

/** A holder that has not answered for so long is taken to be gone. Should it come back, its next write is refused. */
const ANSWER_MS = 15 * SECOND
const EVERY_MS = 100

/** Lies in the folder while somebody asks whether its holder is alive, which removes it. */
const question = (folder: string): string => join(folder, 'holder.ask')

/** Answers those who ask whether the holder of the folder is alive. */
export function answerQuestion (folder: string): void {
  rmSync(question(folder), { force: true })
}

/** The holder that the files of a folder name. Reading changes none of them; what cannot be read names nobody, and is
 *  dealt with by whoever opens it for writing. */
function holderOf (folder: string): Holder | null {
  const file = join(folder, 'offpeak.db')
  // Closed in order, a store has no log and no holder.
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

/** Resolves to whether a live holder has removed the question. */
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

/** Resolves to whether the folder has had a holder that did not leave it; throws OFFPEAK_ENGINE_BUSY while it is still
 *  there. The lock of the folder is the caller's: that is enough only as long as nobody has removed it. */
export async function admit (folder: string, mine: Holder): Promise<boolean> {
  const holder = holderOf(folder)
  if (holder === null) return false
  const standing = holderState(holder, mine, PROCESSES)
  if (standing === 'alive' || (standing === 'unknown' && await hasAnswered(folder))) {
    throw engineBusy(describeHolder(holder))
  }
  return true
}
