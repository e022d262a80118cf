import { isDeepStrictEqual } from 'node:util'
import { TaskFolder } from '../../load/task/task-folder.ts'
import { Lifecycle } from '../../model/base/service.ts'
import { RESPONSE_MS, responds, isWithin } from '../../load/file/responds.ts'
import { WATCH_AFTER } from '../../load/config/watch.ts'
import { builtInsOf, directoriesOf, fileOfSource } from '../../load/task/directories.ts'
import type { TaskDirectory } from '../../load/task/directories.ts'
import { isBuiltIn, isBuiltInId } from '../../model/task/built-in.ts'
import { defineTask } from '../../load/define/define.ts'
import { failureOf } from '../../model/run/failure.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { taskDuplicate, taskInvalid, taskLimit } from '../../model/errors/task-errors.ts'
import { faultOfTask, placeOfBroken } from '../../load/task/broken-file.ts'
import type { BrokenFile } from '../../load/task/broken-file.ts'
import type { FolderChange } from '../../load/task/task-folder.ts'
import type { Listener } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'
import type { Settings } from './settings.ts'
import type { Task, TaskDefinition } from '../../model/task/task.ts'

interface CatalogOptions {
  settings: Settings
  notice: Listener
  /** The data folder. */
  folder: () => string
  /** `watch`: changes are followed; `once`: files are read at the start; `none`: they are not read. */
  files: 'watch' | 'once' | 'none'
  now: () => number
  /** Called after every change of the tasks. */
  changed: () => void
}

const CODE = 'code'

/** The tasks in force: those of the tasks directories, of the configuration and those added in code, with the current
 *  configuration applied. */
export class Catalog implements Service {
  readonly #options: CatalogOptions
  readonly #definitions = new Map<string, TaskDefinition>()
  #code = new Map<string, Task>()
  #refused: BrokenFile[] = []
  /** Why the tasks directories are not read; empty when it is. */
  #unread: BrokenFile[] = []
  #folder: TaskFolder | null = null
  #watched: readonly TaskDirectory[] = []
  /** True: the owners of ids are stored in the data folder. The commands that only look leave it false. */
  keepsOwners = false
  #tasks = new Map<string, Task>()
  /** A change of the tasks directories that is under way. */
  #moving: Promise<void> = Promise.resolve()
  readonly #life = new Lifecycle({ start: () => this.#open(), stop: () => this.#stop() })

  constructor (options: CatalogOptions) {
    this.#options = options
  }

  /** Every task in force, by id. */
  get tasks (): ReadonlyMap<string, Task> {
    return this.#tasks
  }

  get broken (): readonly BrokenFile[] {
    return [...this.#unread, ...this.#folder?.current.broken ?? [], ...this.#refused]
  }

  /** The task files that are still being imported. */
  get coming (): readonly string[] {
    return this.#folder?.current.coming ?? []
  }

  /** The fault because of which no task has this id, or null. */
  faultOf (id: string): BrokenFile | null {
    return this.#folder === null ? null : faultOfTask(id, this.#folder.current)
  }

  /** The tasks directories, absolute. */
  get directories (): string[] {
    return this.#directories.map(({ path }) => path)
  }

  /** The first tasks directory, to which new files go. */
  get directory (): string {
    return this.directories[0]!
  }

  get #directories (): readonly TaskDirectory[] {
    const { settings } = this.#options
    return directoriesOf(settings.config, settings.root)
  }

  /** The file of a source, absolute. */
  fileOf (source: string): string {
    return fileOfSource(source, this.#directories)
  }

  /** True for the id of a built-in task that no other task has. */
  isBuiltIn (id: string): boolean {
    const task = this.#tasks.get(id)
    return task === undefined ? isBuiltInId(id) : isBuiltIn(task.source)
  }

  /** True while changes of the files are followed. */
  get isWatching (): boolean {
    return this.#folder?.isWatching === true
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }

  async #stop (): Promise<void> {
    await this.#moving.catch(() => undefined)
    await this.#close()
  }

  async #open (): Promise<void> {
    const { settings, files, folder, notice, now } = this.#options
    this.#unread = []
    if (!this.#isRead) return
    if (settings.exposed) return this.#distrust(settings.exposed)
    this.#watched = files === 'none' ? [] : this.#directories
    this.#folder = new TaskFolder({
      directories: this.#watched,
      dataFolder: folder(),
      config: settings.config,
      files: files === 'none' ? 'once' : files,
      keepsOwners: this.keepsOwners,
      placeOf: pointer => settings.placeOf(pointer),
      root: settings.root,
      watchAfterMs: WATCH_AFTER,
      now,
      onChange: change => this.#changed(change),
      onError: error => notice({ kind: 'beat_failed', beat: 'watch files', error: failureOf(error) })
    })
    const started = this.#folder.start()
    const answers = await Promise.all(this.#watched.map(({ path }) => responds(path)))
    const silent = this.#watched.find((_, index) => !answers[index])
    if (silent === undefined) return await started
    this.#await(started, silent.path)
  }

  /** False if the tasks are those in code only. */
  get #isRead (): boolean {
    const { files, settings: { config } } = this.#options
    return files !== 'none' || builtInsOf(config).length > 0 ||
      Object.values(config.tasks).some(({ command }) => command !== undefined)
  }

  /** Continues the start without a tasks directory, whose file system does not answer. Its tasks are added when it
   *  does. */
  #await (started: Promise<void>, directory: string): void {
    const { now, notice } = this.#options
    const message = `The tasks directory ${directory} does not answer: its tasks are not loaded yet`
    this.#unread = [{
      file: '.',
      code: 'OFFPEAK_TASK_FILE_BROKEN',
      message,
      fix: 'Check that its file system is mounted and reachable.',
      since: now()
    }]
    notice({ kind: 'file_broken', file: '.', message })
    started.then(() => {
      this.#unread = []
      notice({ kind: 'file_mended', file: '.' })
      this.#merge()
    }, error => notice({ kind: 'beat_failed', beat: 'watch files', error: failureOf(error) }))
  }

  /** A configuration file that other users can change must not decide which code is executed. */
  #distrust ({ code, message, fix }: OffpeakError): void {
    this.#unread = [{ file: '.', code, message: `No task file is loaded: ${message}`, fix, since: this.#options.now() }]
    this.#options.notice({ kind: 'file_broken', file: '.', message: this.#unread[0]!.message })
  }

  async #close (): Promise<void> {
    // A mount that does not answer may never do so.
    if (this.#folder !== null) await isWithin(RESPONSE_MS, this.#folder.stop())
    this.#folder = null
  }

  async #move (): Promise<void> {
    await this.#close()
    await this.#open()
  }

  /** Reads the tasks directories now. */
  async rescan (): Promise<void> {
    if (this.#isToOpen) await this.#follow()
    await this.#folder?.rescan()
  }

  get #isToOpen (): boolean {
    return this.#life.state === 'started' && this.#folder === null && this.#isRead && !this.#options.settings.exposed
  }

  /** Reads the configured tasks directories. One that cannot be opened is retried by the next `rescan`. */
  async #follow (): Promise<void> {
    this.#moving = this.#move()
    await this.#moving.catch((error: unknown) => {
      this.#folder = null
      throw error
    })
  }

  /** Applies the current configuration to every definition, without reading files. */
  async reconfigure (): Promise<void> {
    this.#refused = []
    for (const [id, definition] of this.#definitions) this.#redefine(id, definition)
    const { files } = this.#options
    const hasMoved = this.#folder !== null && this.#life.state === 'started' && files !== 'none' &&
      !isDeepStrictEqual(this.#watched, this.#directories)
    if (hasMoved || ((this.#unread.length > 0 || files === 'none') && this.#isToOpen)) await this.#follow()
    await this.#folder?.reconfigure(this.#options.settings.config)
    this.#merge()
  }

  /** When an override breaks a definition in code, its last good version stays in force. */
  #redefine (id: string, definition: TaskDefinition): void {
    try {
      this.#code.set(id, this.#define(definition))
    } catch (error) {
      const { message, code, fix, place, errors } = error instanceof OffpeakError
        ? error
        : taskInvalid({ file: CODE, message: failureOf(error).message })
      const fault = {
        file: CODE,
        message: `${id}: ${message}; the last good version stays in force`,
        code,
        fix,
        pointer: place.pointer,
        errors,
        since: this.#options.now()
      }
      this.#refused.push(fault)
      this.#options.notice({ kind: 'file_broken', file: CODE, message: fault.message })
    }
  }

  /** Adds definitions in code: all, or none when one is invalid. */
  add (definitions: readonly TaskDefinition[]): void {
    const tasks = definitions.map(definition => this.#define(definition))
    const { max_tasks: max } = this.#options.settings.config.manager
    if (this.#tasks.size + tasks.length > max) throw taskLimit(max)
    for (const [index, task] of tasks.entries()) {
      const first = this.#tasks.get(task.id)?.source
      if (first !== undefined) {
        for (const { id } of tasks.slice(0, index)) this.#tasks.delete(id)
        throw taskDuplicate({ id: task.id, first, second: CODE })
      }
      this.#tasks.set(task.id, task)
    }
    for (const [index, task] of tasks.entries()) {
      this.#definitions.set(task.id, definitions[index]!)
      this.#code.set(task.id, task)
      this.#options.notice({ kind: 'task_added', task: task.id, source: CODE })
    }
    this.#options.changed()
  }

  /** Removes a definition that was added in code; false when there is none. */
  remove (id: string): boolean {
    if (!this.#definitions.delete(id)) return false
    this.#code.delete(id)
    this.#options.notice({ kind: 'task_removed', task: id, source: CODE })
    this.#merge()
    return true
  }

  #define (definition: TaskDefinition): Task {
    const { config } = this.#options.settings
    const override = Object.hasOwn(config.tasks, definition.id) ? config.tasks[definition.id] : undefined
    return defineTask({ definition, pointer: '', contentHash: '', override, config, source: CODE })
  }

  #changed ({ added, changed, removed, broken, mended }: FolderChange): void {
    const { notice } = this.#options
    for (const { id, source } of added) notice({ kind: 'task_added', task: id, source })
    for (const { id, source } of changed) notice({ kind: 'task_changed', task: id, source })
    for (const { id, source } of removed) notice({ kind: 'task_removed', task: id, source })
    for (const one of broken) {
      const { file = one.file, line } = placeOfBroken(one)
      notice({ kind: 'file_broken', file, message: one.message, line })
    }
    for (const file of mended) notice({ kind: 'file_mended', file })
    this.#merge()
  }

  /** A task that is defined in code keeps its id when a file takes the same one. */
  #merge (): void {
    this.#tasks = new Map([...this.#folder?.current.tasks ?? [], ...this.#code])
    this.#options.changed()
  }
}
