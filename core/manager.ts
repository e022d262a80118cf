import { Lifecycle, startAll, stopAll } from './model/base/service.ts'
import { Settings } from './work/upkeep/settings.ts'
import { LOST } from './work/run/reasons.ts'
import { durabilityOf, unconfirmedIn } from './work/desk/events.ts'
import { healthOf } from './health.ts'
import { compose } from './compose/compose.ts'
import { folderOf } from './compose/folders.ts'
import { baseOf, servicesOf } from './compose/services.ts'
import { setEnabled } from './enable.ts'
import { isTakenOver } from './model/notice.ts'
import { nodeTooOld } from './model/errors/config-errors.ts'
import { failureOf } from './model/run/failure.ts'
import type { Catalog } from './work/upkeep/catalog.ts'
import type { Clock } from './model/base/clock.ts'
import type { Config } from './model/config/config.ts'
import type { Desk } from './work/desk/desk.ts'
import type { Durable } from './work/desk/events.ts'
import type { Engine } from './engine/engine.ts'
import type { ConfigWarning } from './work/upkeep/config-warnings.ts'
import type { CallFault } from './work/upkeep/engine-calls.ts'
import type { Explain } from './work/desk/explain.ts'
import type { MachineSenses, ManagerOptions } from './options.ts'
import type { ForecastItem } from './model/forecast/forecast.ts'
import type { Activity } from './work/plan/activity.ts'
import type { Forecaster } from './work/plan/forecaster.ts'
import type { Health } from './health.ts'
import type { Listener, Notice } from './model/notice.ts'
import type { ListenerTrouble } from './work/upkeep/notices.ts'
import type { ManagerFace } from './face.ts'
import type { Parts } from './compose/parts.ts'
import type { MachineDesk } from './work/desk/machine-desk.ts'
import type { Pauses } from './work/conditions/pauses.ts'
import type { Planner } from './work/plan/planner.ts'
import type { RunHistory } from './work/desk/run-history.ts'
import type { Runner } from './work/run/runner.ts'
import type { IoWatch } from './work/upkeep/io-watch.ts'
import type { Security } from './security.ts'
import type { Service, ServiceState } from './model/base/service.ts'
import type { LiveConditions } from './work/conditions/conditions.ts'
import type { TaskDefinition } from './model/task/task.ts'
import type { StandstillWatch } from './work/upkeep/standstill.ts'
import type { LoopWatch } from './work/watch/loop-watch.ts'
import type { UploadDesk } from './work/desk/upload-desk.ts'
import type { Upkeep } from './work/upkeep/maintenance.ts'

export type { MachineSenses, ManagerOptions } from './options.ts'

/** The background-task manager: finds tasks, plans, executes and stores their runs between `start` and `stop`. */
export class TaskManager implements Service, ManagerFace {
  readonly owner: string
  readonly clock: Clock
  /** @internal */
  readonly settings: Settings
  readonly catalog: Catalog
  readonly engine: Engine
  /** @internal */
  readonly senses: MachineSenses
  /** @internal */
  readonly conditions: LiveConditions
  /** @internal */
  readonly runner: Runner
  /** @internal */
  readonly planner: Planner
  readonly desk: Desk
  readonly pauses: Pauses
  readonly explain: Explain
  readonly machine: MachineDesk
  readonly history: RunHistory
  readonly uploads: UploadDesk
  /** @internal */
  readonly activity: Activity
  /** @internal */
  readonly forecaster: Forecaster
  /** @internal */
  readonly upkeep: Upkeep
  /** @internal */
  readonly security: Security
  /** @internal */
  readonly io: IoWatch
  /** @internal */
  readonly standstill: StandstillWatch
  /** @internal */
  readonly watch: LoopWatch
  /** Sends a notice to every listener. */
  readonly notice: (notice: Notice) => void
  readonly #parts: Parts
  /** True when the runner is started by `attend`. */
  readonly #isLate: boolean
  /** Started once the stored state is loaded, in this order; stopped in reverse: the timed loops renew leases while
   *  runs drain. */
  readonly #services: Service[]
  /** Started first: what loading the stored state needs. */
  readonly #base: Service[]
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  startedAt: number | null = null

  constructor (options: ManagerOptions, settings: Settings) {
    const parts = this.#parts = compose(options, settings)
    const { notices } = parts
    this.settings = settings
    this.clock = parts.clock
    this.owner = parts.owner
    this.engine = parts.engine
    this.catalog = parts.catalog
    this.senses = parts.senses
    this.conditions = parts.conditions
    this.runner = parts.runner
    this.notice = notices.send
    this.planner = parts.planner
    this.desk = parts.desk
    this.pauses = parts.pauses
    this.explain = parts.explain
    this.machine = parts.machine
    this.history = parts.history
    this.uploads = parts.uploads
    this.activity = parts.activity
    this.forecaster = parts.forecaster
    this.upkeep = parts.upkeep
    this.security = parts.security
    this.io = parts.io
    this.standstill = parts.standstill
    this.watch = parts.watch
    this.#base = baseOf(parts)
    this.#services = servicesOf(parts, options)
    this.#isLate = options.runs === 'later'
    notices.listen(notice => this.#abortLost(notice), 'owner')
    settings.notice = notices.send
    settings.changed = () => void this.#configured()
  }

  get config (): Config {
    return this.settings.config
  }

  get root (): string {
    return this.settings.root
  }

  /** The data folder. */
  get folder (): string {
    return folderOf(this.settings)
  }

  get state (): ServiceState {
    return this.#life.state
  }

  get etag (): string | null {
    return this.settings.etag
  }

  get durable (): Durable | undefined {
    return durabilityOf(this.engine)
  }

  unconfirmed (): Promise<void> | null {
    return unconfirmedIn(this.engine)
  }

  async forecast (hours: number): Promise<ForecastItem[]> {
    return (await this.forecaster.forecast(hours)).items
  }

  health (): Promise<Health> {
    return healthOf(this)
  }

  /** Listeners that have failed, for health. @internal */
  get listenerTroubles (): ListenerTrouble[] {
    return this.#parts.notices.troubles
  }

  /** Calls that the engine fails, for health. @internal */
  get callFaults (): CallFault[] {
    return this.#parts.calls.faults
  }

  /** Settings without effect, for health. @internal */
  get warnings (): ConfigWarning[] {
    return this.#parts.warnings.current
  }

  /** Calls a listener with every notice from now on; returns an unsubscribe function. A listener that throws or rejects
   *  does not affect others: it is reported under `name`, by default the name of the function, in health and in the
   *  notice `listener_failed`. */
  onNotice (listener: Listener, name?: string): () => void {
    return this.#parts.notices.listen(listener, name)
  }

  /** Calls a listener after each of the timed loops, twice a second at least; returns an unsubscribe function. */
  readonly onBeat = (listener: () => unknown, name?: string): () => void => this.#parts.ticker.onBeat(listener, name)

  /** Resolves when all parts are started. A second call returns the promise of the first; a failed start leaves nothing
   *  running. */
  start (): Promise<void> {
    return this.#life.start()
  }

  /** Resolves when all parts are stopped. During a start it waits for that, then stops. */
  stop (): Promise<void> {
    return this.#life.stop()
  }

  async #start (): Promise<void> {
    await this.security.secure()
    await startAll(this.#base)
    const recovered = await this.upkeep.recover()
    await this.planner.load()
    await Promise.all([this.pauses.load(), this.#parts.breaker.load(), this.activity.load(), this.upkeep.load()])
    this.catalog.keepsOwners = true
    await startAll(this.#services.filter(service => !this.#isLate || service !== this.runner))
    this.startedAt = this.clock.now()
    await this.security.lookSoon()
    this.#parts.warnings.begin()
    this.notice({ kind: 'started', owner: this.owner, tasks: this.catalog.tasks.size, recovered })
  }

  /** Starts to execute runs, when the options postponed that. */
  async attend (): Promise<void> {
    await this.runner.start()
  }

  async #stop (): Promise<void> {
    await stopAll([...this.#base, ...this.#services])
    this.startedAt = null
    this.notice({ kind: 'stopped' })
  }

  /** Adds a task that is defined in code; throws OFFPEAK_TASK_INVALID or OFFPEAK_TASK_DUPLICATE. */
  addTask (definition: TaskDefinition): void {
    this.registerTasks([definition])
  }

  /** Adds tasks that are defined in code: all, or none when one of them is invalid. */
  registerTasks (definitions: readonly TaskDefinition[]): void {
    this.catalog.add(definitions)
  }

  /** Removes a task that was defined in code; false when there is none. Its waiting runs are held. */
  removeTask (id: string): boolean {
    return this.catalog.remove(id)
  }

  /** Fires due schedules and sets the alarm for the next fire. Never rejects. */
  fire (): Promise<void> {
    return this.#parts.scheduling.fire()
  }

  /** Runs one timed loop now: `poll`, `flush`, `renew`, `watch`, `rescan`, `sweep`. */
  beat (name: string): Promise<void> {
    return this.#parts.ticker.beat(name)
  }

  /** Takes a reading of the machine. Runs whose gates it opens start at once. */
  look (): Promise<void> {
    return this.#parts.sampler.sample()
  }

  /** Stops claiming; running runs continue until `stop`. */
  quiesce (): void {
    this.#parts.scheduling.quiesce()
    this.runner.quiesce()
  }

  /** Aborts a run that another process has taken over, because it starts again there. */
  #abortLost (notice: Notice): void {
    if (!isTakenOver(notice)) return
    this.quiesce()
    for (const { run } of this.runner.active.all()) this.runner.abort(run.id, LOST)
  }

  /** Enables or disables a task in config.json, and records who did; throws OFFPEAK_CONFIG_CONFLICT when `ifMatch` is
   *  not the file's ETag, OFFPEAK_CONFIG_OVERRIDDEN when an overlay or a variable sets it. */
  async enable (
    id: string,
    enabled: boolean,
    { by, ifMatch }: { by: string, ifMatch?: string | undefined }
  ): Promise<string> {
    const etag = await setEnabled(this, { id, enabled, ifMatch })
    const action = enabled ? 'enable' : 'disable'
    await this.engine.record({ at: this.clock.now(), by, action, subject: id, detail: null })
    return etag
  }

  async #configured (): Promise<void> {
    this.watch.sendTerms()
    await this.catalog.reconfigure().catch(error =>
      this.notice({ kind: 'beat_failed', beat: 'reconfigure', error: failureOf(error) })
    )
    await this.#parts.scheduling.replan()
  }
}

/** Reads the configuration and builds a manager that is ready to start; throws OFFPEAK_CONFIG_INVALID. */
export async function createManager (options: ManagerOptions = {}): Promise<TaskManager> {
  // Without this check every time zone would be refused.
  if (!('Temporal' in globalThis)) throw nodeTooOld(process.version)
  return new TaskManager(options, await Settings.read(options))
}
