import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { FSWatcher } from 'chokidar'
import { SECOND } from '../../model/base/duration.ts'
import { Lifecycle } from '../../model/base/service.ts'
import type { Service } from '../../model/base/service.ts'
import type { ConfigAsk, LoadedConfig } from './config.ts'
import { loadConfig, overlayFile } from './config.ts'
import { configInvalid } from '../../model/errors/config-errors.ts'

/** How long the size of a file must be stable before it counts as written. */
export const WRITTEN = { stabilityThreshold: 200, pollInterval: 50 }
const QUIET_MS = 400

/** Watching begins this long after the start, so that it does not delay it. */
export const WATCH_AFTER = SECOND

/** Resolves to true after this many ms, or to false as soon as the signal is aborted. */
export async function waited (ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0) await wait(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

interface WatchAsk extends ConfigAsk {
  /** The configuration in force at the start, which is not reported again. */
  current?: LoadedConfig | undefined
  onChange: (loaded: LoadedConfig) => void
  /** Called once for each fault; the last good configuration stays in force. */
  onError: (error: unknown) => void
  /** The watch begins this many ms after the start; default 0. */
  watchAfterMs?: number | undefined
}

export interface ConfigWatch extends Service {
  /** True between start and stop. */
  readonly isWatching: boolean
  /** Reads the files now, for file systems that report no changes. */
  rescan(): Promise<void>
}

class Watch implements ConfigWatch {
  readonly #ask: WatchAsk
  readonly #names: string[]
  #watcher: FSWatcher | null = null
  #running: AbortController | null = null
  #watching: Promise<void> = Promise.resolve()
  #digest: string | null
  /** The files of the configuration in force. */
  #files: readonly string[]
  #fault: string | null = null
  #queue: Promise<void> = Promise.resolve()
  #again: NodeJS.Timeout | undefined
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  constructor (ask: WatchAsk) {
    this.#ask = ask
    this.#digest = ask.current?.digest ?? null
    this.#files = ask.current?.files ?? []
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
    // The start does not wait for the watch: the files are read again when it begins.
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

  #enqueue (fault: 'wait' | 'report'): Promise<void> {
    // A listener that throws must not end the queue: no later change would be read.
    this.#queue = this.#queue.then(() => this.#read(fault)).catch((error: unknown) => this.#report(error))
    return this.#queue
  }

  /** A deleted config.json is a fault: without it the defaults would come into force while runs are under way. */
  async #load () {
    const loaded = await loadConfig(this.#ask)
    const file = resolve(this.#ask.file)
    if (!this.#files.includes(file) || loaded.files.includes(file)) return loaded
    throw configInvalid({
      file,
      message: `The configuration ${file} was deleted`,
      fix: 'Restore it. To use the defaults, restart offpeak without it.'
    })
  }

  async #read (onFault: 'wait' | 'report') {
    const read = await this.#load().then(loaded => ({ loaded }), (error: unknown) => ({ error }))
    clearTimeout(this.#again)
    if ('loaded' in read) return this.#accept(read.loaded)
    if (onFault === 'report' || !this.#running) return this.#refuse(read.error)
    // A file that does not parse may be half written: it is read again before it is reported.
    this.#again = setTimeout(() => {
      void this.#enqueue('report')
    }, QUIET_MS)
  }

  #accept (loaded: LoadedConfig) {
    const known = this.#digest === loaded.digest && this.#fault === null
    this.#digest = loaded.digest
    this.#files = loaded.files
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

/** Watches config.json and the file of the environment: reports a valid change with `onChange`, a faulty one with
 *  `onError`. */
export const watchConfig = (ask: WatchAsk): ConfigWatch => new Watch(ask)
