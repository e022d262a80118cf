import { Lifecycle, shared, startAll, stopAll } from './model/base/service.ts'
import { OutputCapture } from './work/context/output-capture.ts'
import { ProcessGuard } from './work/context/process-guard.ts'
import { Settings } from './work/upkeep/settings.ts'
import { LOST } from './work/run/reasons.ts'
import { durabilityOf, unconfirmedIn } from './work/desk/events.ts'
import { healthOf } from './health.ts'
import { compose, folderOf } from './compose/compose.ts'
import { isTakenOver } from './model/notice.ts'
import { fileCalls } from './work/context/file-calls.ts'
import { failureOf } from './model/run/failure.ts'
import type { Alarm } from './work/plan/alarm.ts'
import type { Breaker } from './work/conditions/breaker.ts'
import type { Catalog } from './work/upkeep/catalog.ts'
import type { Clock } from './model/base/clock.ts'
import type { Config } from './model/config/config.ts'
import type { Desk } from './work/desk/desk.ts'
import type { Durable } from './work/desk/events.ts'
import type { Engine } from './engine/engine.ts'
import type { CallFault, EngineCalls } from './work/upkeep/engine-calls.ts'
import type { Explain } from './work/desk/explain.ts'
import type { MachineSenses, ManagerOptions } from './options.ts'
import type { ForecastItem } from './model/forecast/forecast.ts'
import type { Foresight } from './work/plan/forecaster.ts'
import type { Health } from './health.ts'
import type { Listener, Notice } from './model/notice.ts'
import type { ListenerTrouble, Notices } from './work/upkeep/notices.ts'
import type { ManagerFace } from './face.ts'
import type { Parts } from './compose/compose.ts'
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
import type { Ticker } from './work/upkeep/ticker.ts'
import type { LoopWatch } from './work/watch/loop-watch.ts'
import type { UploadDesk } from './work/desk/upload-desk.ts'
import type { Upkeep } from './work/upkeep/maintenance.ts'

export type { MachineSenses, ManagerOptions } from './options.ts'

/** The whole: finds tasks, plans, runs, keeps. Lives from `start` to `stop`. */
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
  readonly foresight: Foresight
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
  /** Says something to every listener. */
  readonly notice: (notice: Notice) => void
  readonly #notices: Notices
  readonly #calls: EngineCalls
  readonly #ticker: Ticker
  readonly #breaker: Breaker
  readonly #alarm: Alarm
  /** True when the runner is started by `attend`. */
  readonly #isLate: boolean
  /** What works: started once it is known what was kept. It stops from the last to the first: the timed loops renew
   *  leases while runs drain. */
  readonly #services: Service[]
  /** What answers what was kept. */
  readonly #base: Service[]
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  startedAt: number | null = null

  constructor (options: ManagerOptions, settings: Settings) {
    const parts = compose(options, settings, {
      fire: () => this.fire(),
      replan: () => this.#replan(),
      look: () => this.look(),
      poll: () => this.#poll()
    })
    const { engine, uncaught, catalog, senses, conditions, runner, ticker, notices, clock } = parts
    this.settings = settings
    this.clock = clock
    this.owner = parts.owner
    this.engine = engine
    this.catalog = catalog
    this.senses = senses
    this.conditions = conditions
    this.runner = runner
    this.notice = notices.say
    this.planner = parts.planner
    this.desk = parts.desk
    this.pauses = parts.pauses
    this.explain = parts.explain
    this.machine = parts.machine
    this.history = parts.history
    this.uploads = parts.uploads
    this.foresight = parts.foresight
    this.upkeep = parts.upkeep
    this.security = parts.security
    this.io = parts.io
    this.standstill = parts.standstill
    this.watch = parts.watch
    this.#notices = notices
    this.#calls = parts.calls
    this.#ticker = ticker
    this.#breaker = parts.breaker
    this.#alarm = parts.alarm
    this.#base = [shared(fileCalls), parts.watch, shared(engine), parts.feed, uncaught, new OutputCapture(),
      new ProcessGuard()]
    this.#services = [catalog, senses, firstLook(parts), ...options.loops === 'none' ? [] : [ticker], runner, settings]
    this.#isLate = options.runs === 'later'
    notices.listen(notice => this.#heard(notice), 'owner')
    settings.notice = notices.say
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

  forecast (hours: number): Promise<ForecastItem[]> {
    return this.foresight.forecast(hours)
  }

  health (): Promise<Health> {
    return healthOf(this)
  }

  /** Listeners that have failed, for health. @internal */
  get listenerTroubles (): ListenerTrouble[] {
    return this.#notices.troubles
  }

  /** Calls that the engine fails, for health. @internal */
  get callFaults (): CallFault[] {
    return this.#calls.faults
  }

  /** Calls a listener with every notice from now on; returns an unsubscribe function. One that throws or rejects keeps
   *  no other from being called: `name`, or else that of the function, stands in health and in the notice
   *  `listener_failed`. */
  onNotice (listener: Listener, name?: string): () => void {
    return this.#notices.listen(listener, name)
  }

  /** Calls a listener after each of the timed loops, twice a second at least; returns an unsubscribe function. */
  readonly onBeat = (listener: () => unknown, name?: string): () => void => this.#ticker.onBeat(listener, name)

  /** Resolves when everything runs. A second call returns the first's promise; a start that fails leaves nothing
   *  running. */
  start (): Promise<void> {
    return this.#life.start()
  }

  /** Resolves when nothing runs any more; during a start it waits for that, and then stops. */
  stop (): Promise<void> {
    return this.#life.stop()
  }

  async #start (): Promise<void> {
    await this.security.secure()
    await startAll(this.#base)
    const recovered = await this.upkeep.recover()
    await this.planner.load()
    await Promise.all([this.pauses.load(), this.#breaker.load(), this.foresight.load(), this.upkeep.load()])
    await startAll(this.#services.filter(service => !this.#isLate || service !== this.runner))
    this.startedAt = this.clock.now()
    await this.planner.sync()
    await this.#fire()
    await this.#greet()
    await this.security.lookSoon()
    this.notice({ kind: 'started', owner: this.owner, tasks: this.catalog.tasks.size, recovered })
  }

  /** Executes runs from now on, where that was left for later. */
  async attend (): Promise<void> {
    await this.runner.start()
  }

  async #stop (): Promise<void> {
    this.#alarm.clear()
    await stopAll([...this.#base, ...this.#services])
    this.startedAt = null
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

  /** Fires what is due and sets the alarm for what comes next. Never rejects. */
  async fire (): Promise<void> {
    await this.#fire()
  }

  /** Runs one timed loop now: `poll`, `flush`, `renew`, `watch`, `rescan`, `sweep`. */
  beat (name: string): Promise<void> {
    return this.#ticker.beat(name)
  }

  /** Takes one reading of the machine; what it opens starts at once. */
  async look (): Promise<void> {
    const reading = await this.senses.sample()
    this.conditions.take(reading, this.clock.now())
    this.notice({ kind: 'sampled', reading })
    try {
      this.foresight.learn(reading)
      await this.foresight.saveWhenDue()
    } catch (error) {
      this.notice({ kind: 'beat_failed', beat: 'learn', error: failureOf(error) })
    }
  }

  /** Claims nothing more; what is running goes on until `stop`. */
  quiesce (): void {
    this.#alarm.clear()
    this.runner.quiesce()
  }

  /** What another process has taken over must not go on here: it begins there again. */
  #heard (notice: Notice): void {
    if (!isTakenOver(notice)) return
    this.quiesce()
    for (const { run } of this.runner.active.all()) this.runner.abort(run.id, LOST)
  }

  /** Switches a task on or off in config.json, by whom; throws OFFPEAK_CONFIG_CONFLICT when `ifMatch` is not the file's
   *  ETag. */
  async enable (
    id: string,
    enabled: boolean,
    { by, ifMatch }: { by: string, ifMatch?: string | undefined }
  ): Promise<string> {
    this.desk.definition(id)
    const etag = await this.settings.edit([{ path: ['tasks', id, 'enabled'], value: enabled }], ifMatch)
    const action = enabled ? 'enable' : 'disable'
    await this.engine.record({ at: this.clock.now(), by, action, subject: id, detail: null })
    return etag
  }

  /** Adds the runs that tasks want at every start. */
  async #greet (): Promise<void> {
    const wanted = [...this.catalog.tasks.values()].filter(task => task.enabled && task.run_on_start)
    await Promise.all(
      wanted.map(({ id }) =>
        this.desk.enqueue(id, { key: `start@${this.owner}/${this.startedAt}` }, 'schedule')
          .catch(error => this.#failed('add', error))
      )
    )
  }

  async #configured (): Promise<void> {
    this.watch.tell()
    await this.catalog.reconfigure().catch(error =>
      this.notice({ kind: 'beat_failed', beat: 'reconfigure', error: failureOf(error) })
    )
    await this.#replan()
  }

  /** Brings schedules in line with the tasks; waiting scheduled runs of disabled tasks are cancelled, which leaves a
   *  row that says so. */
  async #replan (): Promise<void> {
    if (!this.#isUp) return
    await this.planner.sync().catch(error => this.#failed('plan', error))
    await this.#fire()
  }

  async #fire (): Promise<void> {
    await this.planner.fire().catch(error => this.#failed('plan', error))
    // Whatever came of it, what comes next needs its alarm.
    if (this.#isUp) this.#alarm.set(this.planner.wakeAt)
    this.runner.wake()
  }

  async #poll (): Promise<void> {
    this.runner.retrySettle()
    await this.#fire()
  }

  /** Schedules are known and fire. */
  get #isUp (): boolean {
    return this.startedAt !== null && this.state !== 'stopping'
  }

  #failed (call: string, error: unknown): void {
    this.notice({ kind: 'engine_failed', call, error: failureOf(error) })
  }
}

/** The first reading counts before the first run may start. */
const firstLook = ({ conditions, senses, clock }: Parts): Service => ({
  start: async () => conditions.take(senses.latest, clock.now()),
  stop: async () => undefined
})

/** Reads the configuration and builds a manager that is ready to start; throws OFFPEAK_CONFIG_INVALID. */
export async function createManager (options: ManagerOptions = {}): Promise<TaskManager> {
  return new TaskManager(options, await Settings.read(options))
}
