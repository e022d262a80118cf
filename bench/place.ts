import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Calls a function with a temporary folder and removes it, also when a signal ends the process. */
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

/** The payload of each run, in every queue: 100 bytes of JSON. */
export const PAYLOAD = { text: 'x'.repeat(89) }

/** The number of concurrent runs, in every queue. */
export const SLOTS = 10
