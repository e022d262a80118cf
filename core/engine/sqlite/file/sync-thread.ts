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

/** A thread that only syncs files. All asynchronous file calls of a process share one thread pool, and calls to an
 *  unreachable file system can occupy it: acknowledgements must not wait for those. */
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
      // An idle thread does not keep the process alive.
      if (this.#asked.size === 0) worker.unref()
      if (error === null) asked?.resolve()
      else asked?.reject(Object.assign(new Error(error.message), { code: error.code }))
    })
    // Callers still have the sync of the pool.
    worker.on('error', () => {
      this.#worker = null
    })
    return this.#worker = worker
  }
}

const spare = new SyncThread()
const pooled = promisify(fdatasync)

/** How long a sync may take in the pool before the other thread is used as well, ms. */
const POOL_MS = 1000

/** Syncs a file outside the event loop, even when the thread pool is occupied. */
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
