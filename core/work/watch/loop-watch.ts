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

/** What the watcher may do for a server whose loop is blocked: answer on its socket, and end its process. */
interface OwnProcess {
  /** The descriptor of the listening socket; -1 when it cannot be passed on. */
  fd: number
  /** SHA-256 of the token, hex. */
  digest: string
  /** True when clients on this machine need no token. */
  local: boolean
  /** The host names by which the server is reached. */
  names: readonly string[]
  version: string
  startedAt: number
  /** A file to remove when the process is ended. */
  listeningFile: string
  /** The pipe that holds signals which the loop has not read; null when it is not known. */
  pipe: SignalPipe | null
}

/** The instructions for the watcher. `isEnding`: the process was asked to end before its loop was blocked. `own`: null
 *  when offpeak is embedded in another process; blocks are then only reported. */
export interface Terms {
  graceMs: number
  limitMs: number
  isEnding: boolean
  own: OwnProcess | null
}

/** The worker data of the watcher. `where`: the key of the global symbol of the function that returns what the main
 *  thread executes. */
export interface WatcherData {
  memory: SharedArrayBuffer
  folder: string
  owner: string
  where: string
}

/** A message of the watcher: a block has ended. */
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
/** Health shows a block for this long after its end. */
const REMEMBERED = HOUR
const MOST_REMEMBERED = 20
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 }
/** The folder of offpeak's own code, which `placeIn` skips. */
const OURS = new URL('../../', import.meta.url).href

/** The first place of a stack outside offpeak's own code, as `path:line`, or null. */
export function placeIn (stack: string): string | null {
  for (const line of stack.split('\n').slice(1)) {
    const found = /[\s(]((?:file:\/\/)?\/[^()]*):(\d+):\d+\)?$/.exec(line)
    if (found === null || found[1]!.startsWith(OURS)) continue
    const [path] = found[1]!.replace(/^file:\/\//, '').split('?')
    return `${path!.replaceAll(/[^\x20-\x7e]/g, '?')}:${found[2]}`
  }
  return null
}

/** The code that the thread starts with. It uses the compile cache, so that the thread need not load the type
 *  stripper. */
function bootstrap (): string {
  const cache = getCompileCacheDir()
  const enable = cache === undefined
    ? ''
    : `require('node:module').enableCompileCache(${JSON.stringify(dirname(cache))});`
  return `${enable}import(${
    JSON.stringify(pathToFileURL(WATCHER).href)
  }).then(() => require('node:module').flushCompileCache())`
}

/** What this thread is executing. The watcher calls it through the inspector while the loop is blocked. */
function whereabouts (): { run: InlineRun | null, where: string | null } {
  const scope = runScope.getStore()
  return {
    run: scope === undefined ? null : { id: scope.id, task: scope.task },
    where: placeIn(new Error().stack ?? '')
  }
}

/** Runs a thread that detects a blocked event loop and the run that blocks it. */
export class LoopWatch implements Service {
  readonly table = new InlineTable()
  readonly #options: LoopWatchOptions
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  #worker: Worker | null = null
  /** Releases everything except the thread. */
  #end: () => void = () => undefined
  #own: OwnProcess | null = null
  #isEnding = false
  #stood: PastLoopBlock[] = []

  constructor (options: LoopWatchOptions) {
    this.#options = options
  }

  /** True while the thread runs. */
  get isWatching (): boolean {
    return this.#worker !== null
  }

  /** The blocks that ended in the last hour, oldest first. */
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

  /** Sets what the watcher may do for this process while its loop is blocked. */
  own (own: Omit<OwnProcess, 'digest'> & { token: string }): void {
    const { token, ...rest } = own
    this.#own = { ...rest, digest: createHash('sha256').update(token).digest('hex') }
    this.sendTerms()
  }

  /** Informs the watcher that the process was asked to end: its loop may still be blocked before it does. */
  ending (): void {
    this.#isEnding = true
    this.sendTerms()
  }

  /** Sends the current terms to the watcher. */
  sendTerms (): void {
    this.#worker?.postMessage({ ...this.#options.limits(), isEnding: this.#isEnding, own: this.#own } satisfies Terms,
      [])
  }

  async #start (): Promise<void> {
    const { isOn, folder, owner } = this.#options
    // The thread of a server is not ended by a stop.
    if (!isOn || this.#worker !== null) return
    await mkdir(folder(), { recursive: true, mode: 0o700 })
    this.#begin({ memory: this.table.memory, folder: folder(), owner, where: `offpeak.where.${owner}` })
    this.sendTerms()
  }

  #begin (data: WatcherData): void {
    const { notice } = this.#options
    const worker = new Worker(bootstrap(), { eval: true, workerData: data, execArgv: [], resourceLimits: HEAP })
    worker.unref()
    worker.on('message', (message: WatcherMessage) => this.#record(message.stood))
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
    // The loop of a server may be blocked even while its process exits, so the thread ends with the process.
    if (this.#own !== null || worker === null) return
    this.#end()
    await worker.terminate()
  }

  #record (stood: PastLoopBlock): void {
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
