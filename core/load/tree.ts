import { createHash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { milliseconds } from '../model/duration.ts'
import { OffpeakError, taskFileBroken } from '../model/errors.ts'
import type { Raw, Source } from './assemble.ts'
import { importFault, thrownOf } from './fault.ts'
import { worthALook } from './header.ts'
import { recall, remember } from './memory.ts'
import type { Probed } from './probe.ts'
import { probe, syntaxLine } from './probe.ts'
import { exportedBy, headerOf } from './read.ts'
import type { FoundFile, Walked } from './walk.ts'
import { walk } from './walk.ts'

const MODULE = /\.m?[jt]s$/
const SCRIPT_BYTES = 64 * 1024
const MODULE_BYTES = 5 * 1024 * 1024
const AT_ONCE = 64
const MOST_TRIES = 5

/** A file below the tasks directory as it was last read. */
interface Entry extends Source {
  stamp: string
  hash: string
  /** True for a fault that another file may mend: an import that is missing or throws. */
  retry: boolean
  /** When the file was first missed, by the monotonic clock; null while it is there. */
  goneAt: number | null
}

/** A file that has to be read again: `fresh` is new or changed, the others are tried again because they failed. */
interface Todo { file: FoundFile, source: string, hash: string }

export interface TreeAsk {
  directory: string
  /** Where `imports.json` is kept. */
  dataFolder: string
  /** How long one import may take. */
  boundMs: number
  /** Epoch ms, as the file system counts them. */
  now: () => number
  /** Monotonic ms. */
  elapsed: () => number
}

export interface RefreshAsk {
  /** A file that fails and is younger than this may be half written, one that is gone for less may be about to be replaced:
   *  both are left for the next look. */
  quietMs: number
  signal: AbortSignal
}

const sha = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')

/** The task files below a directory, imported once for each version. */
export class Tree {
  readonly #ask: TreeAsk
  readonly #entries = new Map<string, Entry>()
  readonly #tried = new Map<string, number>()
  #known: Map<string, string> | null = null
  /** Imported versions that no task uses any more: Node never lets go of a module. */
  oldVersions = 0

  constructor (ask: TreeAsk) {
    this.#ask = ask
  }

  /** The files that have definitions or faults, the one that was loaded first first. */
  get sources (): Source[] {
    return [...this.#entries.values()].filter(({ raws, fault }) => raws.length > 0 || fault)
  }

  /** Looks at the directory and reads what is new, changed or failed before. Resolves to true when something may be half written. */
  async refresh ({ quietMs, signal }: RefreshAsk): Promise<boolean> {
    const walked = await walk(this.#ask.directory)
    let unsettled = this.#forget(walked, quietMs)
    for (const [path, fault] of walked.faults) this.#note(path, fault)
    const todo = await this.#todo(walked.files)
    const modules = todo.filter(({ file }) => MODULE.test(file.path))
    const probed = await this.#probe(modules, signal)
    if (signal.aborted) return false
    for (const item of todo) {
      const age = this.#ask.now() - item.file.mtimeMs
      const young = age >= 0 && age < quietMs
      const read = await this.#read(item, probed.get(item.file.real))
      if ('fault' in read && young) unsettled = true
      else this.#keep(item, read)
    }
    if (modules.length > 0) await this.#remember(walked)
    return unsettled
  }

  /** What is gone from the disk goes; what cannot be looked at for a fault above it stays. Answers true when something may come back. */
  #forget ({ files, faults }: Walked, quietMs: number): boolean {
    const here = new Set(files.map(({ path }) => path))
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
    this.#entries.set(path, { path, raws: entry?.raws ?? [], hash: entry?.hash ?? '', stamp: '', fault, retry: true, goneAt: null })
  }

  async #todo (files: readonly FoundFile[]): Promise<Todo[]> {
    const todo: (Todo | null)[] = []
    // As many at a time as leave file handles for everybody else.
    for (let at = 0; at < files.length; at += AT_ONCE) {
      todo.push(...await Promise.all(files.slice(at, at + AT_ONCE).map(file => this.#changed(file))))
    }
    return todo.filter(item => item !== null)
  }

  async #changed (file: FoundFile): Promise<Todo | null> {
    const entry = this.#entries.get(file.path)
    if (entry?.stamp === file.stamp && !(entry.fault && entry.retry)) return null
    const isModule = MODULE.test(file.path)
    if (!isModule && !worthALook(file)) return null
    if (file.size > MODULE_BYTES && isModule) {
      this.#note(file.path, taskFileBroken({ file: file.path, message: `${file.path} has ${file.size} bytes, expected at most ${MODULE_BYTES}` }))
      return null
    }
    const source = await (isModule ? readFile(file.real, 'utf8') : head(file)).catch(() => null)
    // A file that vanished since the walk is the business of the next one.
    if (source === null) return null
    const hash = sha(isModule ? source : `${file.stamp}\n${source}`)
    if (!isModule || !entry || entry.hash !== hash || entry.fault) return { file, source, hash }
    entry.stamp = file.stamp
    return null
  }

  async #probe (modules: readonly Todo[], signal: AbortSignal): Promise<Map<string, Probed>> {
    const known = this.#known ??= await recall(this.#ask.dataFolder)
    const files = modules.filter(({ file, hash }) => known.get(file.real) !== hash).map(({ file }) => file.real)
    return await probe({ files, boundMs: this.#ask.boundMs, signal })
  }

  async #read (item: Todo, probed: Probed | undefined): Promise<{ raws: Raw[] } | { fault: OffpeakError, retry: boolean }> {
    const { file: { path }, source, hash } = item
    try {
      if (!MODULE.test(path)) return { raws: headerOf(item.file, { source, contentHash: hash }) }
      if (probed && probed.kind !== 'good') return { fault: await this.#probeFault(item, probed), retry: probed.kind === 'thrown' }
      return { raws: exportedBy(await this.#import(item), { path, contentHash: hash }) }
    } catch (error) {
      if (error instanceof OffpeakError) return { fault: error, retry: false }
      const retry = (this.#tried.get(hash) ?? 0) < MOST_TRIES
      return { fault: importFault({ path, real: item.file.real, source, thrown: thrownOf(error) }), retry }
    }
  }

  async #import ({ file: { real, path }, hash }: Todo): Promise<Record<string, unknown>> {
    const url = `${pathToFileURL(real).href}?v=${hash.slice(0, 16)}`
    // A failed import stays failed under its address, so that another try needs another one.
    const tries = this.#tried.get(hash) ?? 0
    this.#tried.set(hash, tries + 1)
    const { promise: hung, reject } = Promise.withResolvers<never>()
    const bound = setTimeout(() => reject(hungFault(path, this.#ask.boundMs)), this.#ask.boundMs)
    try {
      const module = await Promise.race([import(tries === 0 ? url : `${url}&n=${tries}`), hung]) as Record<string, unknown>
      this.#tried.delete(hash)
      return module
    } finally {
      clearTimeout(bound)
    }
  }

  async #probeFault ({ file: { path, real }, source }: Todo, probed: Exclude<Probed, { kind: 'good' }>): Promise<OffpeakError> {
    if (probed.kind === 'hung') return hungFault(path, this.#ask.boundMs)
    if (probed.kind === 'ended') {
      const how = probed.signal === null ? `exits with code ${probed.code}` : `dies of ${probed.signal}`
      return taskFileBroken({ file: path, message: `${path} ends the whole process while it is imported: it ${how}`, fix: 'Move what it does at the top level into func.' })
    }
    const fault = importFault({ path, real, source, thrown: probed.thrown })
    if (probed.thrown.name !== 'SyntaxError' || fault.place.line !== undefined) return fault
    const line = await syntaxLine(real)
    return line === null ? fault : taskFileBroken({ file: path, line, message: fault.message, ...(fault.fix && { fix: fault.fix }) })
  }

  #keep ({ file: { path, stamp }, hash }: Todo, read: { raws: Raw[] } | { fault: OffpeakError, retry: boolean }): void {
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

  async #remember ({ files }: Walked): Promise<void> {
    const good = files.flatMap(({ path, real }) => {
      const entry = this.#entries.get(path)
      return entry && MODULE.test(path) && !entry.fault ? [[real, entry.hash] as const] : []
    })
    this.#known = new Map(good)
    // It only saves time at the next start.
    await remember(this.#ask.dataFolder, this.#known).catch(() => undefined)
  }
}

const hungFault = (path: string, boundMs: number) => taskFileBroken({
  file: path,
  message: `${path} is not imported after ${milliseconds(boundMs / 1000) / 1000} s: a loop or a wait at its top level does not end`,
  fix: 'Move what it does at the top level into func.'
})

async function head ({ real }: FoundFile): Promise<string> {
  const handle = await open(real, 'r')
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(SCRIPT_BYTES) })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
