import type { Json } from '../model/base/json.ts'
import type { Run, Source, State } from '../model/run/run.ts'
import type { Usage } from '../model/run/usage.ts'

/** Filters that are not given do not filter. */
export interface RunFilter {
  task?: string
  state?: State[]
  queue?: string
  schedule?: string
  source?: Source
  /** Created in [from, to). */
  from?: number
  to?: number
  /** Queued runs that are due at `due_by`, for what is held. */
  due_by?: number
  /** Failed runs that failed of this. */
  fingerprint?: string
}

/** `cursor`: opaque, from `Page.next`. Newest first. */
export interface ListAsk extends RunFilter {
  limit: number
  cursor?: string
}

export interface Page<T> {
  items: T[]
  next: string | null
}

/** One line of a run's log. `level` is pino's number. `data`: the record's other fields. */
export interface LogLine {
  at: number
  level: number
  text: string
  data?: Json
}
export type StoredLine = LogLine & { attempt: number, seq: number }

/** `last`: the run of the task that finished last, whatever came of it, skipped ones left out. */
export interface TaskCount {
  task: string
  states: Record<State, number>
  last: Run | null
}

/** Time held in the days of UTC that touch [from, to). With `now`, what is still held counts up to it, and to `to`. */
export interface HeldTimeAsk {
  from: number
  to: number
  now?: number
}

/** `ms`: in all. `runs`: how many were held so. */
export interface HeldTime {
  task: string
  code: string
  ms: number
  runs: number
}

/** `names`: of these queues alone. Without `now` nobody looks for the oldest. */
export interface QueuesAsk {
  now?: number
  names?: string[]
}

/** `oldest`: when the one of its runs became due that has waited longest since, at whatever priority; null: none is
 *  due. */
export interface QueueCount {
  queue: string
  blocked: number
  queued: number
  running: number
  oldest: number | null
}

/** Failed runs of one task that failed of the same thing. `message`: of the newest. Instants are of their ends. */
export interface DeadGroup {
  task: string
  fingerprint: string
  count: number
  message: string
  first_at: number
  last_at: number
}

/** Hours of UTC that touch [from, to). Hours older than 45 days are summed by day, and stand at its first hour. */
export interface StatsAsk {
  from: number
  to: number
  by: 'task' | 'queue'
  every: 'hour' | 'day' | 'all'
}

/** Durations in ms, percentiles within 4.5 %; null when there are none. `max_run`: the run with the longest; null when
 *  it was not noted. */
export interface DurationStats {
  count: number
  mean: number | null
  p50: number | null
  p95: number | null
  p99: number | null
  max: number | null
  max_run: string | null
}

/** What ended from `at` on. `dead`: of the failed, those with their attempts or their time spent. `retries`: failed
 *  attempts that were tried again. `wait`: from due to start, `run`: from start to end, both of each attempt that was
 *  not given back; `held`: of each wait that ended then, how long gates held the run back, of those that they did.
 *  `cpu_ms`: processor time that attempts in threads and processes have taken, whatever they came to. */
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

/** Something done by hand: who, when, what. `value` is what stands since then. */
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

/** What people read of the runs. The contract is weaker than that of `Engine`: each answer was so at some moment after
 *  the last change that was answered to the same caller, and two answers need not be of the same moment. */
export interface Reports {
  list(ask: ListAsk): Promise<Page<Run>>
  /** The lines after `after` (a seq), oldest first. */
  logs(ask: { id: string, after: number, limit: number }): Promise<StoredLine[]>
  count(): Promise<TaskCount[]>
  /** Queues that have or had runs, by name. */
  queues(ask: QueuesAsk): Promise<QueueCount[]>
  /** Failed runs by what they failed of, the newest first. */
  dead(ask: { task?: string }): Promise<DeadGroup[]>
  /** What came of the runs, by hour or day; it outlives them. */
  stats(ask: StatsAsk): Promise<StatsRow[]>
  /** Time held by task and code; it outlives the runs. */
  held(ask: HeldTimeAsk): Promise<HeldTime[]>
  /** What these runs have taken, by id; those of which nothing is known are not named. */
  used(ids: string[]): Promise<Record<string, Usage>>
  /** What was done by hand, newest first. */
  records(ask: { limit: number, before?: number, action?: string }): Promise<StoredAuditEntry[]>
}

/** The names of the reports, for suites and wrappers that go through all of them. */
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
