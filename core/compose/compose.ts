import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Alarm } from '../work/plan/alarm.ts'
import { Breaker } from '../work/conditions/breaker.ts'
import { ClockSteps } from '../work/conditions/clock-steps.ts'
import { Catalog } from '../work/upkeep/catalog.ts'
import { Desk } from '../work/desk/desk.ts'
import { EngineCalls } from '../work/upkeep/engine-calls.ts'
import { Explain } from '../work/desk/explain.ts'
import { forecastThread } from '../simulate/forecast-thread.ts'
import { Forecaster } from '../work/plan/forecast.ts'
import { Foresight } from '../work/plan/forecaster.ts'
import { IoWatch } from '../work/upkeep/io-watch.ts'
import { UncaughtErrors } from '../work/context/uncaught.ts'
import { MINUTE, SECOND, milliseconds } from '../model/base/duration.ts'
import { LoopWatch } from '../work/watch/loop-watch.ts'
import { BLOCKED_MS } from '../model/view/loop-block.ts'
import { LEASE } from '../work/run/lease.ts'
import { RunHistory } from '../work/desk/run-history.ts'
import { Runner } from '../work/run/runner.ts'
import { Notices } from '../work/upkeep/notices.ts'
import { MachineDesk } from '../work/desk/machine-desk.ts'
import { Pauses } from '../work/conditions/pauses.ts'
import { Planner } from '../work/plan/planner.ts'
import { Security } from '../security.ts'
import { Senses } from '../sense/senses.ts'
import { LiveConditions } from '../work/conditions/conditions.ts'
import { StandstillWatch } from '../work/upkeep/standstill.ts'
import { StopReason } from '../model/run/outcome.ts'
import { StoreFeed } from '../work/upkeep/store-feed.ts'
import { Ticker } from '../work/upkeep/ticker.ts'
import { UploadDesk } from '../work/desk/upload-desk.ts'
import { uploadsIn } from '../work/desk/uploads.ts'
import { Upkeep } from '../work/upkeep/maintenance.ts'
import { createSqliteEngine } from '../engine/sqlite/keeper.ts'
import { encodeId, nextNumber } from '../model/run/id.ts'
import { fileCalls } from '../work/context/file-calls.ts'
import { failureOf } from '../model/run/failure.ts'
import { runLog } from '../log.ts'
import { systemClock } from '../model/base/clock.ts'
import { watchdog } from '../work/upkeep/watchdog.ts'
import type { Beat } from '../work/upkeep/ticker.ts'
import type { Clock } from '../model/base/clock.ts'
import type { Config } from '../model/config/config.ts'
import type { Engine } from '../engine/engine.ts'
import type { MachineSenses, ManagerOptions } from '../options.ts'
import type { Service } from '../model/base/service.ts'
import type { Services } from '../model/task/context.ts'
import type { Settings } from '../work/upkeep/settings.ts'
import type { Task } from '../model/task/task.ts'

const POLL = 5 * SECOND
/** A fire becomes a run so long before its instant, ms: it is written by then. */
const LEAD = 25
const FLUSH = SECOND / 2
const RESCAN = MINUTE

/** What the parts ask of the manager. None of these rejects. */
export interface Hooks {
  fire: () => Promise<void>
  /** Brings schedules in line with the tasks. */
  replan: () => Promise<void>
  look: () => Promise<void>
  poll: () => Promise<void>
}

/** Everything that a manager is made of, wired together and not started. */
export interface Parts {
  owner: string
  clock: Clock
  notices: Notices
  settings: Settings
  catalog: Catalog
  engine: Engine
  calls: EngineCalls
  senses: MachineSenses
  conditions: LiveConditions
  runner: Runner
  planner: Planner
  desk: Desk
  pauses: Pauses
  explain: Explain
  machine: MachineDesk
  history: RunHistory
  uploads: UploadDesk
  foresight: Foresight
  upkeep: Upkeep
  security: Security
  io: IoWatch
  standstill: StandstillWatch
  watch: LoopWatch
  breaker: Breaker
  steps: ClockSteps
  ticker: Ticker
  alarm: Alarm
  uncaught: Service
  feed: StoreFeed
}

/** What every part is wired with. Parts that are made later are looked up when they are called. */
interface Wiring {
  parts: Parts
  options: ManagerOptions
  hooks: Hooks
  config: () => Config
  folder: () => string
  tasks: () => ReadonlyMap<string, Task>
  random: () => number
  leadMs: number
}

/** The folders that make offpeak what it is, which its own tasks do not write in. */
export function ownFolders (
  settings: Pick<Settings, 'root' | 'config'>
): { code: string[], config: string, data: string } {
  const { root, config } = settings
  const program = ['..', '../../plugins', '../../bin', '../../node_modules', '../../backgroundtask'].map(folder =>
    join(import.meta.dirname, folder)
  )
  return {
    code: [resolve(root, config.manager.tasks_directory), join(root, 'node_modules'), ...program],
    config: root,
    data: folderOf(settings)
  }
}

/** The data folder. */
export const folderOf = ({ root, config }: Pick<Settings, 'root' | 'config'>): string =>
  resolve(root, config.engine.folder)

const ownerName = () => `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`

function ownEngine ({ parts: { clock, notices, owner }, config, folder }: Wiring): Engine {
  return createSqliteEngine({
    folder: folder(),
    owner,
    synchronous: config().engine.synchronous,
    clock: clock.now,
    onError: (call, error) => notices.say({ kind: 'engine_failed', call, error: failureOf(error) })
  })
}

function plannerFor ({ parts, random, tasks, leadMs }: Wiring): Planner {
  const { engine, clock, notices } = parts
  return new Planner({
    engine,
    clock,
    random,
    tasks,
    leadMs,
    notice: notices.say,
    move: (task, nominal, next) => parts.foresight.move(task, nominal, next),
    replaced: run => parts.runner.abort(run.id, new StopReason('cancelled', 'replaced by a later fire'))
  })
}

function runnerFor ({ parts, options, config, folder, random, tasks, leadMs }: Wiring): Runner {
  const { engine, clock, conditions, owner, notices, settings, watch } = parts
  const { log } = config()
  return new Runner({
    engine,
    clock,
    random,
    tasks,
    conditions,
    owner,
    leadMs,
    uploads: () => uploadsIn(folder()),
    notice: notices.say,
    inline: watch.table,
    slots: () => config().manager.scheduler_thread_pool,
    stopGraceMs: () => milliseconds(config().manager.stop_grace),
    abortGraceMs: options.abortGraceMs ?? 5 * SECOND,
    logFor: write =>
      runLog({ level: log.level === 'silent' ? 'info' : log.level, redact: log.redact, now: clock.now })(write),
    services: () => ({
      config: config().services,
      offpeak: {
        sweep: () => parts.upkeep.sweep(),
        report: () => parts.desk.report(),
        folders: () => ownFolders(settings)
      },
      ...options.services
    } as Services),
    enqueue: async (task, ask) => (await parts.desk.enqueue(task, ask, 'task')).run.id,
    ended: (run, outcome) => parts.breaker.ended(run, outcome)
  })
}

/** Facts were kept: a pause that another manager has made holds here, and what it has counted is known here. */
function followFacts ({ pauses, breaker }: Pick<Parts, 'pauses' | 'breaker'>): void {
  void pauses.load().catch(() => undefined)
  breaker.refresh()
}

function beatsFor ({ parts, hooks, config }: Wiring): Beat[] {
  const { clock, notices, runner, catalog, settings, upkeep, standstill, security, watch } = parts
  const jumped = (ms: number) => {
    parts.pauses.refresh()
    if (ms < 0) {
      void upkeep.bringBack().catch(error =>
        notices.say({ kind: 'beat_failed', beat: 'watch', error: failureOf(error) })
      )
    }
    void hooks.replan()
  }
  return [
    { name: 'sample', everyMs: Math.max(SECOND, milliseconds(config().sense.every)), run: hooks.look },
    { name: 'poll', everyMs: POLL, run: hooks.poll },
    { name: 'flush', everyMs: FLUSH, run: () => runner.flush() },
    { name: 'renew', everyMs: LEASE / 3, run: () => parts.upkeep.beat(() => runner.renew()) },
    watchdog({
      clock,
      notice: notices.say,
      jumped,
      suspects: () => runner.active.suspects(),
      otherwiseTold: () => watch.isWatching ? BLOCKED_MS : Infinity
    }),
    { name: 'files', everyMs: 2 * SECOND, run: () => parts.io.look() },
    {
      name: 'rescan',
      everyMs: RESCAN,
      run: async () => {
        await Promise.all([catalog.rescan(), settings.rescan(), security.look()])
      }
    },
    {
      name: 'sweep',
      everyMs: MINUTE,
      run: async () => {
        await Promise.all([upkeep.sweepWhenDue(), parts.pauses.forget(upkeep.sureBy()), standstill.look()])
      }
    }
  ]
}

/** The ids of schedules that are made at run time. */
function scheduleIds (clock: Clock): () => string {
  let last = 0
  return () => {
    last = nextNumber(last, clock.now())
    return `s${encodeId(last)}`
  }
}

/** What looks at the machine and at the files. */
function composeInputs (wiring: Wiring): void {
  const { parts, options, hooks, config, folder } = wiring
  const { clock, settings, notices, owner } = parts
  parts.calls = new EngineCalls({ engine: options.engine ?? ownEngine(wiring), now: clock.now })
  parts.engine = parts.calls.engine
  parts.uncaught = new UncaughtErrors(notices.say)
  parts.watch = new LoopWatch({
    isOn: options.watch === 'thread',
    clock,
    notice: notices.say,
    folder,
    owner,
    limits: () => ({
      graceMs: milliseconds(config().manager.stop_grace),
      limitMs: milliseconds(config().manager.loop_limit)
    })
  })
  parts.catalog = new Catalog({
    settings,
    notice: notices.say,
    folder,
    files: options.files ?? 'watch',
    now: clock.now,
    changed: () => void hooks.replan()
  })
  parts.io = new IoWatch({ calls: fileCalls, notice: notices.say })
  parts.security = new Security({
    settings,
    folder,
    directory: () => parts.catalog.directory,
    tasks: () => parts.catalog.tasks,
    notice: notices.say,
    env: options.env ?? process.env,
    // Without files of its own it answers for none.
    ...options.engine && { account: null }
  })
  parts.senses = options.senses ?? new Senses({ clock, config, folder: folder() })
  parts.conditions = new LiveConditions({ clock, config, failed: notices.report })
}

/** What plans, runs, keeps and answers. */
function composeWork (wiring: Wiring): void {
  const { parts, hooks, config, folder, tasks } = wiring
  const { engine, clock, notices, conditions, settings, owner } = parts
  const notice = notices.say
  parts.steps = new ClockSteps(clock)
  parts.planner = plannerFor(wiring)
  parts.runner = runnerFor(wiring)
  const { planner, runner } = parts
  parts.desk = new Desk({
    engine,
    clock,
    notice,
    tasks,
    coming: () => parts.catalog.coming,
    conditions,
    planner,
    runner,
    scheduleId: scheduleIds(clock),
    uploads: () => uploadsIn(folder())
  })
  parts.explain = new Explain({
    engine,
    clock,
    runner,
    planner,
    task: id => parts.desk.definition(id),
    placeOf: pointer => settings.placeOf(pointer),
    foresight: () => parts.foresight
  })
  const forecaster = new Forecaster({
    engine,
    clock,
    config,
    conditions,
    tasks,
    planner: () => planner,
    activity: () => parts.foresight.histogram,
    foretell: forecastThread.foretell
  })
  notices.listen(forecaster.changed, 'forecast')
  parts.foresight = new Foresight({ engine, clock, config, forecaster })
  parts.machine = new MachineDesk({ engine, clock, conditions, senses: parts.senses })
  parts.history = new RunHistory({ engine, clock })
  parts.pauses = new Pauses({ engine, clock, conditions })
  parts.breaker = new Breaker({ engine, clock, notice, tasks, conditions, pauses: parts.pauses })
  notices.listen(parts.breaker.hear, 'breaker')
  parts.upkeep = new Upkeep({ engine, clock, notice, config, folder, owner, steps: parts.steps })
  parts.uploads = new UploadDesk({ engine, clock, config, folder, sureBy: () => parts.upkeep.sureBy() })
  parts.standstill = new StandstillWatch({ engine, clock, notice, config, verdict: run => runner.verdicts.of(run) })
  notices.listen(parts.standstill.hear, 'standstill')
  parts.feed = new StoreFeed({
    engine,
    owner,
    notice,
    facts: () => followFacts(parts),
    schedules: () => void planner.follow().catch(() => undefined)
  })
  parts.alarm = new Alarm({ clock, ring: () => void hooks.fire() })
  parts.ticker = new Ticker({ beats: beatsFor(wiring), notice, failed: notices.report })
}

/** Makes the parts of a manager and connects them; nothing is started. */
export function compose (options: ManagerOptions, settings: Settings, hooks: Hooks): Parts {
  const clock = options.clock ?? systemClock
  const notices = new Notices({ now: clock.now })
  if (options.onNotice) notices.listen(options.onNotice, 'onNotice')
  const parts = { owner: ownerName(), clock, notices, settings } as Parts
  const wiring: Wiring = {
    parts,
    options,
    hooks,
    config: () => settings.config,
    folder: () => folderOf(settings),
    tasks: () => parts.catalog.tasks,
    random: options.random ?? Math.random,
    leadMs: clock === systemClock ? LEAD : 0
  }
  composeInputs(wiring)
  composeWork(wiring)
  return parts
}
