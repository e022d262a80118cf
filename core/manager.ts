import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { Alarm } from './work/plan/alarm.ts'
import { Breaker } from './work/conditions/breaker.ts'
import { Catalog } from './work/upkeep/catalog.ts'
import { MINUTE, SECOND, milliseconds } from './model/base/duration.ts'
import { Desk } from './work/desk/desk.ts'
import { LEASE, Runner } from './work/run/runner.ts'
import { LateErrors } from './work/context/uncaught.ts'
import { Pauses } from './work/conditions/pauses.ts'
import { Explain } from './work/desk/explain.ts'
import { Foresight } from './work/plan/forecaster.ts'
import { Planner } from './work/plan/planner.ts'
import { Senses } from './sense/senses.ts'
import { Settings } from './work/upkeep/settings.ts'
import { Situation } from './work/conditions/situation.ts'
import { StopReason } from './model/run/outcome.ts'
import { Ticker } from './work/upkeep/ticker.ts'
import { Upkeep } from './work/upkeep/maintenance.ts'
import { createSqliteEngine } from './engine/sqlite/keeper.ts'
import { encodeId, nextNumber } from './model/run/id.ts'
import { failureOf } from './model/run/failure.ts'
import { runLog } from './log.ts'
import { startAll, stopAll } from './model/base/service.ts'
import { systemClock } from './model/base/clock.ts'
import { watchdog } from './work/upkeep/watchdog.ts'
import type { Beat } from './work/upkeep/ticker.ts'
import type { Clock } from './model/base/clock.ts'
import type { Config } from './model/config/config.ts'
import type { Engine } from './engine/engine.ts'
import type { Eyes, ManagerOptions } from './options.ts'
import type { Listener, Notice } from './model/notice.ts'
import type { Service } from './model/base/service.ts'
import type { Services } from './model/task/context.ts'
import type { TaskDefinition } from './model/task/task.ts'

const POLL = 5 * SECOND
/** A fire becomes a run so long before its instant, ms: it is written by then. */
const LEAD = 25
const FLUSH = SECOND / 2
const RESCAN = MINUTE

export type { Eyes, ManagerOptions } from './options.ts'

/** The whole: finds tasks, plans, runs, keeps. Lives from `start` to `stop`. */
export class TaskManager implements Service {
  readonly owner = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`
  readonly clock: Clock
  readonly settings: Settings
  readonly catalog: Catalog
  readonly engine: Engine
  readonly senses: Eyes
  readonly situation: Situation
  readonly runner: Runner
  readonly planner: Planner
  readonly desk: Desk
  readonly pauses: Pauses
  readonly explain: Explain
  readonly foresight: Foresight
  readonly upkeep: Upkeep
  readonly #listeners = new Set<Listener>()
  readonly #ticker: Ticker
  readonly #breaker: Breaker
  readonly #fire: Alarm
  readonly #parts: Service[]
  #lastScheduleId = 0
  #state: 'stopped' | 'starting' | 'started' | 'stopping' = 'stopped'
  startedAt: number | null = null

  constructor (options: ManagerOptions, settings: Settings) {
    this.settings = settings
    const clock = this.clock = options.clock ?? systemClock
    const random = options.random ?? Math.random
    const notice = this.notice
    if (options.onNotice) this.#listeners.add(options.onNotice)
    const tasks = () => this.catalog.tasks
    const leadMs = clock === systemClock ? LEAD : 0
    const engine = this.engine = options.engine ?? createSqliteEngine({
      folder: this.folder, owner: this.owner, synchronous: this.config.engine.synchronous, clock: clock.now,
      onTrouble: (call, error) => notice({ kind: 'engine_failed', call, error: failureOf(error) })
    })
    this.catalog = new Catalog({ settings, notice, folder: () => this.folder, files: options.files ?? 'watch', now: clock.now, changed: () => void this.#replan() })
    this.senses = options.senses ?? new Senses({ clock, config: () => this.config, folder: this.folder })
    const situation = this.situation = new Situation({ clock, config: () => this.config })
    this.planner = new Planner({ engine, clock, random, notice, tasks, leadMs, move: (task, nominal, next) => this.foresight.move(task, nominal, next), replaced: run => this.runner.abort(run.id, new StopReason('cancelled', 'replaced by a later fire')) })
    this.runner = new Runner({
      engine, clock, random, notice, tasks, situation,
      owner: this.owner,
      slots: () => this.config.manager.scheduler_thread_pool,
      leadMs,
      stopGraceMs: () => milliseconds(this.config.manager.stop_grace),
      abortGraceMs: options.abortGraceMs ?? 5 * SECOND,
      logFor: write => runLog({ level: this.config.log.level === 'silent' ? 'info' : this.config.log.level, redact: this.config.log.redact, now: clock.now })(write),
      services: () => ({ config: this.config.services, offpeak: { sweep: () => this.upkeep.sweep(), report: () => this.desk.report() }, ...options.services } as Services),
      enqueue: async (task, ask) => (await this.desk.enqueue(task, ask, 'task')).run.id
    })
    this.desk = new Desk({ engine, clock, notice, tasks, situation, planner: this.planner, runner: this.runner, scheduleId: () => this.#scheduleId() })
    this.explain = new Explain({ engine, clock, runner: this.runner, planner: this.planner, task: id => this.desk.definition(id), placeOf: pointer => settings.placeOf(pointer) })
    this.foresight = new Foresight({ engine, clock, config: () => this.config, situation, planner: () => this.planner, tasks })
    this.pauses = new Pauses({ engine, clock, notice, situation })
    this.#breaker = new Breaker({ engine, clock, notice, tasks, situation, pauses: this.pauses })
    this.#listeners.add(this.#breaker.hear)
    this.upkeep = new Upkeep({ engine, clock, notice, config: () => this.config, folder: () => this.folder, owner: this.owner })
    this.#fire = new Alarm({ clock, ring: () => void this.fire() })
    this.#ticker = new Ticker({ beats: this.#beats(), notice })
    // The first reading counts before the first run may start.
    const firstLook: Service = { start: async () => situation.take(this.senses.latest, clock.now()), stop: async () => undefined }
    this.#parts = [engine, new LateErrors(notice), this.catalog, this.senses, firstLook, this.runner, ...options.loops === 'none' ? [] : [this.#ticker]]
  }

  get config (): Config {
    return this.settings.config
  }

  get root (): string {
    return this.settings.root
  }

  /** The data folder. */
  get folder (): string {
    return resolve(this.root, this.config.engine.folder)
  }

  get state () {
    return this.#state
  }

  /** Says something to every listener; one that throws does not keep the others from hearing it. */
  readonly notice = (notice: Notice): void => {
    for (const listener of this.#listeners) {
      try {
        listener(notice)
      } catch {
        this.#listeners.delete(listener)
      }
    }
  }

  /** Hears every notice from now on; the answer ends it. */
  onNotice (listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Calls back after each of the timed loops, twice a second at least; the answer ends it. */
  readonly onBeat = (listener: () => void): (() => void) => this.#ticker.onBeat(listener)

  async start (): Promise<void> {
    if (this.#state !== 'stopped') return
    this.#state = 'starting'
    try {
      const [engine, late, ...rest] = this.#parts
      await startAll([engine!, late!])
      const recovered = await this.upkeep.recover()
      await this.planner.load()
      await Promise.all([this.pauses.load(), this.#breaker.load(), this.foresight.load()])
      await startAll(rest)
      await this.settings.start(() => void this.#configured())
      this.#state = 'started'
      this.startedAt = this.clock.now()
      await this.planner.sync()
      await this.fire()
      await this.#greet()
      this.notice({ kind: 'started', owner: this.owner, tasks: this.catalog.tasks.size, recovered })
    } catch (error) {
      this.#state = 'started'
      await this.stop()
      throw error
    }
  }

  async stop (): Promise<void> {
    if (this.#state !== 'started') return
    this.#state = 'stopping'
    this.#fire.clear()
    await this.settings.stop()
    await this.runner.stop()
    await stopAll(this.#parts)
    this.#state = 'stopped'
    this.notice({ kind: 'stopped' })
  }

  /** Adds a task that is defined in code; throws OFFPEAK_TASK_INVALID or OFFPEAK_TASK_DUPLICATE. */
  addTask (definition: TaskDefinition): void {
    this.registerTasks([definition])
  }

  /** Adds tasks that are defined in code: all, or none when one of them is wrong. */
  registerTasks (definitions: readonly TaskDefinition[]): void {
    this.catalog.add(definitions)
  }

  /** Removes a task that was defined in code; false when there is none. Its waiting runs are kept, and held. */
  removeTask (id: string): boolean {
    return this.catalog.remove(id)
  }

  /** Fires what is due and sets the alarm for what comes next. */
  async fire (): Promise<void> {
    try {
      await this.planner.fire()
    } catch (error) {
      this.notice({ kind: 'engine_failed', call: 'plan', error: failureOf(error) })
      return
    }
    if (this.#state === 'started') this.#fire.set(this.planner.wakeAt)
    this.runner.wake()
  }

  /** Runs one timed loop now: `poll`, `flush`, `renew`, `watch`, `rescan`, `sweep`. */
  beat (name: string): Promise<void> {
    return this.#ticker.beat(name)
  }

  /** Takes one reading of the machine; what it opens starts at once. */
  async look (): Promise<void> {
    const reading = await this.senses.sample()
    this.foresight.learn(reading)
    this.situation.take(reading, this.clock.now())
    this.notice({ kind: 'sampled', reading })
    await this.foresight.saveWhenDue()
  }

  /** Claims nothing more; what is running goes on until `stop`. */
  quiesce (): void {
    this.#fire.clear()
    this.runner.quiesce()
  }

  /** Switches a task on or off in config.json, by whom; throws OFFPEAK_CONFIG_CONFLICT when `ifMatch` is not the file's ETag. */
  async enable (id: string, enabled: boolean, { by, ifMatch }: { by: string, ifMatch?: string | undefined }): Promise<string> {
    this.desk.definition(id)
    const etag = await this.settings.edit([{ path: ['tasks', id, 'enabled'], value: enabled }], ifMatch)
    const action = enabled ? 'enable' : 'disable'
    await this.engine.record({ at: this.clock.now(), by, action, subject: id, detail: null })
    this.notice({ kind: 'recorded', by, action, subject: id })
    return etag
  }

  /** Adds the runs that tasks want at every start. */
  async #greet (): Promise<void> {
    const wanted = [...this.catalog.tasks.values()].filter(task => task.enabled && task.run_on_start)
    await Promise.all(wanted.map(({ id }) => this.desk.enqueue(id, { key: `start@${this.owner}/${this.startedAt}` }, 'schedule')))
  }

  async #configured (): Promise<void> {
    await this.catalog.reconfigure()
    await this.#replan()
  }

  /** Brings schedules in line with the tasks; waiting scheduled runs of disabled tasks are cancelled, which leaves a row that says so. */
  async #replan (): Promise<void> {
    if (this.#state !== 'started') return
    try {
      await this.planner.sync()
      await this.fire()
    } catch (error) {
      this.notice({ kind: 'engine_failed', call: 'plan', error: failureOf(error) })
    }
  }

  #scheduleId (): string {
    this.#lastScheduleId = nextNumber(this.#lastScheduleId, this.clock.now())
    return `s${encodeId(this.#lastScheduleId)}`
  }

  #beats (): Beat[] {
    return [
      { name: 'sample', everyMs: Math.max(SECOND, milliseconds(this.config.sense.every)), run: () => this.look() },
      { name: 'poll', everyMs: POLL, run: () => this.#poll() },
      { name: 'flush', everyMs: FLUSH, run: () => this.runner.flush() },
      { name: 'renew', everyMs: LEASE / 3, run: () => this.runner.renew() },
      watchdog({ clock: this.clock, notice: this.notice, suspects: () => this.runner.active.suspects(), jumped: () => void this.#replan() }),
      { name: 'rescan', everyMs: RESCAN, run: async () => { await Promise.all([this.catalog.rescan(), this.settings.rescan()]) } },
      { name: 'sweep', everyMs: MINUTE, run: () => this.upkeep.sweepWhenDue() }
    ]
  }

  async #poll (): Promise<void> {
    this.runner.retrySettle()
    await this.fire()
  }
}

/** Reads the configuration and builds a manager that is ready to start; throws OFFPEAK_CONFIG_INVALID. */
export async function createManager (options: ManagerOptions = {}): Promise<TaskManager> {
  const settings = await Settings.read(options)
  const manager = new TaskManager(options, settings)
  settings.notice = manager.notice
  return manager
}
