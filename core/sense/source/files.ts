import { closeSync, constants, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

const BUFFER_BYTES = 64 * 1024
/** The kernel hands out a list page by page: an answer near a page may have more behind it. */
const FULL = 2048
const SMALL_BYTES = 4096
// A pipe or a terminal where a file is expected must not hold the whole process.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Reads the same small kernel files again and again: each stays open and is read from its start. */
export class Files {
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  readonly #open = new Map<string, number>()
  readonly #handles = new Map<string, FileHandle>()

  /** The text of a file that the kernel answers from memory (/proc, cgroups). Throws what `open` and `read` throw. */
  text (path: string): string {
    const fd = this.#open.get(path) ?? this.#opened(path)
    try {
      let length = readSync(fd, this.#buffer, 0, BUFFER_BYTES, 0)
      let more = length
      while (more >= FULL && length < BUFFER_BYTES) {
        more = readSync(fd, this.#buffer, length, BUFFER_BYTES - length, length)
        length += more
      }
      return this.#buffer.toString('latin1', 0, length)
    } catch (error) {
      this.forget(path)
      throw error
    }
  }

  /** As `text`; null where there is no such file. */
  optional (path: string): string | null {
    return absent(() => this.text(path))
  }

  /** As `optional`, for a file that is not to stay open. */
  once (path: string): string | null {
    const fd = absent(() => openSync(path, FLAGS))
    if (fd === null) return null
    try {
      return absent(() => this.#buffer.toString('latin1', 0, readSync(fd, this.#buffer, 0, BUFFER_BYTES, 0)))
    } finally {
      closeSync(fd)
    }
  }

  /** Closes a file that `text` has opened. */
  forget (path: string): void {
    const fd = this.#open.get(path)
    this.#open.delete(path)
    if (fd !== undefined) closeSync(fd)
  }

  /** The trimmed text of a file behind which a driver stands, read off the event loop; null where there is none. */
  async driver (path: string): Promise<string | null> {
    try {
      const handle = this.#handles.get(path) ?? await this.#handled(path)
      const buffer = Buffer.allocUnsafe(SMALL_BYTES)
      const { bytesRead } = await handle.read(buffer, 0, SMALL_BYTES, 0)
      return buffer.toString('latin1', 0, bytesRead).trim()
    } catch (error) {
      await this.#drop(path)
      if (isAbsent(error)) return null
      throw error
    }
  }

  /** Closes everything; a later read opens files again. */
  async close (): Promise<void> {
    for (const fd of this.#open.values()) closeSync(fd)
    this.#open.clear()
    await Promise.all([...this.#handles.keys()].map(path => this.#drop(path)))
  }

  #opened (path: string): number {
    const fd = openSync(path, FLAGS)
    this.#open.set(path, fd)
    return fd
  }

  async #handled (path: string): Promise<FileHandle> {
    const handle = await open(path, FLAGS)
    this.#handles.set(path, handle)
    return handle
  }

  async #drop (path: string): Promise<void> {
    const handle = this.#handles.get(path)
    this.#handles.delete(path)
    await handle?.close().catch(() => undefined)
  }
}

// A device that was pulled out answers ENODEV, an attribute without a value ENODATA.
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ESRCH', 'ENODEV', 'ENODATA', 'ENXIO', 'EOPNOTSUPP'])

/** True for the error of reading what is not there. */
export const isAbsent = (error: unknown): boolean => ABSENT.has((error as NodeJS.ErrnoException | null)?.code ?? '')

/** What `ask` answers, or null where what it asks for is not there. */
export function absent<T> (ask: () => T): T | null {
  try {
    return ask()
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}
