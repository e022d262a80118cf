import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs'
import { syncOffPool } from './sync-thread.ts'

/** How files are made durable. `clock`: ms. */
interface Disk {
  sync(handle: number): Promise<void>
  syncNow(handle: number): void
  clock(): number
}

const DISK: Disk = { sync: syncOffPool, syncNow: fdatasyncSync, clock: () => performance.now() }

/** A disk that syncs within this time is faster than a round trip to another thread. */
const QUICK_MS = 1
/** The assumed duration of a sync before the first measurement, and the weight of a faster measurement. */
const UNKNOWN_MS = 10
const SMOOTHING = 1 / 8

/** How a sync is requested. `alone`: exactly one caller waits for it. `hurried`: it starts within the call, because the
 *  event loop may be busy afterwards. */
export type SyncMode = 'alone' | 'hurried' | null

/** Makes the write-ahead log durable. One sync runs at a time outside the event loop, and callers that come during a
 *  sync share the next one. At most one hurried sync runs in addition. The event loop waits only for a single caller on
 *  a fast disk. Closing a second handle is safe here because SQLite holds its locks on other files. */
export class LogSync {
  readonly #handle: number
  readonly #disk: Disk
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null
  #hurried: Promise<void> | null = null
  /** The estimated duration of a sync, ms: a slower sync raises it at once, faster ones lower it gradually. */
  #ms = UNKNOWN_MS

  constructor (file: string, disk = DISK) {
    this.#disk = disk
    this.#handle = openSync(file, 'r+')
  }

  /** Resolves when everything written before the call is durable. A sync that is already running may have begun too
   *  early and is not enough. */
  flushed (haste: SyncMode = null): Promise<void> {
    if (haste === 'alone' && this.#ms < QUICK_MS) return this.#wait()
    if (!this.#running) return this.#run()
    if (haste === 'hurried' && !this.#hurried) return this.#hurry()
    return this.#next ??= this.#running.then(() => {
      this.#next = null
      return this.#run()
    })
  }

  #run (): Promise<void> {
    const began = this.#disk.clock()
    const running = this.#disk.sync(this.#handle).finally(() => {
      this.#learn(began)
      if (this.#running === running) this.#running = null
    })
    return this.#running = running
  }

  #hurry (): Promise<void> {
    return this.#hurried = this.#disk.sync(this.#handle).finally(() => {
      this.#hurried = null
    })
  }

  async #wait (): Promise<void> {
    const began = this.#disk.clock()
    this.#disk.syncNow(this.#handle)
    this.#learn(began)
  }

  #learn (began: number): void {
    const ms = this.#disk.clock() - began
    this.#ms = ms > this.#ms ? ms : this.#ms + (ms - this.#ms) * SMOOTHING
  }

  close (): void {
    closeSync(this.#handle)
  }
}

/** Makes the names of new files in a folder durable. */
export function syncFolder (folder: string): void {
  // Windows cannot open a folder and does not need this.
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
