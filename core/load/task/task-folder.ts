import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../../model/config/config.ts'
import { SECOND } from '../../model/base/duration.ts'
import { Lifecycle } from '../../model/base/service.ts'
import type { Service } from '../../model/base/service.ts'
import type { Task } from '../../model/task/task.ts'
import type { BrokenFile } from './broken-file.ts'
import { brokenFile, keyOf } from './broken-file.ts'
import { assemble } from './assemble.ts'
import type { CommandsAsk } from './commands.ts'
import { commandSources } from './commands.ts'
import type { TaskDirectory } from './directories.ts'
import { builtInsOf } from './directories.ts'
import type { FolderWatch } from './folder-watch.ts'
import { watchFolders } from './folder-watch.ts'
import type { RefusedProgram } from './programs.ts'
import { refusedPrograms } from './programs.ts'
import { fileOf } from './source.ts'
import { TaskFiles } from './task-files.ts'
import { readOwners, writeOwners } from './owners.ts'
import { waited } from '../config/watch.ts'

/** What a scan or a new configuration has changed. */
export interface FolderChange {
  added: Task[]
  changed: Task[]
  removed: Task[]
  /** New faults. */
  broken: BrokenFile[]
  /** Files that are no longer broken. */
  mended: string[]
}

export interface FolderAsk extends Pick<CommandsAsk, 'placeOf' | 'root'> {
  /** The tasks directories; they need not exist yet. */
  directories: readonly TaskDirectory[]
  dataFolder: string
  config: Config
  onChange: (change: FolderChange) => void
  /** Called when the system cannot watch files; `rescan` still finds every change. */
  onError?: ((error: unknown) => void) | undefined
  /** `watch`: changes take effect by themselves; `once`: when `rescan` is called. */
  files?: 'watch' | 'once' | undefined
  /** True: the owner of each id is stored in the data folder. A command that only looks reads it, and stores
   *  nothing. */
  keepsOwners?: boolean | undefined
  /** The watch begins this many ms after the start; default 0. */
  watchAfterMs?: number | undefined
  /** How long one import may take, ms. */
  boundMs?: number | undefined
  /** Epoch ms, by the clock of the file system. */
  now?: (() => number) | undefined
  /** Monotonic ms. */
  elapsed?: (() => number) | undefined
}

/** The tasks in force and the broken files; `coming`: files that are still being imported. */
interface Current {
  tasks: ReadonlyMap<string, Task>
  broken: readonly BrokenFile[]
  coming: readonly string[]
  /** The file of each id, also of ids whose file cannot be read. */
  owners: ReadonlyMap<string, string>
  oldVersions: number
}

/** The first scan ends when no import has ended for this long: a hanging file delays no start for longer. */
const IDLE_MS = 800
const QUIET_MS = 400

/** Finds, reads and watches the files of the tasks directories. A broken file does not affect others, and its last good
 *  version stays in force. */
export class TaskFolder implements Service {
  readonly #ask: FolderAsk
  readonly #files: TaskFiles
  #config: Config
  #tasks: ReadonlyMap<string, Task> = new Map()
  #broken: readonly BrokenFile[] = []
  /** The file of each id, by id, so that a restart does not change it. */
  #owners: ReadonlyMap<string, string> = new Map()
  #stored: Promise<void> = Promise.resolve()
  #watcher: FolderWatch | null = null
  /** Programs of commands that others can change. */
  #refused: ReadonlyMap<string, RefusedProgram> = new Map()
  #reconfigured = 0
  #running: AbortController | null = null
  #queue: Promise<void> = Promise.resolve()
  #waiting: Promise<void> | null = null
  #timer: NodeJS.Timeout | undefined
  #scanned = false
  #watching: Promise<void> = Promise.resolve()
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  constructor (ask: FolderAsk) {
    const { config, boundMs = 10 * SECOND, now = Date.now, elapsed = () => performance.now() } = ask
    this.#ask = { ...ask, now }
    this.#config = config
    const accepts = () => this.#config.security.accept_loose_files !== null
    const builtIns = () => builtInsOf(this.#config)
    this.#files = new TaskFiles({ ...ask, boundMs, now, elapsed, onLate: () => this.#soon(0), accepts, builtIns })
  }

  get current (): Current {
    return {
      tasks: this.#tasks,
      broken: this.#broken,
      coming: this.#files.coming,
      owners: this.#owners,
      oldVersions: this.#files.oldVersions
    }
  }

  /** True between start and stop. */
  get isWatching (): boolean {
    return this.#running !== null
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  /** Aborts a scan that is running. */
  stop (): Promise<void> {
    this.#running?.abort()
    return this.#life.stop()
  }

  async #start (): Promise<void> {
    this.#running = new AbortController()
    this.#owners = await readOwners(this.#ask.dataFolder)
    await this.rescan()
    // The start does not wait for the watch: a scan follows when it begins.
    if (this.#ask.files !== 'once' && this.#running) {
      this.#watching = this.#watch(this.#running.signal).catch((error: unknown) => this.#ask.onError?.(error))
    }
  }

  async #stop (): Promise<void> {
    this.#running?.abort()
    this.#running = null
    clearTimeout(this.#timer)
    const watcher = this.#watcher
    this.#watcher = null
    await watcher?.close()
    await this.#watching
    await this.#queue
    await this.#stored
  }

  /** Scans the directories; resolves when its tasks are in force. Calls while a scan is queued share that scan. */
  rescan (): Promise<void> {
    if (this.#waiting) return this.#waiting
    const scan = this.#queue.then(() => {
      this.#waiting = null
      return this.#scan()
    })
    this.#waiting = scan
    this.#queue = scan.catch(() => undefined)
    return scan
  }

  /** Applies another configuration, without reading task files. Built-in tasks that it turns on are read next. */
  async reconfigure (config: Config): Promise<void> {
    const turn = ++this.#reconfigured
    const refused = await this.#programs(config)
    if (turn !== this.#reconfigured) return
    const before = builtInsOf(this.#config)
    this.#config = config
    this.#refused = refused
    if (this.#scanned) this.#apply()
    if (!isDeepStrictEqual(before, builtInsOf(config))) this.#soon(0)
  }

  #programs (config: Config): Promise<Map<string, RefusedProgram>> {
    return refusedPrograms({ config, root: this.#ask.root ?? '.', path: process.env.PATH })
  }

  async #scan (): Promise<void> {
    if (!this.#running) return
    const { signal } = this.#running
    const config = this.#config
    const refused = await this.#programs(config)
    if (config === this.#config) this.#refused = refused
    const unsettled = await this.#files.refresh({
      quietMs: this.#scanned ? QUIET_MS : 0,
      idleTimeoutMs: this.#scanned ? 0 : IDLE_MS,
      signal,
      waits: this.#ask.files === 'once'
    })
    if (signal.aborted) return await this.#files.stored
    this.#scanned = true
    this.#apply()
    this.#files.applied()
    this.#watcher?.follow(this.#files.outside)
    await this.#files.stored
    if (unsettled) this.#soon(QUIET_MS)
  }

  #soon (ms: number): void {
    clearTimeout(this.#timer)
    if (this.#running) {
      this.#timer = setTimeout(() => {
        this.rescan().catch(error => this.#ask.onError?.(error))
      }, ms)
    }
  }

  async #watch (signal: AbortSignal): Promise<void> {
    if (!await waited(this.#ask.watchAfterMs ?? 0, signal)) return
    const roots = await Promise.all(
      this.#ask.directories.map(({ path }) => realpath(path).catch(() => resolve(path)))
    )
    const watcher = await watchFolders({
      roots,
      outside: this.#files.outside,
      onChange: ms => this.#soon(ms),
      onError: error => this.#ask.onError?.(error)
    })
    if (signal.aborted) return await watcher.close()
    this.#watcher = watcher
  }

  #apply (): void {
    const before = { tasks: this.#tasks, broken: this.#broken }
    const { tasks, faults, owners } = assemble({
      sources: [...this.#files.sources,
        ...commandSources({ ...this.#ask, config: this.#config, refused: this.#refused })],
      config: this.#config,
      previous: before.tasks,
      remembered: this.#owners,
      pending: this.#files.pending
    })
    this.#keep(owners)
    const known = new Map(before.broken.map(broken => [keyOf(broken), broken]))
    const { now, placeOf } = this.#ask
    const broken = faults.map(fault => brokenFile(fault, { since: now!(), placeOf })).map(found => ({
      ...found,
      since: known.get(keyOf(found))?.since ?? found.since
    }))
    this.#tasks = tasks
    this.#broken = broken
    const faulty = new Set(broken.map(({ file }) => file))
    this.#report({
      added: [...tasks.values()].filter(({ id }) => !before.tasks.has(id)),
      changed: [...tasks.values()].filter(task => differs(before.tasks.get(task.id), task)),
      removed: [...before.tasks.values()].filter(({ id }) => !tasks.has(id)),
      broken: broken.filter(found => !known.has(keyOf(found))),
      mended: [...new Set(before.broken.map(({ file }) => file))].filter(file => !faulty.has(file))
    })
  }

  #keep (owners: ReadonlyMap<string, string>): void {
    const isKnown = isDeepStrictEqual(owners, this.#owners)
    this.#owners = owners
    if (isKnown || !this.#ask.keepsOwners) return
    this.#stored = this.#stored.then(() => writeOwners(this.#ask.dataFolder, owners))
  }

  #report (change: FolderChange): void {
    if (Object.values(change).some(list => list.length > 0)) this.#ask.onChange(change)
  }
}

/** Another line of config.json alone makes no other task. */
const differs = (before: Task | undefined, task: Task) =>
  before !== undefined &&
  !isDeepStrictEqual({ ...before, source: fileOf(before.source) }, { ...task, source: fileOf(task.source) })

/** Reads the tasks directories once, without a running manager. */
export async function loadTasks (ask: Omit<FolderAsk, 'onChange' | 'files'>): Promise<Current> {
  const folder = new TaskFolder({ ...ask, files: 'once', onChange: () => undefined })
  await folder.start()
  await folder.stop()
  return folder.current
}
