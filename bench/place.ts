import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Does something with a folder that is gone afterwards, also when the process is told to end meanwhile. */
export async function withFolder<T> (work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  process.once('exit', remove)
  try {
    return await work(folder)
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** What each run is given, in every queue: 100 bytes of JSON. */
export const PAYLOAD = { text: 'x'.repeat(89) }

/** How many runs may run at once, in every queue. */
export const SLOTS = 10
