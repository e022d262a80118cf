import type { Clock } from './model/base/clock.ts'
import type { Config } from './model/config/config.ts'
import type { Desk } from './work/desk/desk.ts'
import type { Durable } from './work/desk/events.ts'
import type { Explain } from './work/desk/explain.ts'
import type { ForecastItem } from './model/forecast/forecast.ts'
import type { Health } from './health.ts'
import type { Listener } from './model/notice.ts'
import type { MachineDesk } from './work/desk/machine-desk.ts'
import type { Pauses } from './work/conditions/pauses.ts'
import type { RunHistory } from './work/desk/run-history.ts'
import type { ServiceState } from './model/base/service.ts'
import type { UploadDesk } from './work/desk/upload-desk.ts'

/** The manager as plugins see it: without its life cycle and its internal parts. */
export interface ManagerFace {
  /** Tasks, runs, queues, dead letters and schedules. */
  readonly desk: Desk
  /** Why a task or a run waits. */
  readonly explain: Pick<Explain, 'task' | 'run'>
  /** The pauses. */
  readonly pauses: Pick<Pauses, 'list' | 'add' | 'remove'>
  /** Readings and signals. */
  readonly machine: MachineDesk
  /** Statistics, the timeline and the audit log. */
  readonly history: RunHistory
  /** The uploaded files of tasks. */
  readonly uploads: UploadDesk
  /** `stopped`, `starting`, `started` or `stopping`: readiness. */
  readonly state: ServiceState
  /** The configuration in force: the guard, the API description and retries of uploads follow it. */
  readonly config: Config
  /** The ETag of config.json; null without a file. Answers that show settings carry it. */
  readonly etag: string | null
  /** The data folder, where the guard finds named tokens. */
  readonly folder: string
  /** The clock of the manager: answers and waits follow it, not the wall clock. */
  readonly clock: Clock
  /** Resolves when everything committed so far is durable; undefined when commits are always durable. Events wait for
   *  it. */
  readonly durable: Durable | undefined
  /** Resolves when all stored ends of runs are durable; null when they are already. Responses wait for it. */
  unconfirmed(): Promise<void> | null
  /** The starts of the next hours, ordered by likely start. Throws OFFPEAK_FORECAST_TOO_LARGE. */
  forecast(hours: number): Promise<ForecastItem[]>
  /** The state of every part, and why it is not ok. */
  health(): Promise<Health>
  /** Enables or disables a task in config.json and resolves to the new ETag; throws OFFPEAK_CONFIG_CONFLICT. */
  enable(id: string, enabled: boolean, options: { by: string, ifMatch?: string | undefined }): Promise<string>
  /** Calls a listener with every notice; returns an unsubscribe function. */
  onNotice(listener: Listener, name?: string): () => void
  /** Calls a listener at least twice a second; returns an unsubscribe function. Streams send heartbeats on it. */
  onBeat(listener: () => unknown, name?: string): () => void
}

/** The face of a manager: an object with the members of `ManagerFace` and no other. */
export function faceOf (manager: ManagerFace): ManagerFace {
  return Object.freeze({
    desk: manager.desk,
    explain: manager.explain,
    pauses: manager.pauses,
    machine: manager.machine,
    history: manager.history,
    uploads: manager.uploads,
    clock: manager.clock,
    get state () {
      return manager.state
    },
    get config () {
      return manager.config
    },
    get etag () {
      return manager.etag
    },
    get folder () {
      return manager.folder
    },
    get durable () {
      return manager.durable
    },
    unconfirmed: () => manager.unconfirmed(),
    forecast: hours => manager.forecast(hours),
    health: () => manager.health(),
    enable: (id, enabled, options) => manager.enable(id, enabled, options),
    onNotice: (listener, name) => manager.onNotice(listener, name),
    onBeat: (listener, name) => manager.onBeat(listener, name)
  } satisfies ManagerFace)
}
