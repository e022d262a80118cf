import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs'
import { syncOffPool } from './sync-thread.ts'

/** Ways to make a file durable, and the clock that tells how long each took (ms). */
interface Disk {
  sync(handle: number): Promise<void>
  syncNow(handle: number): void
  clock(): number
}

const DISK: Disk = { sync: syncOffPool, syncNow: fdatasyncSync, clock: () => performance.now() }

/** A disk that confirms within so many ms has done it before another thread could have been asked and heard. */
const QUICK_MS = 1
/** So slow a disk is seen as until it was measured, and how much one measure says when it is the better one. */
const UNKNOWN_MS = 10
const SMOOTHING = 1 / 8

/** How a sync is asked for. `alone`: one caller waits for it. `hurried`: it is handed to the system within the call,
 *  for nobody knows when the event loop turns next. */
export type SyncMode = 'alone' | 'hurried' | null

/** Makes what was written to the write-ahead log durable: one sync at a time outside the event loop, and all who come
 *  while one is under way share the next. Beside it there is at most one that was hurried. Only for a caller who is
 *  alone, and on a disk that has been quick, the event loop waits. Closing a second handle is safe here, for SQLite
 *  holds its locks on other files. */
export class LogSync {
  readonly #handle: number
  readonly #disk: Disk
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null
  #hurried: Promise<void> | null = null
  /** How long a sync takes, seen from the slow side: a slow one counts at once, quick ones little by little. */
  #ms = UNKNOWN_MS

  constructor (file: string, disk = DISK) {
    this.#disk = disk
    this.#handle = openSync(file, 'r+')
  }

  /** Resolves when all that was written before the call is durable. A sync that is under way may have begun too early
   *  for it. */
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
  // Windows cannot open a folder, and keeps names by itself.
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
