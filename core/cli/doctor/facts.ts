import type { IgnoredFile } from '../local/lookalikes.ts'
import type { Fault } from '../local/validate.ts'
import type { HealthAnswer, PauseView } from '../remote/answers.ts'

/** The Node that runs the command. */
export interface NodeFacts {
  version: string
  /** The least major version. */
  needed: number
}

/** `synchronised`: by a time server; null where the system does not tell. `skewMs`: the time of the file system of the
 *  data folder less the clock; null if no file can be written there. `newest`: the latest instant that is stored. */
export interface ClockFacts {
  now: number
  synchronised: boolean | null
  skewMs: number | null
  newest: number | null
}

/** `given`: the variable TZ. `process`: the zone of this process. `tasks`: `manager.timezone`. */
export interface ZoneFacts {
  given: string | null
  process: string
  tasks: string
}

/** The file system of the data folder. `kind`: the number of statfs(2). */
export interface DiskFacts {
  folder: string
  free: number
  total: number
  freeFiles: number
  totalFiles: number
  kind: number
  /** Bytes that no run may use: `resources.disk_reserve`. */
  reserve: number
}

/** Null codes are permissions that this user has. */
export interface PermissionFacts {
  user: string
  folder: string
  /** Why no file can be written in the data folder. */
  folderCode: string | null
  directory: string
  /** Why that tasks directory cannot be listed. */
  directoryCode: string | null
  config: string
  /** Why config.json cannot be changed. */
  configCode: string | null
  security: { message: string, fix: string | null }[]
}

/** `code`: why a tasks directory cannot be watched. `watches`, `instances`: the limits of inotify. */
export interface WatchFacts {
  directory: string
  code: string | null
  watches: number | null
  instances: number | null
  kind: number
}

/** The configuration. `faults`: why it is refused. `overlay`: an overlay that is named and does not exist. */
export interface ConfigFacts {
  file: string
  exists: boolean
  faults: Fault[]
  overlay: string | null
}

/** The tasks. `siblings`: folders beside the tasks directory whose names resemble that of an empty one. */
export interface TaskFacts {
  directory: string
  count: number
  enabled: number
  scheduled: number
  faults: Fault[]
  warnings: Fault[]
  resting: { task: string, code: string, message: string }[]
  siblings: string[]
}

/** A port that cannot be listened on: the code of the system. */
interface PortFacts {
  host: string
  port: number
  /** What listens there, such as `process 812 (node server.js)`; null where the system does not tell. */
  program: string | null
  code: string | null
}

/** `answer`: `yes`; `silent`: the connection was accepted and not answered; `other`: another program answers; `no`. */
export interface ServerFacts {
  url: string
  answer: 'yes' | 'silent' | 'other' | 'no'
  /** True with `--url`, `--context` and their variables. */
  named: boolean
  /** The process that wrote the address, and whether it lives. Null if none did. */
  pid: number | null
  alive: boolean
  /** The owner of the data folder; null if nobody has it. */
  owner: string | null
  /** True if a server has run on this data folder before. */
  used: boolean
  /** The port that is configured, if no server answers. */
  port: PortFacts | null
  /** The port that is configured; null if a server is named. */
  configured: number | null
  health: HealthAnswer | null
}

/** `state`: of the file of the token. `accepted`: whether the server accepts it; null if it was not asked. */
export interface TokenFacts {
  file: string | null
  state: 'fine' | 'missing' | 'unreadable' | 'short'
  accepted: boolean | null
  used: boolean
  expired: string[]
}

/** A sensor that fails. */
export interface SensorFacts {
  sensor: string
  message: string
  since: number
}

/** What the data folder says about runs: `due`: queued and due; `oldestDue` and `lastStart` in epoch ms. */
export interface RunFacts {
  now: number
  due: number
  oldestDue: number | null
  lastStart: number | null
  /** `scheduling.nothing_started`, 0 for never. */
  spanMs: number
  pauses: PauseView[]
}

/** The process of the server; `memory` and `total` in bytes. */
export interface ProcessFacts {
  pid: number
  memory: number
  total: number
  files: number
  mostFiles: number | null
}

/** Everything that `offpeak doctor` has gathered. Null: it does not apply, or could not be gathered. */
export interface Facts {
  node: NodeFacts
  clock: ClockFacts | null
  zone: ZoneFacts | null
  disk: DiskFacts | null
  permissions: PermissionFacts | null
  watches: WatchFacts | null
  config: ConfigFacts | null
  tasks: TaskFacts | null
  ignored: IgnoredFile[]
  server: ServerFacts
  token: TokenFacts | null
  sensors: SensorFacts[]
  runs: RunFacts | null
  process: ProcessFacts | null
}
