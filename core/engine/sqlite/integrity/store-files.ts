import { accessSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { hasCopied, isThere, isWhole, walIndexOf } from './wal-index.ts'
import type { WalIndex } from './wal-index.ts'

/** A problem of the files of a store. `moved`: the next start would not read what is written now. `cut`: written data
 *  is missing from the log. `damaged`: the database file differs from what SQLite wrote. `unwritable`, `unreachable`:
 *  possibly temporary. `foreign`: another program wrote to the database file, which has to be checked. */
export type FileFinding = { kind: 'moved' | 'cut' | 'damaged' | 'unwritable' | 'unreachable' | 'foreign',
  words: string }

const PARTS = ['', '-wal', '-shm'] as const
type FilePart = typeof PARTS[number]

const MAGIC = Buffer.from('SQLite format 3\0', 'latin1')

/** A changed log of at most this many frames is verified. 500 frames, after which a checkpoint runs, take 3 ms. */
const MOST_FRAMES = 2000

const isSame = (a: Stats | undefined, b: Stats): boolean => a !== undefined && a.ino === b.ino && a.dev === b.dev

const each = <T>(of: (part: FilePart) => T) =>
  Object.fromEntries(PARTS.map(part => [part, of(part)])) as Record<FilePart, T>

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

/** Compares the files of an open store with what SQLite has written. The files stay open until the database is closed,
 *  because closing a file releases the locks that this process has on it. */
export class StoreFiles {
  readonly #file: string
  readonly #handles: Record<FilePart, number>
  readonly #first: Record<FilePart, Stats>
  #main: { size: number, mtime: number }
  /** When the log was last written. */
  #written: number
  /** The index of the log at the last check. Only a checkpoint writes to the database file. */
  #seen: WalIndex | null

  constructor (file: string) {
    this.#file = file
    this.#handles = each(part => openSync(file + part, 'r'))
    this.#first = each(part => fstatSync(this.#handles[part]))
    const { '': main, '-wal': wal } = this.#first
    this.#main = { size: main.size, mtime: main.mtimeMs }
    this.#written = wal.mtimeMs
    this.#seen = this.#index()
  }

  close (): void {
    for (const part of PARTS) closeSync(this.#handles[part])
  }

  #index (): WalIndex | null {
    return walIndexOf(this.#handles['-shm'])
  }

  /** The checks before each acknowledgement. */
  quickCheck (): FileFinding | null {
    try {
      const [main, wal] = ['', '-wal'].map(part => statSync(this.#file + part, { throwIfNoEntry: false }))
      return this.#placed('', main) ?? this.#placed('-wal', wal) ?? this.#compared(main!, wal!)
    } catch (error) {
      return { kind: 'unreachable', words: `${this.#file} cannot be reached (${codeOf(error)})` }
    }
  }

  #placed (part: FilePart, now: Stats | undefined): FileFinding | null {
    if (isSame(now, this.#first[part])) return null
    return { kind: 'moved', words: `${this.#file}${part} was moved, removed or replaced while it was in use` }
  }

  #compared (main: Stats, wal: Stats): FileFinding | null {
    const before = this.#main
    this.#main = { size: Math.max(main.size, before.size), mtime: main.mtimeMs }
    if (main.size < before.size) return this.#damaged(`was cut short to ${main.size} bytes`)
    const index = this.#index()
    if (index === null) return null
    const seen = this.#seen
    this.#seen = index
    if (wal.size < index.bytes) return this.#cut('was cut short')
    if (!isThere(this.#handles['-wal'], index, seen)) return this.#cut('was cut short or overwritten')
    if (main.mtimeMs === before.mtime || seen === null || hasCopied(seen, index)) return null
    return this.#header() ?? { kind: 'foreign', words: `${this.#file} was written by another program` }
  }

  #cut (words: string): FileFinding {
    return { kind: 'cut', words: `${this.#file}-wal ${words} while it was in use` }
  }

  #damaged (words: string): FileFinding {
    return { kind: 'damaged', words: `${this.#file} ${words} while it was in use` }
  }

  #header (): FileFinding | null {
    const head = Buffer.alloc(MAGIC.length)
    const read = readSync(this.#handles[''], head, 0, head.length, 0)
    if (this.#main.size === 0 || (read === head.length && head.equals(MAGIC))) return null
    return this.#damaged('has lost its header')
  }

  /** All checks, including permissions and the checksums of the log. */
  fullCheck (): FileFinding | null {
    return this.quickCheck() ?? this.#reached() ?? this.#read()
  }

  #reached (): FileFinding | null {
    try {
      const shm = this.#placed('-shm', statSync(`${this.#file}-shm`, { throwIfNoEntry: false }))
      if (shm !== null) return shm
      for (const path of [dirname(this.#file), ...PARTS.map(part => this.#file + part)]) {
        accessSync(path, constants.R_OK | constants.W_OK)
      }
      return null
    } catch (error) {
      return { kind: 'unwritable', words: `${dirname(this.#file)} cannot be written (${codeOf(error)})` }
    }
  }

  #read (): FileFinding | null {
    const header = this.#header()
    if (header !== null) return header
    const { mtimeMs: written } = fstatSync(this.#handles['-wal'])
    const index = this.#index()
    if (written === this.#written || index === null || index.frames > MOST_FRAMES) return null
    this.#written = written
    return isWhole(this.#handles['-wal'], index) ? null : this.#cut('was overwritten')
  }
}
