import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { promisify } from 'node:util'

const sync = promisify(fdatasync)

/** Makes what was written to the write-ahead log durable, outside the event loop: one sync at a time, and all who come while one
 *  is under way share the next. Closing a second handle is safe here, for SQLite holds its locks on other files. */
export class LogSync {
  readonly #handle: number
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor (file: string) {
    this.#handle = openSync(file, 'r+')
  }

  /** Resolves when all that was written before the call is durable. A sync that is under way may have begun too early for it. */
  flushed (): Promise<void> {
    if (!this.#running) return this.#run()
    return this.#next ??= this.#running.then(() => {
      this.#next = null
      return this.#run()
    })
  }

  #run (): Promise<void> {
    const running = sync(this.#handle).finally(() => {
      if (this.#running === running) this.#running = null
    })
    return this.#running = running
  }

  close (): void {
    closeSync(this.#handle)
  }
}

/** Makes the names of new files in a folder durable. */
export function syncFolder (folder: string): void {
  // Windows cannot open a folder, and keeps names by itself.
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
