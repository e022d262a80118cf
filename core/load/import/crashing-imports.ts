import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync,
  writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { taskFileBroken } from '../../model/errors/task-errors.ts'

/** After this many crashes in a row the file is not imported. */
const MOST = 3
const MODE = 0o600

/** A version of a task file. */
export interface Version {
  file: string
  hash: string
}

/** Whether a file is being imported in a child process or in this one. */
type Doing = 'probe' | 'read'
type Current = Partial<Record<Doing, Version>>
type Counts = Record<string, { hash: string, count: number }>

const isVersion = (value: unknown): value is Version =>
  typeof value === 'object' && value !== null && typeof (value as Version).file === 'string' &&
  typeof (value as Version).hash === 'string'

function jsonIn (file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

/** Counts how often in a row the process has crashed during the import of a file. The file is recorded in the data
 *  folder before its import, and the record is removed afterwards; the next start finds what is left. Without write
 *  access nothing is recorded. */
export const crashFault = (path: string, count: number) =>
  taskFileBroken({
    file: path,
    message:
      `${path} has ended offpeak ${count} times in a row while it was imported: it is not loaded until it changes`,
    fix: 'Move what it does at the top level into func.'
  })

export class CrashingImports {
  readonly #file: string
  readonly #markFile: string
  readonly #counts: Map<string, { hash: string, count: number }>
  readonly #current: Current = {}
  #mark: number | null = null

  constructor (folder: string) {
    this.#file = join(folder, 'ended.json')
    this.#markFile = join(folder, 'importing.json')
    const counts = jsonIn(this.#file) as Counts | null
    this.#counts = new Map(
      Object.entries(counts ?? {}).filter(([, one]) => typeof one?.hash === 'string' && Number.isSafeInteger(one.count))
    )
    // A removed file is not suspected any more: suspects slow down the import of all files.
    for (const file of this.#counts.keys()) if (!existsSync(file)) this.#counts.delete(file)
    for (const version of Object.values(jsonIn(this.#markFile) as Current | null ?? {})) {
      if (isVersion(version)) this.#count(version)
    }
  }

  /** True while a file is suspected: no two files are imported at a time. */
  get suspects (): boolean {
    return this.#counts.size > 0
  }

  /** True for a version that may have crashed the process: it is imported alone. */
  isSuspect ({ file, hash }: Version): boolean {
    return this.#counts.get(file)?.hash === hash
  }

  /** How often in a row this version has crashed the process if that is too often, else 0. */
  tooOften ({ file, hash }: Version): number {
    const found = this.#counts.get(file)
    return found?.hash === hash && found.count >= MOST ? found.count : 0
  }

  /** Records what is being imported; null: nothing. */
  set (doing: Doing, version: Version | null): void {
    if (version === null && this.#current[doing] === undefined) return
    if (version === null) delete this.#current[doing]
    else this.#current[doing] = version
    this.#write()
  }

  /** Records that this version was imported without a crash. */
  survived ({ file }: Version): void {
    if (this.#counts.delete(file)) this.#keep()
  }

  #count ({ file, hash }: Version): void {
    const before = this.#counts.get(file)
    this.#counts.set(file, { hash, count: before?.hash === hash ? before.count + 1 : 1 })
    this.#keep()
  }

  /** Not synced to the disk: the system keeps the data when the process crashes. */
  #write (): void {
    try {
      this.#mark ??= this.#opened()
      ftruncateSync(this.#mark)
      if (Object.keys(this.#current).length > 0) writeSync(this.#mark, JSON.stringify(this.#current), 0)
    } catch {}
  }

  #opened (): number {
    mkdirSync(dirname(this.#markFile), { recursive: true, mode: 0o700 })
    return openSync(this.#markFile, 'w', MODE)
  }

  #keep (): void {
    try {
      writeFileSync(this.#file, JSON.stringify(Object.fromEntries(this.#counts)), { mode: MODE })
    } catch {}
  }

  /** Records that nothing is being imported, and closes the file. */
  close (): void {
    this.set('probe', null)
    this.set('read', null)
    if (this.#mark !== null) closeSync(this.#mark)
    this.#mark = null
  }
}
