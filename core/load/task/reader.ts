import { pathToFileURL } from 'node:url'
import '../import/own-packages.ts'
import { fileScope } from '../file/file-scope.ts'
import { SECOND } from '../../model/base/duration.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import type { RawDefinition } from './assemble.ts'
import { importFault, thrownOf } from '../import/import-fault.ts'
import type { ImportResult } from '../import/try-imports.ts'
import { syntaxLine } from '../import/try-imports.ts'
import { isModule } from '../file/module-file.ts'
import { exportedBy, headerOf } from './definitions.ts'
import type { FoundFile } from './walk.ts'

const MOST_TRIES = 5
/** Versions whose tries are remembered: one that is tried again after that has failed already under its address. */
const MOST_FAILED = 200
/** One version of a task file that has to be read. */
export interface UnreadFile {
  file: FoundFile
  source: string
  hash: string
}

/** The definitions of one version of a task file, or why it has none; `retry`: a change of another file may repair
 *  it. */
export type ReadResult = { raws: RawDefinition[] } | { fault: OffpeakError, retry: boolean }

const hungFault = (path: string, boundMs: number) =>
  taskFileBroken({
    file: path,
    message: `${path} is not imported after ${boundMs / SECOND} s: a loop or a wait at its top level does not end`,
    fix: 'Move what it does at the top level into func.'
  })

/** Another version of a file is another module. */
const urlOf = ({ file: { real }, hash }: UnreadFile): string => `${pathToFileURL(real).href}?v=${hash.slice(0, 16)}`

/** What is spent on lines in one look, ms: the files behind them wait meanwhile. */
const BOUND = 2 * SECOND
const MOST_KNOWN = 1000

/** The lines of syntax errors. Each takes a process of its own, so that of hundreds of broken files some get theirs at
 *  a later look. */
export class SyntaxLines {
  readonly #known = new Map<string, number | null>()
  readonly #find: typeof syntaxLine
  readonly #elapsed: () => number
  #spent = 0

  constructor (
    { find = syntaxLine, elapsed = () => performance.now() }: { find?: typeof syntaxLine, elapsed?: () => number } = {}
  ) {
    this.#find = find
    this.#elapsed = elapsed
  }

  /** A look begins: there is time again. */
  begin (): void {
    this.#spent = 0
  }

  /** Null also if there is no time left to find it. */
  async of (file: string, hash: string): Promise<number | null> {
    const known = this.#known.get(hash)
    if (known !== undefined) return known
    if (this.#spent >= BOUND) return null
    const began = this.#elapsed()
    const line = await this.#find(file)
    this.#spent += this.#elapsed() - began
    this.#known.set(hash, line)
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    return line
  }
}

/** Reads versions of task files into this process. */
export class Reader {
  readonly #boundMs: number
  readonly #tried = new Map<string, number>()
  readonly #lines = new SyntaxLines()

  constructor (boundMs: number) {
    this.#boundMs = boundMs
  }

  /** Called when a look at the directory begins. */
  begin (): void {
    this.#lines.begin()
  }

  /** Never throws. `probed` is what became of the import in a child; undefined when it is known to go well. */
  async read (todo: UnreadFile, probed: ImportResult | undefined): Promise<ReadResult> {
    const { file: { path, real }, source, hash } = todo
    try {
      if (!isModule(path)) return { raws: headerOf(todo.file, { source, contentHash: hash }) }
      if (probed && probed.kind !== 'good') {
        return { fault: await this.#probeFault(todo, probed), retry: probed.kind === 'thrown' }
      }
      return {
        raws: exportedBy(await this.#import(todo), {
          path,
          contentHash: hash,
          file: { url: urlOf(todo), text: source }
        })
      }
    } catch (error) {
      if (error instanceof OffpeakError) return { fault: error, retry: false }
      const retry = (this.#tried.get(hash) ?? 0) < MOST_TRIES
      return { fault: importFault({ path, real, source, thrown: thrownOf(error) }), retry }
    }
  }

  async #import (todo: UnreadFile): Promise<Record<string, unknown>> {
    const { file: { path }, hash } = todo
    const url = urlOf(todo)
    // A failed import stays failed under its address, so that another try needs another one.
    const tries = this.#tried.get(hash) ?? 0
    this.#tried.delete(hash)
    this.#tried.set(hash, tries + 1)
    if (this.#tried.size > MOST_FAILED) this.#tried.delete(this.#tried.keys().next().value!)
    const { promise: hung, reject } = Promise.withResolvers<never>()
    const bound = setTimeout(() => reject(hungFault(path, this.#boundMs)), this.#boundMs)
    try {
      const imported = fileScope.run(path, () => import(tries === 0 ? url : `${url}&n=${tries}`))
      const module = await Promise.race([imported, hung]) as Record<string, unknown>
      this.#tried.delete(hash)
      return module
    } finally {
      clearTimeout(bound)
    }
  }

  async #probeFault (
    { file: { path, real }, source, hash }: UnreadFile,
    probed: Exclude<ImportResult, { kind: 'good' }>
  ): Promise<OffpeakError> {
    if (probed.kind === 'hung') return hungFault(path, this.#boundMs)
    if (probed.kind === 'ended') {
      const how = probed.signal === null ? `exits with code ${probed.code}` : `dies of ${probed.signal}`
      return taskFileBroken({
        file: path,
        message: `${path} ends the whole process while it is imported: it ${how}`,
        fix: 'Move what it does at the top level into func.'
      })
    }
    const fault = importFault({ path, real, source, thrown: probed.thrown })
    if (probed.thrown.name !== 'SyntaxError' || fault.place.line !== undefined) return fault
    const line = await this.#lines.of(real, hash)
    return line === null
      ? fault
      : taskFileBroken({ file: path, line, message: fault.message, ...(fault.fix && { fix: fault.fix }) })
  }
}
