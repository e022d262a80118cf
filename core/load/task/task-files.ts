import { hash as digest } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import type { OffpeakError } from '../../model/errors/errors.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import type { TaskSource } from './assemble.ts'
import { CrashingImports, crashFault } from '../import/crashing-imports.ts'
import type { Version } from '../import/crashing-imports.ts'
import { worthALook } from './header.ts'
import { LateResults } from '../import/late-results.ts'
import { IdleTimeout } from '../import/idle-timeout.ts'
import { headOf } from '../file/head.ts'
import { readImportCache, writeImportCache } from '../import/import-cache.ts'
import type { ImportResult } from '../import/try-imports.ts'
import { tryImports } from '../import/try-imports.ts'
import type { ReadResult, UnreadFile } from './reader.ts'
import { Reader } from './reader.ts'
import { MODULE_BYTES, isModule } from '../file/module-file.ts'
import { importsFault } from '../import/imports-fault.ts'
import type { FoundFile, Walked } from './walk.ts'
import { unreadable, walk } from './walk.ts'

const AT_ONCE = 64

/** A file below the tasks directory as it was last read. */
interface Entry extends TaskSource {
  stamp: string
  hash: string
  /** True for a fault that another file may mend: an import that is missing or throws. */
  retry: boolean
  /** When the file was first missed, by the monotonic clock; null while it is there. */
  goneAt: number | null
}

interface TaskFilesAsk {
  directory: string
  /** Where `imports.json` is kept. */
  dataFolder: string
  /** How long one import may take. */
  boundMs: number
  /** Epoch ms, as the file system counts them. */
  now: () => number
  /** Monotonic ms. */
  elapsed: () => number
  /** Called when it is known what came of a file that no look has waited for. */
  later: () => void
  /** True when files are taken that others can change. */
  accepts: () => boolean
}

interface RefreshAsk {
  /** A file that fails and is younger than this may be half written, one that is gone for less may be about to be
   *  replaced: both are left for the next look. */
  quietMs: number
  signal: AbortSignal
  /** True: a file that takes its time is waited for; else another look takes it up, see `TreeAsk.later`. */
  waits: boolean
  /** Nobody waits for a file once none has come for so long, ms. */
  patienceMs: number
}

/** What became of an import in a child; undefined: it is known to go well, null: it takes its time. */
type Tried = ImportResult | undefined | null

const versionOf = ({ file: { real }, hash }: UnreadFile): Version => ({ file: real, hash })

const sha = (data: string) => digest('sha256', data, 'hex')

/** The task files below a directory, imported once for each version. */
export class TaskFiles {
  readonly #ask: TaskFilesAsk
  readonly #entries = new Map<string, Entry>()
  readonly #reader: Reader
  #known: Map<string, string> | null = null
  readonly #late = new LateResults<ImportResult>()
  #ended: CrashingImports | null = null
  /** The tasks directory itself. */
  #root = ''
  #remembering: Promise<void> = Promise.resolve()
  /** Imported versions that no task uses any more: Node never lets go of a module. */
  oldVersions = 0

  constructor (ask: TaskFilesAsk) {
    this.#ask = ask
    this.#reader = new Reader(ask.boundMs)
  }

  /** The files that have definitions or faults, the one that was loaded first first. */
  get sources (): TaskSource[] {
    return [...this.#entries.values()].filter(({ raws, fault }) => raws.length > 0 || fault)
  }

  /** The files that no look has waited for and that are still being imported. */
  get coming (): string[] {
    return this.#late.coming.map(real => relative(this.#root, real))
  }

  /** Looks at the directory and reads what is new, changed or failed before. Resolves to true when something may be
   *  half written. */
  async refresh ({ quietMs, signal, waits, patienceMs }: RefreshAsk): Promise<boolean> {
    // What is read is no older than this: how long reading takes, and what is imported first, makes no file that was
    // young an old one.
    const walkedAt = this.#ask.now()
    this.#reader.begin()
    const walked = await walk(this.#ask.directory, this.#ask.accepts() ? { account: null } : {})
    this.#root = walked.root
    let unsettled = this.#forget(walked, quietMs)
    for (const [path, fault] of walked.faults) this.#note(path, fault)
    const todo = await this.#todo(walked.files)
    const modules = todo.filter(({ file }) => isModule(file.path))
    try {
      if (await this.#read(todo, { modules, quietMs, signal, waits, patienceMs, walkedAt })) unsettled = true
    } finally {
      this.#ended?.close()
    }
    if (signal.aborted) return false
    if (modules.length > 0) this.#remember(walked)
    return unsettled
  }

  /** Reads what has to be read, while the child is at the next one. Resolves to true when something may be half
   *  written. */
  async #read (
    todo: readonly UnreadFile[],
    { modules, quietMs, signal, waits, patienceMs, walkedAt }: RefreshAsk & { modules: readonly UnreadFile[],
      walkedAt: number }
  ): Promise<boolean> {
    let unsettled = false
    if (modules.length > 0) this.#ended ??= new CrashingImports(this.#ask.dataFolder)
    const probing = await this.#probe(modules, { signal, waits, patienceMs })
    if (this.#ended?.suspects === true) await Promise.allSettled(probing.values())
    for (const item of todo) {
      const probed = await probing.get(item.file.real)
      if (signal.aborted) return false
      if (probed === null) continue
      const age = walkedAt - item.file.mtimeMs
      const young = age >= 0 && age < quietMs
      const read = await this.#readOne(item, probed)
      if ('fault' in read && young) unsettled = true
      else this.#keep(item, read)
    }
    return unsettled
  }

  /** A version that has ended offpeak again and again is left out; what is imported is written down, in case that it is
   *  the end. */
  async #readOne (item: UnreadFile, probed: ImportResult | undefined): Promise<ReadResult> {
    const { path } = item.file
    if (!isModule(path)) return await this.#reader.read(item, probed)
    const version = versionOf(item)
    const count = this.#ended!.tooOften(version)
    if (count > 0) return { fault: crashFault(path, count), retry: false }
    this.#ended!.set('read', version)
    const read = await this.#reader.read(item, probed)
    this.#ended!.set('read', null)
    this.#ended!.survived(version)
    return read
  }

  /** What is gone from the disk goes; what cannot be looked at for a fault above it stays. Answers true when something
   *  may come back. */
  #forget ({ files, faults }: Walked, quietMs: number): boolean {
    const here = new Set(files.map(({ path }) => path))
    this.#late.only(new Set(files.map(({ real }) => real)))
    const shut = [...faults.keys()]
    let unsettled = false
    for (const [path, entry] of this.#entries) {
      const hidden = shut.some(fault => path === fault || fault === '.' || path.startsWith(`${fault}/`))
      if (here.has(path) || (hidden && (entry.raws.length > 0 || faults.has(path)))) {
        entry.goneAt = null
        continue
      }
      entry.goneAt ??= this.#ask.elapsed()
      if (this.#ask.elapsed() - entry.goneAt < quietMs && entry.raws.length > 0) {
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
    // As many at a time as leave file handles for everybody else.
    for (let at = 0; at < files.length; at += AT_ONCE) {
      todo.push(...await Promise.all(files.slice(at, at + AT_ONCE).map(file => this.#changed(file))))
    }
    return todo.filter(item => item !== null)
  }

  async #changed (file: FoundFile): Promise<UnreadFile | null> {
    const entry = this.#entries.get(file.path)
    const module = isModule(file.path)
    const known = entry?.stamp === file.stamp && !(entry.fault && entry.retry)
    // Only a module imports others, which may have come into reach of others since.
    if (known && (!module || entry.raws.length === 0)) return null
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
        // A file that vanished since the walk is the business of the next one.
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
    if (this.#ask.accepts()) return false
    const fault = await importsFault({ path, real, source, root: this.#root })
    if (fault !== null) this.#note(path, fault)
    return fault !== null
  }

  /** What comes of the import in a child, by file, none for what went well before. */
  async #probe (
    modules: readonly UnreadFile[],
    { signal, waits, patienceMs }: Pick<RefreshAsk, 'signal' | 'waits' | 'patienceMs'>
  ): Promise<Map<string, Promise<Tried>>> {
    const known = this.#known ??= await readImportCache(this.#ask.dataFolder)
    const earlier = new Map(modules.flatMap(({ file: { real }, hash }) => {
      const late = this.#late.take(real, hash)
      return late === undefined ? [] : [[real, Promise.resolve<Tried>(late)] as const]
    }))
    const versions = modules.filter(({ file, hash }) => known.get(file.real) !== hash && !earlier.has(file.real)).map(
      versionOf
    ).filter(version => this.#ended!.tooOften(version) === 0)
    const coming = new Map(versions.map(({ file }) => [file, Promise.withResolvers<Tried>()]))
    const patience = new IdleTimeout({ ms: patienceMs, elapsed: this.#ask.elapsed })
    const told = (file: string, probed: ImportResult) => {
      patience.came(file)
      if (this.#late.came(file, probed)) this.#ask.later()
      else coming.get(file)!.resolve(probed)
    }
    const slow = ({ file, hash }: Version) =>
      patience.wait(file, () => {
        this.#late.add(file, hash)
        coming.get(file)!.resolve(null)
      })
    void this.#probeAll(versions, { signal, told, slow: waits ? () => undefined : slow }).then(
      () => {
        for (const { resolve } of coming.values()) resolve(undefined)
      },
      (error: unknown) => {
        for (const { reject } of coming.values()) reject(error)
      }
    )
    for (const { promise } of coming.values()) promise.catch(() => undefined) // The first that fails is told by the look.
    return new Map([...[...coming].map(([file, { promise }]) => [file, promise] as const), ...earlier])
  }

  /** What may have ended offpeak before is tried by itself, the others in turn: the child is at the first one that it
   *  has not told of. */
  async #probeAll (
    versions: readonly Version[],
    { signal, told, slow }: { signal: AbortSignal, told: (file: string, probed: ImportResult) => void,
      slow: (version: Version) => void }
  ): Promise<void> {
    const { boundMs } = this.#ask
    const [suspects, others] = [versions.filter(one => this.#ended!.isSuspect(one)),
      versions.filter(one => !this.#ended!.isSuspect(one))]
    for (const suspect of suspects) {
      this.#ended!.set('probe', suspect)
      await tryImports({ files: [suspect.file], boundMs, signal, told })
    }
    let at = 0
    const late = new Set<string>()
    const next = () => this.#ended!.set('probe', others[at++] ?? null)
    next()
    await tryImports({
      files: others.map(({ file }) => file),
      boundMs,
      signal,
      told: (file, probed) => {
        if (!late.has(file)) next()
        told(file, probed)
      },
      slow: file => {
        late.add(file)
        next()
        slow(others.find(one => one.file === file)!)
      }
    })
  }

  #keep ({ file: { path, stamp }, hash }: UnreadFile, read: ReadResult): void {
    const entry = this.#entries.get(path)
    if ('fault' in read) {
      this.#entries.set(path, { path, stamp, hash, raws: entry?.raws ?? [], goneAt: null, ...read })
      return
    }
    const last = entry?.raws[0]?.contentHash
    if (last !== undefined && last !== hash) this.oldVersions += 1
    // A file with its first definitions takes its place behind those that have theirs.
    if (entry?.raws.length === 0) this.#entries.delete(path)
    this.#entries.set(path, { path, stamp, hash, raws: read.raws, fault: null, retry: false, goneAt: null })
  }

  /** Resolves when the last look is remembered. */
  get remembered (): Promise<void> {
    return this.#remembering
  }

  #remember ({ files }: Walked): void {
    const good = files.flatMap(({ path, real }) => {
      const entry = this.#entries.get(path)
      return entry && isModule(path) && !entry.fault ? [[real, entry.hash] as const] : []
    })
    const known = this.#known = new Map(good)
    // It only saves time at the next start. The disk has until the tasks are in force.
    this.#remembering = this.#remembering.then(() => writeImportCache(this.#ask.dataFolder, known)).catch(() =>
      undefined
    )
  }
}
