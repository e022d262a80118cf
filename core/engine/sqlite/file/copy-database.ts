import { DatabaseSync, backup } from 'node:sqlite'
import { OffpeakError } from '../../../model/errors/errors.ts'
import { engineFailed } from '../../../model/errors/engine-errors.ts'
import { toEngineError } from './sqlite-errors.ts'

const ALL_PAGES = 2 ** 30

/** Checks the structure of a database that nobody uses; throws OFFPEAK_ENGINE_FAILED. */
export function checkDatabase (file: string): void {
  try {
    const db = new DatabaseSync(file)
    const [found] = db.prepare('pragma quick_check').all() as { quick_check: string }[]
    db.close()
    if (found?.quick_check === 'ok') return
    throw engineFailed({ message: `The copy ${file} is damaged: ${found?.quick_check}`, fix: 'Check the disk.' })
  } catch (error) {
    throw error instanceof OffpeakError ? error : toEngineError(error)
  }
}

/** Copies a database to a new file, also while a server writes to it, and checks the copy. Throws
 *  OFFPEAK_ENGINE_FAILED. */
export async function copyDatabase (from: string, to: string): Promise<void> {
  try {
    const source = new DatabaseSync(from, { readOnly: true, timeout: 10_000 })
    // All pages in one step: a writer would restart a copy in several steps.
    await backup(source, to, { rate: ALL_PAGES }).finally(() => source.close())
  } catch (error) {
    throw toEngineError(error)
  }
  checkDatabase(to)
}
