import { DatabaseSync, backup } from 'node:sqlite'
import { engineFailed } from '../../../model/errors/engine-errors.ts'
import { toEngineError } from './sqlite-errors.ts'

const ALL_PAGES = 2 ** 30

/** Copies a database to a new file, also while a server writes to it, and checks the copy. Throws
 *  OFFPEAK_ENGINE_FAILED. */
export async function copyDatabase (from: string, to: string): Promise<void> {
  try {
    const source = new DatabaseSync(from, { readOnly: true, timeout: 10_000 })
    // All pages in one step: a writer would restart a copy in several steps.
    await backup(source, to, { rate: ALL_PAGES }).finally(() => source.close())
    const copy = new DatabaseSync(to)
    const [found] = copy.prepare('pragma quick_check').all() as { quick_check: string }[]
    copy.close()
    if (found?.quick_check !== 'ok') {
      throw engineFailed({ message: `The copy ${to} is damaged: ${found?.quick_check}`, fix: 'Check the disk.' })
    }
  } catch (error) {
    throw toEngineError(error)
  }
}
