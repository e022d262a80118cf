import { Worker } from 'node:worker_threads'
import { createHash } from 'node:crypto'
import { dirname, extname, join } from 'node:path'
import { getCompileCacheDir } from 'node:module'
import { mkdir } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { HOUR } from '../../model/base/duration.ts'
import { InlineTable } from './inline-table.ts'
import { Lifecycle } from '../../model/base/service.ts'
import { failureOf } from '../../model/run/failure.ts'
import { runScope } from '../context/scope.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { InlineRun, PastLoopBlock } from '../../model/view/loop-block.ts'
import type { Listener } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'
import type { SignalPipe } from './signal-pipe.ts'

/** What a server lets be done in its place while its loop stands: answer on its socket, and end its process. */
interface OwnProcess {
  /** The socket that it listens on; -1: it cannot be handed on. */
  fd: number
  /** SHA-256 of the token, hex. */
  digest: string
  /** True when readers on this machine need no token. */
  local: boolean
  /** That it is reached by, beside those of every machine. */
  names: readonly string[]
  version: string
  startedAt: number
  /** Removed with the process. */
  listeningFile: string
  /** Where signals arrive that the loop does not see; null: that is not known. */
  pipe: SignalPipe | null
}

/** What the watcher goes by. `isEnding`: the loop has seen that the process is to end. `own` null: the process is
 *  somebody else's, and nothing is done but to tell. */
export interface Terms {
  graceMs: number
  limitMs: number
  isEnding: boolean
  own: OwnProcess | null
}

/** What the watcher begins with. `where`: the symbol of the function that says where the loop stands. */
export interface WatcherData {
  memory: SharedArrayBuffer
  folder: string
  owner: string
  where: string
}

/** What the watcher says. */
export interface WatcherMessage {
  say: 'stood'
  stood: PastLoopBlock
}

interface LoopWatchOptions {
  isOn: boolean
  clock: Clock
  notice: Listener
  folder: () => string
  owner: string
  limits: () => Pick<Terms, 'graceMs' | 'limitMs'>
}

const WATCHER = join(import.meta.dirname, `watcher${extname(import.meta.filename)}`)
const BEAT_MS = 500
/** Health speaks for so long of a stand that is over. */
const REMEMBERED = HOUR
const MOST_REMEMBERED = 20
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 }
/** Of the code of offpeak: what a task has called is what has to be told. */
const OURS = new URL('../../', import.meta.url).href

/** The first place of a stack that is not offpeak's own. */
export function placeIn (stack: string): string | null {
  for (const line of stack.split('\n').slice(1)) {
    const found = /[\s(]((?:file:\/\/)?\/[^()]*):(\d+):\d+\)?$/.exec(line)
    if (found === null || found[1]!.startsWith(OURS)) continue
    const [path] = found[1]!.replace(/^file:\/\//, '').split('?')
    return `${path!.replaceAll(/[^\x20-\x7e]/g, '?')}:${found[2]}`
  }
  return null
}

/** What the thread begins with: code that was compiled before saves it the memory of what strips types. */
function bootstrap (): string {
  const cache = getCompileCacheDir()
  const enable = cache === undefined
    ? ''
    : `require('node:module').enableCompileCache(${JSON.stringify(dirname(cache))});`
  return `${enable}import(${
    JSON.stringify(pathToFileURL(WATCHER).href)
  }).then(() => require('node:module').flushCompileCache())`
}

/** Where this thread is at, asked by the watcher in the middle of whatever it executes. */
function whereabouts (): { run: InlineRun | null, where: string | null } {
  const scope = runScope.getStore()
  return {
    run: scope === undefined ? null : { id: scope.id, task: scope.task },
    where: placeIn(new Error().stack ?? '')
  }
}

/** A thread that sees the event loop stand, and says who holds it. */
export class LoopWatch implements Service {
  readonly table = new InlineTable()
  readonly #options: LoopWatchOptions
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  #worker: Worker | null = null
  /** Ends everything but the thread itself. */
  #end: () => void = () => undefined
  #own: OwnProcess | null = null
  #isEnding = false
  #stood: PastLoopBlock[] = []

  constructor (options: LoopWatchOptions) {
    this.#options = options
  }

  /** True while a thread looks. */
  get isWatching (): boolean {
    return this.#worker !== null
  }

  /** The stands of the last hour, oldest first. */
  get stood (): readonly PastLoopBlock[] {
    const since = this.#options.clock.now() - REMEMBERED
    return this.#stood.filter(({ at }) => at > since)
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }

  /** What may be done in the place of this process while its loop stands. */
  own (own: Omit<OwnProcess, 'digest'> & { token: string }): void {
    const { token, ...rest } = own
    this.#own = { ...rest, digest: createHash('sha256').update(token).digest('hex') }
    this.tell()
  }

  /** The process is to end: its loop may stand before it has. */
  ending (): void {
    this.#isEnding = true
    this.tell()
  }

  /** Tells the watcher what it goes by now. */
  tell (): void {
    this.#worker?.postMessage({ ...this.#options.limits(), isEnding: this.#isEnding, own: this.#own } satisfies Terms,
      [])
  }

  async #start (): Promise<void> {
    const { isOn, folder, owner } = this.#options
    // The thread of a server outlives a stop.
    if (!isOn || this.#worker !== null) return
    await mkdir(folder(), { recursive: true, mode: 0o700 })
    this.#begin({ memory: this.table.memory, folder: folder(), owner, where: `offpeak.where.${owner}` })
    this.tell()
  }

  #begin (data: WatcherData): void {
    const { notice } = this.#options
    const worker = new Worker(bootstrap(), { eval: true, workerData: data, execArgv: [], resourceLimits: HEAP })
    worker.unref()
    worker.on('message', (said: WatcherMessage) => this.#hear(said.stood))
    worker.on('error', error => {
      if (this.#worker === worker) this.#end()
      notice({ kind: 'beat_failed', beat: 'watch', error: failureOf(error) })
    })
    const where = Symbol.for(data.where)
    Object.defineProperty(globalThis, where, { value: whereabouts, configurable: true, enumerable: false })
    const timer = setInterval(() => this.table.beat(), BEAT_MS).unref()
    this.#worker = worker
    this.#end = () => {
      this.#worker = null
      clearInterval(timer)
      Reflect.deleteProperty(globalThis, where)
    }
  }

  async #stop (): Promise<void> {
    const worker = this.#worker
    // The loop of a server may still block at the very end of its process: the thread ends with the process.
    if (this.#own !== null || worker === null) return
    this.#end()
    await worker.terminate()
  }

  #hear (stood: PastLoopBlock): void {
    this.#stood = [...this.#stood, stood].slice(-MOST_REMEMBERED)
    const { ms, runs, exact, where } = stood
    this.#options.notice({
      kind: 'loop_blocked',
      ms: Math.round(ms),
      tasks: [...new Set(runs.map(({ task }) => task))],
      runs: runs.map(({ id }) => id),
      exact,
      where
    })
  }
}
