import type { Version } from './crashing-imports.ts'
import { CrashingImports } from './crashing-imports.ts'
import { IdleTimeout } from './idle-timeout.ts'
import { readImportCache, writeImportCache } from './import-cache.ts'
import { LateResults } from './late-results.ts'
import type { ImportResult } from './try-imports.ts'
import { tryImports } from './try-imports.ts'

/** The result of an import in a child process; undefined: not tried, as it succeeded before; null: still running. */
export type Trial = ImportResult | undefined | null

interface ImportTrialsAsk {
  dataFolder: string
  /** How long one import may take. */
  boundMs: number
  /** Monotonic ms. */
  elapsed: () => number
  /** Called when an import ends that no scan has waited for. */
  onLate: () => void
}

export interface TrialsAsk {
  signal: AbortSignal
  /** True: waits for slow imports; false: a later scan picks them up, see `onLate`. */
  waits: boolean
  /** How long to wait without a result, ms, before slow imports are left to a later scan. */
  idleTimeoutMs: number
}

interface Listeners {
  onResult: (file: string, result: ImportResult) => void
  onSlow: (version: Version) => void
}

/** Imports each new version of a task file in a child process first, so that one that hangs or crashes does no harm.
 *  Versions that were imported before are remembered in `imports.json` of the data folder. */
export class ImportTrials {
  readonly #ask: ImportTrialsAsk
  readonly #late = new LateResults<ImportResult>()
  #known: ReadonlyMap<string, string> | null = null
  #crashing: CrashingImports | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor (ask: ImportTrialsAsk) {
    this.#ask = ask
  }

  /** The files that no scan has waited for and that are still being imported, absolute. */
  get pending (): string[] {
    return this.#late.coming
  }

  /** The versions that may have crashed offpeak while they were imported. */
  get crashing (): CrashingImports {
    return this.#crashing ??= new CrashingImports(this.#ask.dataFolder)
  }

  /** Resolves when the imports that succeeded are stored. */
  get stored (): Promise<void> {
    return this.#writing
  }

  /** Forgets files that no longer exist. */
  retain (files: ReadonlySet<string>): void {
    this.#late.only(files)
  }

  close (): void {
    this.#crashing?.close()
  }

  /** Stores the versions whose import succeeded: file to hash. */
  store (succeeded: ReadonlyMap<string, string>): void {
    this.#known = succeeded
    // The cache only makes the next start faster: tasks are in force before it is written.
    this.#writing = this.#writing.then(() => writeImportCache(this.#ask.dataFolder, succeeded)).catch(() => undefined)
  }

  /** Begins to import versions in child processes and returns the coming result of each file. Versions that succeeded
   *  before, or that crashed offpeak too often, have none. */
  async start (
    all: readonly Version[],
    { signal, waits, idleTimeoutMs }: TrialsAsk
  ): Promise<Map<string, Promise<Trial>>> {
    const known = this.#known ??= await readImportCache(this.#ask.dataFolder)
    const earlier = new Map(all.flatMap(({ file, hash }) => {
      const late = this.#late.take(file, hash)
      return late === undefined ? [] : [[file, Promise.resolve<Trial>(late)] as const]
    }))
    const versions = all.filter(version =>
      known.get(version.file) !== version.hash && !earlier.has(version.file) && this.crashing.tooOften(version) === 0
    )
    const coming = new Map(versions.map(({ file }) => [file, Promise.withResolvers<Trial>()]))
    const listeners = this.#listenersFor(coming, idleTimeoutMs)
    void this.#tryAll(versions, signal, waits ? { ...listeners, onSlow: () => undefined } : listeners).then(
      () => coming.forEach(({ resolve }) => resolve(undefined)),
      (error: unknown) => coming.forEach(({ reject }) => reject(error))
    )
    // The scan reports the first rejection.
    for (const { promise } of coming.values()) promise.catch(() => undefined)
    return new Map([...[...coming].map(([file, { promise }]) => [file, promise] as const), ...earlier])
  }

  #listenersFor (coming: ReadonlyMap<string, PromiseWithResolvers<Trial>>, idleTimeoutMs: number): Listeners {
    const idle = new IdleTimeout({ ms: idleTimeoutMs, elapsed: this.#ask.elapsed })
    return {
      onResult: (file, result) => {
        idle.came(file)
        if (this.#late.came(file, result)) this.#ask.onLate()
        else coming.get(file)!.resolve(result)
      },
      onSlow: ({ file, hash }) =>
        idle.wait(file, () => {
          this.#late.add(file, hash)
          coming.get(file)!.resolve(null)
        })
    }
  }

  /** Tries each version that may have crashed offpeak alone, then the others in order. The file that is being imported
   *  is the first one without a result. */
  async #tryAll (versions: readonly Version[], signal: AbortSignal, { onResult, onSlow }: Listeners): Promise<void> {
    const { boundMs } = this.#ask
    const crashing = this.crashing
    const others = versions.filter(version => !crashing.isSuspect(version))
    for (const suspect of versions.filter(version => crashing.isSuspect(version))) {
      crashing.set('probe', suspect)
      await tryImports({ files: [suspect.file], boundMs, signal, onResult })
    }
    let at = 0
    const slow = new Set<string>()
    const next = () => crashing.set('probe', others[at++] ?? null)
    next()
    await tryImports({
      files: others.map(({ file }) => file),
      boundMs,
      signal,
      onResult: (file, result) => {
        if (!slow.has(file)) next()
        onResult(file, result)
      },
      slow: file => {
        slow.add(file)
        next()
        onSlow(others.find(version => version.file === file)!)
      }
    })
  }
}
