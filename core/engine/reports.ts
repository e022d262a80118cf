import type { Json } from '../model/json/json.ts'
import type { Run, Source, State } from '../model/run/run.ts'
import type { Usage } from '../model/run/usage.ts'

/** Absent members do not filter. */
export interface RunFilter {
  task?: string
  state?: State[]
  queue?: string
  schedule?: string
  source?: Source
  /** Created in [from, to). */
  from?: number
  to?: number
  /** Queued runs that are due at this instant, for lists of held runs. */
  due_by?: number
  /** Failed runs whose failure has this fingerprint. */
  fingerprint?: string
}

/** Newest first. `cursor`: opaque, from `Page.next`. */
export interface ListAsk extends RunFilter {
  limit: number
  cursor?: string
}

export interface Page<T> {
  items: T[]
  next: string | null
}

/** One line of a run's log. `level`: a pino level number. `data`: the other fields of the line. */
export interface LogLine {
  at: number
  level: number
  text: string
  data?: Json
}
export type StoredLine = LogLine & { attempt: number, seq: number }

/** `last`: the run of the task that finished last, except skipped ones. */
export interface TaskCount {
  task: string
  states: Record<State, number>
  last: Run | null
}

/** The UTC days that overlap [from, to). With `now`, holds that are still open count up to `now`, at most up to `to`.
 */
export interface HeldTimeAsk {
  from: number
  to: number
  now?: number
}

/** `ms`: the total time. `runs`: the number of runs that were held for this code. */
export interface HeldTime {
  task: string
  code: string
  ms: number
  runs: number
}

/** `names`: restricts the list to these queues. Without `now`, `oldest` is null. */
export interface QueuesAsk {
  now?: number
  names?: string[]
}

/** `oldest`: the earliest due time of its due runs, at any priority; null: no run is due. */
export interface QueueCount {
  queue: string
  blocked: number
  queued: number
  running: number
  oldest: number | null
}

/** Failed runs of one task with the same fingerprint. `message`: that of the newest run. `first_at`, `last_at`: when
 *  the first and the last of them ended. */
export interface DeadGroup {
  task: string
  fingerprint: string
  count: number
  message: string
  /** The first frame of the newest error in the code of the task; absent: none is known. */
  at?: string
  first_at: number
  last_at: number
}

/** The UTC hours that overlap [from, to). Hours older than 45 days are summed by day, at its first hour. */
export interface StatsAsk {
  from: number
  to: number
  by: 'task' | 'queue'
  every: 'hour' | 'day' | 'all'
}

/** Durations in ms, percentiles within 4.5 %; null when there are none. `max_run`: the id of the run with the longest
 *  duration; null when it is not known. */
export interface DurationStats {
  count: number
  mean: number | null
  p50: number | null
  p95: number | null
  p99: number | null
  max: number | null
  max_run: string | null
}

/** Runs that ended in the hour, day or range that starts at `at`. `dead`: failed runs that are out of attempts or time.
 *  `retries`: failed attempts that were retried. `wait`: from due to start, `run`: from start to end, both for each
 *  attempt that was charged. `held`: for each wait that ended, the time for which gates held the run, except waits
 *  without a hold. `cpu_ms`: the processor time of attempts in threads and processes, whatever their outcome. */
export interface StatsRow {
  at: number
  name: string
  completed: number
  failed: number
  cancelled: number
  skipped: number
  dead: number
  retries: number
  cpu_ms: number
  wait: DurationStats
  held: DurationStats
  run: DurationStats
}

/** An action by a person or a client: who did what to which subject, and when. */
export interface AuditEntry {
  at: number
  by: string
  action: string
  subject: string
  detail: Json
}
/** An audit entry that is written in the change that it describes, and only when that changed something. `subject`
 *  absent: the id of the changed run, or of the first added run. */
export type AuditNote = Omit<AuditEntry, 'at' | 'subject'> & { subject?: string }
export type StoredAuditEntry = AuditEntry & { seq: number }

/** Reads for people. The contract is weaker than that of `Engine`: each result includes all changes that the same
 *  caller has seen acknowledged, and two results need not be of the same moment. */
export interface Reports {
  list(ask: ListAsk): Promise<Page<Run>>
  /** The log lines with a `seq` above `after`, oldest first. */
  logs(ask: { id: string, after: number, limit: number }): Promise<StoredLine[]>
  count(): Promise<TaskCount[]>
  /** The queues that have or had runs, by name. */
  queues(ask: QueuesAsk): Promise<QueueCount[]>
  /** Failed runs grouped by task and fingerprint, newest first. */
  dead(ask: { task?: string }): Promise<DeadGroup[]>
  /** Outcomes and durations by hour or day. They outlive the runs. */
  stats(ask: StatsAsk): Promise<StatsRow[]>
  /** Time held by task and code, longest first. It outlives the runs. */
  held(ask: HeldTimeAsk): Promise<HeldTime[]>
  /** The usage of these runs by id, except those whose usage is not known. */
  used(ids: string[]): Promise<Record<string, Usage>>
  /** Audit entries, newest first. `before`: a `seq`. */
  records(ask: { limit: number, before?: number, action?: string }): Promise<StoredAuditEntry[]>
}

/** The names of all reports, for tests and wrappers that iterate over them. */
export const REPORTS = [
  'list',
  'logs',
  'count',
  'queues',
  'dead',
  'stats',
  'held',
  'used',
  'records'
] as const satisfies (keyof Reports)[]
