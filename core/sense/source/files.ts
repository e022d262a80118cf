import { closeSync, constants, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

const BUFFER_BYTES = 64 * 1024
/** The kernel returns lists page by page, so an answer of about a page may be incomplete. */
const FULL = 2048
const SMALL_BYTES = 4096
// A pipe or a terminal in place of a file must not block the process.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Reads small kernel files repeatedly. Each stays open and is read from its start. */
export class Files {
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  readonly #open = new Map<string, number>()
  readonly #handles = new Map<string, FileHandle>()

  /** The text of a file that the kernel keeps in memory (/proc, cgroups). Throws errors of `open` and `read`. */
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

  /** As `text`; null if the file does not exist. */
  optional (path: string): string | null {
    return absent(() => this.text(path))
  }

  /** As `optional`, but closes the file. */
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

  /** The trimmed text of a file of a driver, read asynchronously; null if it does not exist. */
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

  /** Closes all files; a later read opens them again. */
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

// A removed device answers ENODEV, an attribute without a value ENODATA.
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ESRCH', 'ENODEV', 'ENODATA', 'ENXIO', 'EOPNOTSUPP'])

/** True for the error of reading a missing file or value. */
export const isAbsent = (error: unknown): boolean => ABSENT.has((error as NodeJS.ErrnoException | null)?.code ?? '')

/** The result of `ask`, or null if it throws for a missing file or value. */
export function absent<T> (ask: () => T): T | null {
  try {
    return ask()
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}
