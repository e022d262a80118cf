import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Does something with a folder that is gone afterwards. */
export async function withFolder<T> (work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** What each run is given, in every queue: 100 bytes of JSON. */
export const PAYLOAD = { text: 'x'.repeat(89) }

/** How many runs may run at once, in every queue. */
export const SLOTS = 10
