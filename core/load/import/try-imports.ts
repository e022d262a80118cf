import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setPriority } from 'node:os'
import { extname, join } from 'node:path'
import { compileCacheArgs } from '../file/compile-cache.ts'
import type { Thrown } from './import-fault.ts'

/** The result of importing a file in a child process. */
export type ImportResult =
  | { kind: 'good' }
  | { kind: 'thrown', thrown: Thrown }
  /** The import did not end in time. */
  | { kind: 'hung' }
  /** The import ended the child process. */
  | { kind: 'ended', code: number | null, signal: string | null }

interface TryImportsAsk {
  files: readonly string[]
  /** How long one import may take. */
  boundMs: number
  signal?: AbortSignal | undefined
  /** Called with the result of each file as soon as it is known. */
  onResult?: ((file: string, probed: ImportResult) => void) | undefined
  /** Called for a slow file: the files behind it do not wait. */
  slow?: ((file: string) => void) | undefined
}

const IMPORTER = join(import.meta.dirname, `importer${extname(import.meta.filename)}`)
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'SystemRoot', 'TEMP'] as const

const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(INHERITED.flatMap(name => process.env[name] === undefined ? [] : [[name, process.env[name]]]))

function start (): ChildProcess {
  return spawn(process.execPath, [IMPORTER, ...compileCacheArgs()], {
    env: environment(),
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc']
  })
}

/** Ends the child and everything that it has started. */
function end (child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

/** `startedInMs`: sent by a child when it is ready. */
interface Message {
  ticket: string
  thrown: Thrown | null
  startedInMs?: number
}

interface Hearing {
  ticket: string
  count: number
  boundMs: number
  onResult?: (probed: ImportResult) => void
  slow?: (at: number) => void
  /** The time after which an import is slow, ms. */
  patienceMs?: number
}

/** A slower file keeps its child process; the other files go to another one. */
const PATIENCE = 400
/** On a slow machine the patience is this many times as long as the child took to start. */
const PER_START = 4
const LONGEST_PATIENCE = 4000
/** At most this many slow files have their own child processes at once. */
const MOST_SLOW = 12
/** Child processes that share the other files once a file was slow. */
const LANES = 4
/** The niceness of a child with a slow file. */
const SLOW_NICE = 10

/** How long to wait for messages that a child sent before its end: a process that it started can keep the channel
 *  open. */
const LAST_WORDS = 200

/** Collects the answers of a child in order. They end early with the failure of the child. */
class Answers {
  readonly #child: ChildProcess
  readonly #ask: Hearing
  readonly #results: ImportResult[] = []
  readonly #over = Promise.withResolvers<ImportResult[]>()
  #bound: NodeJS.Timeout | undefined
  #patience: NodeJS.Timeout | undefined
  #count: number
  /** How long the child took to start, ms. */
  startedInMs = 0

  constructor (child: ChildProcess, ask: Hearing) {
    this.#child = child
    this.#ask = ask
    this.#count = ask.count
    child.on('message', this.#receive).on('exit', this.#ended).on('error', this.#failed)
    this.#wait()
    if (child.exitCode !== null || child.signalCode !== null) this.#ended(child.exitCode, child.signalCode)
  }

  get all (): Promise<ImportResult[]> {
    return this.#over.promise
  }

  /** The answers received so far. */
  get sofar (): readonly ImportResult[] {
    return this.#results
  }

  #end (...last: ImportResult[]): void {
    clearTimeout(this.#bound)
    clearTimeout(this.#patience)
    this.#child.off('message', this.#receive).off('exit', this.#ended).off('error', this.#failed)
    this.#over.resolve([...this.#results, ...last])
  }

  #wait (): void {
    clearTimeout(this.#bound)
    clearTimeout(this.#patience)
    const at = this.#results.length
    const { slow, patienceMs } = this.#ask
    const isSlow = () => {
      if (this.#results.length !== at) return
      // The files after it go to another child.
      this.#count = at + 1
      slow?.(at)
    }
    if (slow) this.#patience = setTimeout(() => setImmediate(isSlow), patienceMs)
    // On a busy event loop the timer may fire before an answer that has arrived in time.
    this.#bound = setTimeout(() =>
      setImmediate(() => {
        if (this.#results.length === at) this.#end({ kind: 'hung' })
      }), this.#ask.boundMs)
  }

  readonly #receive = (message: unknown): void => {
    const { ticket, thrown, startedInMs = 0 } = (message ?? {}) as Partial<Message>
    // A task file may send messages of its own.
    if (ticket !== `${this.#ask.ticket}/${this.#results.length}`) return
    const probed: ImportResult = thrown ? { kind: 'thrown', thrown } : { kind: 'good' }
    this.startedInMs = startedInMs
    this.#results.push(probed)
    this.#ask.onResult?.(probed)
    if (this.#results.length === this.#count) this.#end()
    else this.#wait()
  }

  readonly #ended = (code: number | null, signal: string | null): void => {
    const last = () => this.#end({ kind: 'ended', code, signal })
    clearTimeout(this.#bound)
    clearTimeout(this.#patience)
    if (!this.#child.connected) return last()
    this.#child.once('disconnect', last)
    this.#bound = setTimeout(last, LAST_WORDS)
  }

  readonly #failed = ({ name, message }: Error): void =>
    this.#end({ kind: 'thrown', thrown: { name, message, code: '', stack: '' } })
}

interface Child {
  child: ChildProcess
  ready: Answers
}

function open (boundMs: number): Child {
  const child = start()
  child.on('error', () => undefined)
  return { child, ready: new Answers(child, { ticket: 'ready', count: 1, boundMs: Math.max(boundMs, 10_000) }) }
}

let spare: Child | null = null

/** Starts a child for the next import in advance. Returns a function that ends the child if it was not used. */
export function prepareImporter (): () => void {
  const ahead = spare ??= open(0)
  ahead.child.unref()
  ahead.child.channel?.unref()
  return () => {
    if (spare !== ahead) return
    spare = null
    end(ahead.child)
  }
}

/** The results of the first files of a batch. `slow`: the pending result of the next one. */
interface Batch {
  found: readonly ImportResult[]
  slow?: Promise<ImportResult>
}

function calm ({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, SLOW_NICE)
  } catch {
    // It has ended.
  }
}

/** Imports the files in order until one ends the child or is slow. Returns at least the result of the first. */
async function batch (files: readonly string[], { boundMs, signal, onResult }: TryImportsAsk): Promise<Batch> {
  const { child, ready: begun } = spare ?? open(boundMs)
  spare = null
  const abort = () => end(child)
  const over = () => {
    signal?.removeEventListener('abort', abort)
    end(child)
  }
  signal?.addEventListener('abort', abort)
  const [ready] = await begun.all
  if (ready!.kind !== 'good') {
    over()
    return { found: files.map(() => ready!) }
  }
  const ticket = randomUUID()
  const { promise: isSlow, resolve: slow } = Promise.withResolvers<number>()
  let next = 0
  const patienceMs = Math.min(Math.max(PATIENCE, PER_START * begun.startedInMs), LONGEST_PATIENCE)
  const answers = new Answers(child, {
    ticket,
    count: files.length,
    boundMs,
    slow,
    patienceMs,
    onResult: probed => onResult?.(files[next++]!, probed)
  })
  child.send({ ticket, files }, () => undefined)
  const all = answers.all.finally(over)
  const late = isSlow.then((): Batch => {
    calm(child)
    return { found: [...answers.sofar], slow: all.then(found => found.at(-1)!) }
  })
  return await Promise.race([all.then((found): Batch => ({ found })), late])
}

const lanesOf = (files: readonly string[]): string[][] =>
  Array.from({ length: LANES }, (_, lane) => files.filter((__, index) => index % LANES === lane)).filter(lane =>
    lane.length > 0
  )

/** Tries to import each file in a child process, so that one that hangs, exits or aborts does no harm. A file that
 *  ends a child is tried again in a new one, in case an earlier file was the cause. A slow file keeps its child, and
 *  the others continue in another. Stops early if the signal is aborted. */
export async function tryImports (asked: TryImportsAsk): Promise<Map<string, ImportResult>> {
  const results = new Map<string, ImportResult>()
  const late = new Set<Promise<void>>()
  const settle = (file: string, probed: ImportResult) => {
    if (results.has(file)) return
    results.set(file, probed)
    asked.onResult?.(file, probed)
  }
  const wait = (file: string, coming: Promise<ImportResult>) => {
    asked.slow?.(file)
    const done = coming.then(probed => {
      settle(file, probed)
      late.delete(done)
    })
    late.add(done)
  }
  const inTurn = async (files: readonly string[], isLane: boolean): Promise<void> => {
    let rest = files
    while (rest.length > 0 && !asked.signal?.aborted) {
      const { found, slow } = await batch(rest, { ...asked, onResult: settle })
      const again = !slow && found.length > 1 && found.at(-1)!.kind === 'ended' && found[0]!.kind !== 'ended'
      const settled = again ? found.slice(0, -1) : found
      for (const [index, result] of settled.entries()) settle(rest[index]!, result)
      if (slow) wait(rest[settled.length]!, slow)
      rest = rest.slice(settled.length + (slow ? 1 : 0))
      if (slow && !isLane) {
        // Other files may be slow too: they are imported in parallel.
        await Promise.all(lanesOf(rest).map(lane => inTurn(lane, true)))
        return
      }
      if (late.size >= MOST_SLOW) await Promise.race(late)
    }
  }
  await inTurn(asked.files, false)
  await Promise.all(late)
  return results
}

/** The line of a syntax error in a JavaScript file, which the error of an import does not contain; null if it can be
 *  parsed. */
export function syntaxLine (file: string): Promise<number | null> {
  return new Promise(done => {
    execFile(process.execPath, ['--check', file], { env: environment(), timeout: 10_000 },
      (_error, _stdout, stderr) => {
        const line = /^.+:(\d+)$/m.exec(stderr)?.[1]
        done(line === undefined ? null : Number(line))
      })
  })
}
