import { hash as digest } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, parse, sep } from 'node:path'
import type { OffpeakError } from '../../model/errors/errors.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import { isBuiltIn } from '../../model/task/built-in.ts'
import type { TaskSource } from './assemble.ts'
import { crashFault } from '../import/crashing-imports.ts'
import type { Trial, TrialsAsk } from '../import/import-trials.ts'
import { ImportTrials } from '../import/import-trials.ts'
import type { Version } from '../import/crashing-imports.ts'
import { worthALook } from './header.ts'
import { headOf } from '../file/head.ts'
import type { ReadResult, UnreadFile } from './reader.ts'
import { Reader } from './reader.ts'
import { MODULE_BYTES, isModule } from '../file/module-file.ts'
import { importsFault } from '../import/imports-fault.ts'
import type { TaskDirectory } from './directories.ts'
import type { FoundFile } from './walk.ts'
import { unreadable } from './walk.ts'
import type { AllWalked } from './walk-all.ts'
import { walkAll } from './walk-all.ts'

const AT_ONCE = 64

/** A task file as last read. */
interface Entry extends TaskSource {
  stamp: string
  hash: string
  /** True for a fault that another file may repair: an import that is missing or throws. */
  retry: boolean
  /** When the file was first missing, monotonic ms; null while it exists. */
  goneAt: number | null
}

interface TaskFilesAsk {
  directories: readonly TaskDirectory[]
  /** Holds `imports.json`. */
  dataFolder: string
  /** How long one import may take. */
  boundMs: number
  /** Epoch ms, by the clock of the file system. */
  now: () => number
  /** Monotonic ms. */
  elapsed: () => number
  /** Called when an import ends that no scan has waited for. */
  onLate: () => void
  /** True when files that other users can change are accepted. */
  accepts: () => boolean
  /** The ids of the built-in tasks that are on. */
  builtIns: () => readonly string[]
}

interface RefreshAsk extends TrialsAsk {
  /** A file that fails and is younger may be half written; a file that is missing for less may be about to be replaced.
   *  Both are left to the next scan. */
  quietMs: number
}

const versionOf = ({ file: { real }, hash }: UnreadFile): Version => ({ file: real, hash })

/** The first folder of a path: packages are searched for below it. */
function topOf (real: string): string {
  const { root } = parse(real)
  return join(root, real.slice(root.length).split(sep)[0]!)
}

const sha = (data: string) => digest('sha256', data, 'hex')

/** The task files below some directories, and the built-in ones that are on, imported once for each version. */
export class TaskFiles {
  readonly #ask: TaskFilesAsk
  readonly #entries = new Map<string, Entry>()
  /** What is being read, until it is in force. */
  readonly #reading = new Set<string>()
  readonly #reader: Reader
  readonly #trials: ImportTrials
  #walked: AllWalked = { roots: [], files: [], faults: new Map(), outside: [] }
  /** Imported versions that no task uses any more: Node never unloads a module. */
  oldVersions = 0

  constructor (ask: TaskFilesAsk) {
    this.#ask = ask
    this.#reader = new Reader(ask.boundMs)
    this.#trials = new ImportTrials(ask)
  }

  /** The files that have definitions or faults, in the order in which they were first loaded. */
  get sources (): TaskSource[] {
    return [...this.#entries.values()].filter(({ raws, fault }) => raws.length > 0 || fault)
  }

  /** The files that no scan has waited for and that are still being imported: in the child process, or here after
   *  it. */
  get coming (): string[] {
    return [...new Set([...this.pending, ...this.#reading])]
  }

  /** The files that are still being imported in a child process. */
  get pending (): string[] {
    const paths = new Map(this.#walked.files.map(({ real, path }) => [real, path]))
    return this.#trials.pending.map(real => paths.get(real) ?? real)
  }

  /** The targets of links out of the directories, as of the last scan. */
  get outside (): readonly string[] {
    return this.#walked.outside
  }

  /** What was read is in force. */
  applied (): void {
    this.#reading.clear()
  }

  /** Scans the directories and reads files that are new, changed or failed before. Resolves to true when a file may be
   *  half written. */
  async refresh ({ quietMs, signal, waits, idleTimeoutMs }: RefreshAsk): Promise<boolean> {
    // The age of a file is that at the scan, however long imports take.
    const walkedAt = this.#ask.now()
    this.#reader.begin()
    const { directories, builtIns, accepts } = this.#ask
    const walked = await walkAll({ directories, builtIns: builtIns(), ...accepts() && { account: null } })
    this.#walked = walked
    let unsettled = this.#forget(walked, quietMs)
    for (const [path, fault] of walked.faults) this.#note(path, fault)
    const todo = await this.#todo(walked.files)
    const modules = todo.filter(({ file }) => isModule(file.path) && !isBuiltIn(file.path))
    try {
      if (await this.#read(todo, { modules, quietMs, signal, waits, idleTimeoutMs, walkedAt })) unsettled = true
    } finally {
      this.#trials.close()
    }
    if (signal.aborted) return false
    if (modules.length > 0) this.#trials.store(this.#succeeded(walked))
    return unsettled
  }

  /** Reads files while the child process imports the next ones. Resolves to true when a file may be half written. */
  async #read (
    todo: readonly UnreadFile[],
    { modules, quietMs, signal, waits, idleTimeoutMs, walkedAt }: RefreshAsk & { modules: readonly UnreadFile[],
      walkedAt: number }
  ): Promise<boolean> {
    let unsettled = false
    for (const { file } of modules) this.#reading.add(file.path)
    const trials = modules.length === 0
      ? new Map<string, Promise<Trial>>()
      : await this.#trials.start(modules.map(versionOf), { signal, waits, idleTimeoutMs })
    // While a version is suspected, no two files are imported at a time.
    if (modules.length > 0 && this.#trials.crashing.suspects) await Promise.allSettled(trials.values())
    for (const item of todo) {
      const trial = await trials.get(item.file.real)
      if (signal.aborted) return false
      if (trial === null) continue
      const age = walkedAt - item.file.mtimeMs
      const young = age >= 0 && age < quietMs
      const read = await this.#readOne(item, trial)
      if ('fault' in read && young) unsettled = true
      else this.#keep(item, read)
    }
    return unsettled
  }

  /** Reads one file. A version that has crashed offpeak too often is left out; what is being imported is recorded
   *  first, in case that it crashes the process. */
  async #readOne (item: UnreadFile, trial: Exclude<Trial, null>): Promise<ReadResult> {
    const { path } = item.file
    if (!isModule(path)) return await this.#reader.read(item, trial)
    const version = versionOf(item)
    const { crashing } = this.#trials
    const count = crashing.tooOften(version)
    if (count > 0) return { fault: crashFault(path, count), retry: false }
    crashing.set('read', version)
    const read = await this.#reader.read(item, trial)
    crashing.set('read', null)
    crashing.survived(version)
    return read
  }

  /** Forgets files that no longer exist; keeps files below a folder that cannot be read. Returns true when a missing
   *  file may come back. */
  #forget ({ files, faults }: AllWalked, quietMs: number): boolean {
    const here = new Set(files.map(({ path }) => path))
    this.#trials.retain(new Set(files.map(({ real }) => real)))
    const shut = [...faults.keys()]
    let unsettled = false
    for (const [path, entry] of this.#entries) {
      const hidden = !isBuiltIn(path) &&
        shut.some(fault => path === fault || fault === '.' || path.startsWith(`${fault}/`))
      if (here.has(path) || (hidden && (entry.raws.length > 0 || faults.has(path)))) {
        entry.goneAt = null
        continue
      }
      entry.goneAt ??= this.#ask.elapsed()
      if (this.#ask.elapsed() - entry.goneAt < quietMs && entry.raws.length > 0 && !isBuiltIn(path)) {
        unsettled = true
        continue
      }
      this.#entries.delete(path)
      this.oldVersions += entry.raws.length > 0 ? 1 : 0
    }
    return unsettled
  }

  #note (path: string, fault: OffpeakError): void {
    const entry = this.#entries.get(path)
    this.#entries.set(path, {
      path,
      raws: entry?.raws ?? [],
      hash: entry?.hash ?? '',
      stamp: '',
      fault,
      retry: true,
      goneAt: null
    })
  }

  async #todo (files: readonly FoundFile[]): Promise<UnreadFile[]> {
    const todo: (UnreadFile | null)[] = []
    // In batches, so that file handles remain for others.
    for (let at = 0; at < files.length; at += AT_ONCE) {
      todo.push(...await Promise.all(files.slice(at, at + AT_ONCE).map(file => this.#changed(file))))
    }
    return todo.filter(item => item !== null)
  }

  async #changed (file: FoundFile): Promise<UnreadFile | null> {
    const entry = this.#entries.get(file.path)
    const module = isModule(file.path)
    const known = entry?.stamp === file.stamp && !(entry.fault && entry.retry)
    // A module imports others, which other users may be able to change by now.
    if (known && (!module || isBuiltIn(file.path) || entry.raws.length === 0)) return null
    if (!module && !worthALook(file)) return null
    if (file.size > MODULE_BYTES && module) {
      this.#note(file.path, taskFileBroken({
        file: file.path,
        message: `${file.path} has ${file.size} bytes, expected at most ${MODULE_BYTES}`
      }))
      return null
    }
    const source = await (module ? readFile(file.real, 'utf8') : headOf(file.real)).catch(
      (error: NodeJS.ErrnoException) => {
        // A file that has vanished since the walk is left to the next scan.
        if (error.code !== 'ENOENT') this.#note(file.path, unreadable(file.path, error))
        return null
      }
    )
    if (source === null) return null
    const hash = sha(module ? source : `${file.stamp}\n${source}`)
    if (module && await this.#importsExposed(file, source)) return null
    if (known) return null
    if (!module || !entry || entry.hash !== hash || entry.fault) return { file, source, hash }
    entry.stamp = file.stamp
    return null
  }

  async #importsExposed ({ path, real }: FoundFile, source: string): Promise<boolean> {
    if (this.#ask.accepts() || isBuiltIn(path)) return false
    const root = this.#walked.roots.find(one => real.startsWith(one + sep)) ?? topOf(real)
    const fault = await importsFault({ path, real, source, root })
    if (fault !== null) this.#note(path, fault)
    return fault !== null
  }

  #keep ({ file: { path, stamp }, hash }: UnreadFile, read: ReadResult): void {
    const entry = this.#entries.get(path)
    if ('fault' in read) {
      this.#entries.set(path, { path, stamp, hash, raws: entry?.raws ?? [], goneAt: null, ...read })
      return
    }
    const last = entry?.raws[0]?.contentHash
    if (last !== undefined && last !== hash) this.oldVersions += 1
    // A file with its first definitions comes after those that already have some.
    if (entry?.raws.length === 0) this.#entries.delete(path)
    this.#entries.set(path, { path, stamp, hash, raws: read.raws, fault: null, retry: false, goneAt: null })
  }

  /** Resolves when the imports of the last scan are stored. */
  get stored (): Promise<void> {
    return this.#trials.stored
  }

  /** The versions whose import succeeded: file to hash. */
  #succeeded ({ files }: AllWalked): Map<string, string> {
    return new Map(files.flatMap(({ path, real }) => {
      const entry = this.#entries.get(path)
      return entry && isModule(path) && !entry.fault ? [[real, entry.hash] as const] : []
    }))
  }
}
