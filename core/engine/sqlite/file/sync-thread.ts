import { fdatasync } from 'node:fs'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'

interface SyncResult {
  id: number
  error: { message: string, code?: string } | null
}

const CODE = `
const { fdatasyncSync } = require('node:fs')
const { parentPort } = require('node:worker_threads')
parentPort.on('message', ({ id, handle }) => {
  let error = null
  try {
    fdatasyncSync(handle)
  } catch ({ message, code }) {
    error = { message, code }
  }
  parentPort.postMessage({ id, error })
})
`

/** A thread that syncs files and does nothing else. All that is asynchronous in a process shares the threads of one
 *  pool, and calls to a file system that is gone keep them: what was acknowledged must not wait for those. */
class SyncThread {
  readonly #asked = new Map<number, PromiseWithResolvers<void>>()
  #worker: Worker | null = null
  #last = 0

  sync (handle: number): Promise<void> {
    const asked = Promise.withResolvers<void>()
    const id = ++this.#last
    this.#asked.set(id, asked)
    const worker = this.#started()
    worker.ref()
    worker.postMessage({ id, handle }, [])
    return asked.promise
  }

  #started (): Worker {
    if (this.#worker !== null) return this.#worker
    const worker = new Worker(CODE, { eval: true })
    worker.on('message', ({ id, error }: SyncResult) => {
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      // A thread that has nothing to do keeps no process.
      if (this.#asked.size === 0) worker.unref()
      if (error === null) asked?.resolve()
      else asked?.reject(Object.assign(new Error(error.message), { code: error.code }))
    })
    // Whoever waits for the pool as well goes on waiting for it.
    worker.on('error', () => {
      this.#worker = null
    })
    return this.#worker = worker
  }
}

const spare = new SyncThread()
const pooled = promisify(fdatasync)

/** So long the pool has for a sync before the other thread is asked as well, ms. */
const POOL_MS = 1000

/** Syncs a file outside of the event loop, whatever occupies the pool. */
export async function syncOffPool (
  handle: number,
  { pool = pooled, thread = (at: number) => spare.sync(at), patience = POOL_MS } = {}
): Promise<void> {
  const first = pool(handle)
  const second = Promise.withResolvers<void>()
  const timer = setTimeout(() => thread(handle).then(second.resolve, second.reject), patience)
  try {
    await Promise.race([first, second.promise])
  } finally {
    clearTimeout(timer)
    first.catch(() => undefined)
    second.promise.catch(() => undefined)
  }
}
