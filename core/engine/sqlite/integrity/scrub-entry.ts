import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** The fault that a check of the whole database file found, or null. */
export type Scrubbed = string | null

function scrub (file: string): Scrubbed {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 1000 })
  try {
    const row = db.prepare('pragma quick_check(1)').get() as { quick_check: string } | undefined
    return row?.quick_check === 'ok' ? null : row?.quick_check ?? 'quick_check gave no answer'
  } finally {
    db.close()
  }
}

parentPort!.postMessage(scrub(workerData as string), [])
