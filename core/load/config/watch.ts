import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { FSWatcher } from 'chokidar'
import { SECOND } from '../../model/base/duration.ts'
import { Lifecycle } from '../../model/base/service.ts'
import type { Service } from '../../model/base/service.ts'
import type { ConfigAsk, LoadedConfig } from './config.ts'
import { loadConfig, overlayFile } from './config.ts'

/** How long a file must have kept its size before it counts as written. */
export const WRITTEN = { stabilityThreshold: 200, pollInterval: 50 }
const QUIET_MS = 400

/** How long a start has the processor for what somebody waits for, before it begins to watch files. */
export const WATCH_AFTER = SECOND

/** Resolves after so many ms to true, or as soon as the signal is aborted to false. */
export async function waited (ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0) await wait(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

interface WatchAsk extends ConfigAsk {
  /** The configuration in force at the start: the same one is not reported again. */
  current?: LoadedConfig | undefined
  onChange: (loaded: LoadedConfig) => void
  /** Told once for each fault; the last good configuration stays in force. */
  onError: (error: unknown) => void
  /** The watch begins so many ms after the start, at once when absent. */
  watchAfterMs?: number | undefined
}

export interface ConfigWatch extends Service {
  /** Between start and stop: changes of the files are followed. */
  readonly isWatching: boolean
  /** Reads the files now, for file systems that tell of no change. */
  rescan(): Promise<void>
}

class Watch implements ConfigWatch {
  readonly #ask: WatchAsk
  readonly #names: string[]
  #watcher: FSWatcher | null = null
  #running: AbortController | null = null
  #watching: Promise<void> = Promise.resolve()
  #digest: string | null
  #fault: string | null = null
  #queue: Promise<void> = Promise.resolve()
  #again: NodeJS.Timeout | undefined
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  constructor (ask: WatchAsk) {
    this.#ask = ask
    this.#digest = ask.current?.digest ?? null
    this.#names = [ask.file, overlayFile(ask)].flatMap(file => file === null ? [] : [basename(file)])
  }

  get isWatching () {
    return this.#running !== null
  }

  start () {
    return this.#life.start()
  }

  stop () {
    return this.#life.stop()
  }

  #start () {
    this.#running = new AbortController()
    // Nobody waits for the watch: what changes before it begins is found by the look that follows its beginning.
    this.#watching = this.#watch(this.#running.signal).catch((error: unknown) => this.#report(error))
  }

  async #watch (signal: AbortSignal) {
    if (!await waited(this.#ask.watchAfterMs ?? 0, signal)) return
    const { watch } = await import('chokidar')
    if (signal.aborted) return
    const folder = dirname(resolve(this.#ask.file))
    const wanted = new Set([folder, ...this.#names.map(name => join(folder, name))])
    const watcher = watch(folder, {
      depth: 0,
      ignoreInitial: true,
      ignored: path => !wanted.has(resolve(path)),
      awaitWriteFinish: WRITTEN
    })
    this.#watcher = watcher
    watcher.on('error', error => this.#report(error))
    watcher.on('all', () => {
      void this.rescan()
    })
    watcher.on('ready', () => {
      void this.rescan()
    })
  }

  async #stop () {
    clearTimeout(this.#again)
    this.#running?.abort()
    this.#running = null
    const watcher = this.#watcher
    this.#watcher = null
    await watcher?.close()
    await this.#watching
    await this.#queue
  }

  rescan () {
    return this.#enqueue('wait')
  }

  #enqueue (fault: 'wait' | 'tell'): Promise<void> {
    // What the caller's functions throw must not end the queue: no later change would be read.
    this.#queue = this.#queue.then(() => this.#read(fault)).catch((error: unknown) => this.#report(error))
    return this.#queue
  }

  async #read (onFault: 'wait' | 'tell') {
    const read = await loadConfig(this.#ask).then(loaded => ({ loaded }), (error: unknown) => ({ error }))
    clearTimeout(this.#again)
    if ('loaded' in read) return this.#accept(read.loaded)
    if (onFault === 'tell' || !this.#running) return this.#refuse(read.error)
    // What does not parse may be half written: it counts after a while of quiet.
    this.#again = setTimeout(() => {
      void this.#enqueue('tell')
    }, QUIET_MS)
  }

  #accept (loaded: LoadedConfig) {
    const known = this.#digest === loaded.digest && this.#fault === null
    this.#digest = loaded.digest
    this.#fault = null
    if (!known) this.#ask.onChange(loaded)
  }

  #refuse (error: unknown) {
    const words = String(error)
    if (words === this.#fault) return
    this.#fault = words
    this.#ask.onError(error)
  }

  #report (error: unknown) {
    try {
      this.#ask.onError(error)
    } catch {}
  }
}

/** Watches config.json and the file of the environment; a change that is read and checked is told, a faulty one is told
 *  as an error. */
export const watchConfig = (ask: WatchAsk): ConfigWatch => new Watch(ask)
