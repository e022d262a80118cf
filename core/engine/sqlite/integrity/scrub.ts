import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Scrubbed } from './scrub-entry.ts'

const ENTRY = join(import.meta.dirname, `scrub-entry${extname(import.meta.filename)}`)

/** Checks a whole database file in a thread. Resolves when the file is intact or could not be checked; rejects with an
 *  error like SQLite's when it is damaged. */
export async function scrub (file: string): Promise<void> {
  const found = await new Promise<Scrubbed>((resolve, reject) => {
    const worker = new Worker(ENTRY, { workerData: file, stdout: false, stderr: false })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => resolve(null))
  })
  if (found !== null) throw Object.assign(new Error(found), { errcode: 11 })
}
