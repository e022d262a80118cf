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

/** What the watcher goes by. `isEnding`: the loop knows that the process is to end. `own` null: the process is not
 *  offpeak's own, and blocks are only reported. */
export interface Terms {
  graceMs: number
  limitMs: number
  isEnding: boolean
  own: OwnProcess | null
}

/** What the watcher starts with. `where`: the symbol of the function that returns what the loop executes. */
export interface WatcherData {
  memory: SharedArrayBuffer
  folder: string
  owner: string
  where: string
}

/** A message of the watcher. */
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
/** The folder of offpeak's own code: places in it are passed over. */
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

/** The code that the thread starts with: the compile cache saves it the memory of the type stripper. */
function bootstrap (): string {
  const cache = getCompileCacheDir()
  const enable = cache === undefined
    ? ''
    : `require('node:module').enableCompileCache(${JSON.stringify(dirname(cache))});`
  return `${enable}import(${
    JSON.stringify(pathToFileURL(WATCHER).href)
  }).then(() => require('node:module').flushCompileCache())`
}

/** What this thread executes: called by the watcher while the loop is blocked. */
function whereabouts (): { run: InlineRun | null, where: string | null } {
  const scope = runScope.getStore()
  return {
    run: scope === undefined ? null : { id: scope.id, task: scope.task },
    where: placeIn(new Error().stack ?? '')
  }
}

/** A thread that sees when the event loop is blocked, and by which run. */
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

  /** True while the thread runs. */
  get isWatching (): boolean {
    return this.#worker !== null
  }

  /** The blocks of the last hour that are over, oldest first. */
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
    this.tell()
  }

  /** Tells the watcher that the process is to end: its loop may be blocked before it has. */
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
