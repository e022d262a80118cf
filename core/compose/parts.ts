import type { Breaker } from '../work/conditions/breaker.ts'
import type { Catalog } from '../work/upkeep/catalog.ts'
import type { Clock } from '../model/base/clock.ts'
import type { ClockSteps } from '../work/conditions/clock-steps.ts'
import type { Config } from '../model/config/config.ts'
import type { ConfigWarnings } from '../work/upkeep/config-warnings.ts'
import type { Desk } from '../work/desk/desk.ts'
import type { Engine } from '../engine/engine.ts'
import type { EngineCalls } from '../work/upkeep/engine-calls.ts'
import type { Explain } from '../work/desk/explain.ts'
import type { Activity } from '../work/plan/activity.ts'
import type { Forecaster } from '../work/plan/forecaster.ts'
import type { IoWatch } from '../work/upkeep/io-watch.ts'
import type { LiveConditions } from '../work/conditions/conditions.ts'
import type { LoopWatch } from '../work/watch/loop-watch.ts'
import type { MachineDesk } from '../work/desk/machine-desk.ts'
import type { MachineSenses, ManagerOptions } from '../options.ts'
import type { Notices } from '../work/upkeep/notices.ts'
import type { Pauses } from '../work/conditions/pauses.ts'
import type { Planner } from '../work/plan/planner.ts'
import type { RunHistory } from '../work/desk/run-history.ts'
import type { Runner } from '../work/run/runner.ts'
import type { Sampler } from '../work/upkeep/sampler.ts'
import type { Scheduling } from '../work/upkeep/scheduling.ts'
import type { Security } from '../security.ts'
import type { Service } from '../model/base/service.ts'
import type { Settings } from '../work/upkeep/settings.ts'
import type { StandstillWatch } from '../work/upkeep/standstill.ts'
import type { StoreFeed } from '../work/upkeep/store-feed.ts'
import type { Task } from '../model/task/task.ts'
import type { Ticker } from '../work/upkeep/ticker.ts'
import type { Upkeep } from '../work/upkeep/maintenance.ts'
import type { UploadDesk } from '../work/desk/upload-desk.ts'

/** The connected parts of a manager. */
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
  activity: Activity
  forecaster: Forecaster
  upkeep: Upkeep
  security: Security
  warnings: ConfigWarnings
  io: IoWatch
  standstill: StandstillWatch
  watch: LoopWatch
  breaker: Breaker
  steps: ClockSteps
  ticker: Ticker
  scheduling: Scheduling
  sampler: Sampler
  uncaught: Service
  feed: StoreFeed
}

/** The dependencies of every part. Parts that are created later are looked up when they are called. */
export interface Wiring {
  parts: Parts
  options: ManagerOptions
  config: () => Config
  folder: () => string
  tasks: () => ReadonlyMap<string, Task>
  random: () => number
  leadMs: number
}
