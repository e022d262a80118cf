import type { Service } from '../model/base/service.ts'
import type { Failure, Outcome } from '../model/run/outcome.ts'
import type { Child, FullRun, Lease, NewRun, Priority, Progress, Reason, Run, Source, State } from '../model/run/run.ts'
import type { Json } from '../model/base/json.ts'
import type { Overlap } from '../model/task/task.ts'
import type { Schedule } from '../model/schedule/schedule.ts'
import type { Used } from '../model/run/used.ts'

/** `created` false: the run was there already, under the same task and key, and `conflict` says what became of it. */
export interface Added { run: Run, created: boolean, conflict?: 'returned' | 'replaced' | 'rescheduled' }

/** How many runs may start now, by task; a task that is not named may not start. Queues and priorities that are not named are not limited.
 *  `ahead`: once the limit is reached, so many more runs of a task whose queue and priority are not limited, up to the first that has
 *  seen a crash: such a run is claimed only when it starts at once, so that no other is counted as crashed with it. */
export interface Room {
  tasks: Record<string, number>
  queues?: Record<string, number>
  priorities?: Partial<Record<Priority, number>>
  ahead?: Record<string, number>
}

export interface ClaimAsk { owner: string, now: number, lease_until: number, limit: number, room: Room }

/** A run with what its attempt needs. `results`: of its prerequisites, by the ref or else the id that named them, when it has any. */
export type Claimed = Run & { payload: Json, checkpoint: Json, results?: Record<string, Json> }

/** The queued runs of one task that are due: how many, and the one that comes first. */
export interface DueTask { task: string, count: number, first: Run }

/** `next_at`: the earliest instant after `now` at which a queued run becomes due, or null. */
export interface Due { tasks: DueTask[], next_at: number | null }

/** What a running run says of itself. `checkpoint` undefined: unchanged. */
export interface Report {
  lease: Lease
  now: number
  progress?: Progress
  checkpoint?: Json
  child?: Child | null
  logs?: LogLine[]
}

/** One line of a run's log. `level` is pino's number. `data`: the record's other fields. */
export interface LogLine { at: number, level: number, text: string, data?: Json }
export type StoredLine = LogLine & { attempt: number, seq: number }

/** `held`: still ours, with a request to cancel where there is one. `lost`: someone else's, or over. */
export interface Renewed { held: { id: string, cancel: Reason | null }[], lost: string[] }

/** `used`: what the attempt has taken of the machine. `begun` false: the run was claimed and goes back, and no attempt was made. */
export interface Settlement { lease: Lease, outcome: Outcome, now: number, progress?: Progress | null, logs?: LogLine[], used?: Used, begun?: boolean }

/** Filters that are not given do not filter. */
export interface Filter {
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
export interface ListAsk extends Filter { limit: number, cursor?: string }

export interface Page<T> { items: T[], next: string | null }

/** `last`: the run of the task that finished last, whatever came of it, skipped ones left out. */
export interface TaskCount { task: string, states: Record<State, number>, last: Run | null }

/** Runs of owners that are no more are put back (`restart`) or failed; a run that has taken `crash_cap` processes down with it is failed. */
export interface RecoverAsk { owner: string, now: number, restart: 'restart' | 'fail', crash_cap: number }
export interface Recovered { queued: Run[], failed: Run[] }

/** Removes at most `limit` finished runs: older than `before`, or beyond the newest `keep` of their task. With `dead_before`, failed runs
 *  go by that alone: neither by `before` nor by `keep`. */
export interface SweepAsk { now: number, before: number, keep: number, limit: number, dead_before?: number }

/** One schedule's fires, written in one change with its cursor. Nothing is done when the stored cursor is not `from`. */
export interface PlanAsk {
  schedule: Schedule
  /** The cursor that was read; null: the schedule is new or is replaced. */
  from: number | null
  fires: NewRun[]
  overlap: Overlap
  now: number
  /** True: the instant of the fire is yet to come. Nothing is done then when an unfinished run of the schedule would count: it may be over in time. */
  early?: boolean
}

/** `coalesced`: fires that an unfinished waiting run now stands for. `replaced`: runs that were cancelled or told to stop for it. */
export interface Planned { applied: boolean, added: Run[], skipped: Run[], coalesced: number, replaced: Run[] }

/** Something done by hand: who, when, what. `value` is what stands since then. */
export interface Entry { at: number, by: string, action: string, subject: string, detail: Json }
export type StoredEntry = Entry & { seq: number }

/** What the verdict on a waiting run says from `at` on; `code` null: nothing holds it any more. */
export interface HoldEntry { id: string, at: number, code: string | null, message: string }

/** Time held in the days of UTC that touch [from, to). With `now`, what is still held counts up to it, and to `to`. */
export interface HeldAsk { from: number, to: number, now?: number }

/** `ms`: in all. `runs`: how many were held so for the first time. */
export interface HeldTime { task: string, code: string, ms: number, runs: number }

export interface EndAsk { id: string, now: number, as: 'skipped' | 'failed', reason: Reason, error?: Failure }

/** Waiting runs that expire and whose deadline has passed, longest past first, and the next deadline that has not. */
export interface Overdue { runs: Run[], next_at: number | null }

/** `by`: who wants it; it is recorded. What is left out stays. */
export interface EditAsk { id: string, now: number, by: string, priority?: Priority, payload?: Json, due_at?: number }

export const ACTS = ['cancel', 'retry', 'remove', 'promote'] as const
export type Act = typeof ACTS[number]

/** The same done to many runs, newest first: those that the filter names and that it can be done to. Without states in the filter, cancel
 *  means all that are not over, retry the failed, remove all that are over, promote those that wait for their time. `limit`: how many are
 *  changed at most. `every_ms`: how far apart retried runs are due. With a reason, it is recorded. `tasks`: of these alone. `bounds`: how many
 *  may wait in these queues; of what is tried again no more are queued. */
export interface ChangeAsk {
  filter: Filter
  act: Act
  now: number
  limit: number
  dry_run: boolean
  reason?: Reason
  every_ms?: number
  tasks?: string[]
  bounds?: Record<string, number>
}

/** `matched`: how many it could be done to when it began. `refused`: those that the bounds of their queues have kept out, by queue; of a dry
 *  run those that they would. */
export interface Changed { matched: number, changed: number, refused: Record<string, number> }

/** `names`: of these queues alone. Without `now` nobody looks for the oldest. */
export interface QueuesAsk { now?: number, names?: string[] }

/** `oldest`: when the one of its runs became due that has waited longest since, at whatever priority; null: none is due. */
export interface QueueCount { queue: string, blocked: number, queued: number, running: number, oldest: number | null }

/** Failed runs of one task that failed of the same thing. `message`: of the newest. Instants are of their ends. */
export interface DeadGroup { task: string, fingerprint: string, count: number, message: string, first_at: number, last_at: number }

/** Hours of UTC that touch [from, to). Hours older than 45 days are summed by day, and stand at its first hour. */
export interface StatsAsk { from: number, to: number, by: 'task' | 'queue', every: 'hour' | 'day' | 'all' }

/** Durations in ms, percentiles within 4.5 %; null when there are none. `max_run`: the run with the longest; null when it was not noted. */
export interface Spread { count: number, mean: number | null, p50: number | null, p95: number | null, p99: number | null, max: number | null, max_run: string | null }

/** What ended from `at` on. `dead`: of the failed, those with their attempts or their time spent. `retries`: failed attempts that were tried again. `wait`: from due to start, `run`: from start to end, both of
 *  each attempt that was not given back; `held`: how long the gates held it back, of those that they did. `cpu_ms`: processor time that
 *  attempts in threads and processes have taken, whatever they came to. */
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
  wait: Spread
  held: Spread
  run: Spread
}

/** A small durable fact; `at` is when it was kept. */
export interface Fact { name: string, value: Json, at: number }

export interface EngineHealth {
  ok: boolean
  kind: 'sqlite' | 'postgres'
  /** Milliseconds that the last write took. */
  last_write_ms: number | null
  bytes: number | null
  reason: string | null
}

/** A run that `add` has made, or one that is queued or skipped because what it waited for has ended. `behind`: the queued run that comes first of
 *  its task, queue and priority, when that is another one and is known without a look. */
export type News = { kind: 'added' | 'followed', run: Run, behind: string | null }

/** Hears of runs as soon as the engine knows of them. */
export interface Hearer {
  /** A run of the task is asked for and due, and has no id yet: a claim that is made now, before anything is awaited but answers from memory, takes it
   *  in the same change. `run`: as it will be. */
  coming (task: string, run: () => Run): void
  /** Others can see these runs now, which is before the caller is answered: one may start while the disk confirms it. Answers whether another call
   *  follows at once: else the disk is asked first. */
  told (news: readonly News[]): boolean
}

/** Where runs live. Arguments and answers are plain JSON, time is passed in, and every call is one atomic change that is
 *  durable when it is answered. The engine keeps the laws (guards, the state table, uniqueness, overlap); the caller keeps the policy. */
export interface Engine extends Service {
  add (runs: NewRun[], now: number): Promise<Added[]>
  /** There is one listener. */
  listen (hearer: Hearer): void
  /** What could start now, if its gates let it. */
  due (now: number): Promise<Due>
  /** Takes due runs, most urgent first, then the one due first, within room. Turn and attempt rise by one. A call that may be
   *  answered before a power cut could not undo it: the run is then queued as it was, and the end of the process undoes nothing. */
  claim (ask: ClaimAsk): Promise<Claimed[]>
  renew (leases: Lease[], leaseUntil: number): Promise<Renewed>
  /** False: the lease was stale and nothing changed. */
  report (report: Report): Promise<boolean>
  /** Null: the lease was stale and nothing changed. */
  settle (settlement: Settlement): Promise<Run | null>
  /** A waiting run ends at once; a running one is asked to. Null: no such run. A finished run comes back unchanged. */
  cancel (ask: { id: string, reason: Reason, now: number }): Promise<Run | null>
  /** A finished run is queued again with its attempts and crashes at zero. Null: no such run. A run that is not finished comes back unchanged. */
  retry (ask: { id: string, now: number, due_at: number }): Promise<Run | null>
  get (id: string): Promise<FullRun | null>
  list (ask: ListAsk): Promise<Page<Run>>
  /** The lines after `after` (a seq), oldest first. */
  logs (ask: { id: string, after: number, limit: number }): Promise<StoredLine[]>
  count (): Promise<TaskCount[]>
  recover (ask: RecoverAsk): Promise<Recovered>
  sweep (ask: SweepAsk): Promise<number>
  /** Like a claim it may be answered before it is durable: a power cut then puts the cursor back with the runs, and they fire again. What somebody
   *  has added at run time is durable first. */
  plan (asks: PlanAsk[]): Promise<Planned[]>
  schedules (): Promise<Schedule[]>
  /** False: no such schedule. Its runs stay. */
  unplan (id: string): Promise<boolean>
  record (entry: Entry): Promise<void>
  /** Newest first. */
  records (ask: { limit: number, before?: number, action?: string }): Promise<StoredEntry[]>
  health (now: number): Promise<EngineHealth>
  /** Writes the timelines of waiting runs: the same code as the open one changes nothing, another one closes it, null closes it.
   *  Entries for runs that are not queued are passed over. A start, a cancel and an end close what is open. */
  hold (entries: HoldEntry[]): Promise<void>
  /** Time held by task and code; it outlives the runs. */
  held (ask: HeldAsk): Promise<HeldTime[]>
  overdue (ask: { now: number, limit: number }): Promise<Overdue>
  /** A waiting run ends without a start. Null: no such run. A run that runs or is over comes back unchanged. */
  end (ask: EndAsk): Promise<Run | null>
  /** Failed runs by what they failed of, the newest first. */
  dead (ask: { task?: string }): Promise<DeadGroup[]>
  /** What came of the runs, by hour or day; it outlives them. */
  stats (ask: StatsAsk): Promise<StatsRow[]>
  /** Changes a run that is queued or blocked. Null: no such run. Any other comes back unchanged. */
  edit (ask: EditAsk): Promise<Run | null>
  /** Queues that have or had runs, by name. */
  queues (ask: QueuesAsk): Promise<QueueCount[]>
  /** Skips the oldest of the runs that wait in a queue until `most` are left; answers those that it has skipped. */
  thin (ask: { queue: string, most: number, now: number, reason: Reason }): Promise<Run[]>
  /** The run whose own a key is, or null. */
  holder (ask: { task: string, key: string, now: number }): Promise<Run | null>
  /** The one call that is not one change but as many as it takes: each a thousand runs at most, whole in itself. */
  change (ask: ChangeAsk): Promise<Changed>
  /** Removes a run that is over, and records why. Null: no such run. Any other comes back unchanged. */
  discard (ask: { id: string, reason: Reason, now: number }): Promise<Run | null>
  /** `value` null: the fact is kept no more. */
  keep (entry: { name: string, value: Json, now: number }): Promise<void>
  /** The facts whose names begin so, by name. */
  kept (prefix: string): Promise<Fact[]>
  /** What these runs have taken, by id; those of which nothing is known are not named. */
  used (ids: string[]): Promise<Record<string, Used>>
}

/** The names of the calls, for suites and wrappers that go through all of them. */
export const CALLS = [
  'add', 'due', 'claim', 'renew', 'report', 'settle', 'cancel', 'retry', 'get', 'list', 'logs', 'count',
  'recover', 'sweep', 'plan', 'schedules', 'unplan', 'record', 'records', 'health',
  'hold', 'held', 'overdue', 'end', 'dead', 'stats', 'edit', 'queues', 'thin', 'holder', 'change', 'discard', 'keep', 'kept', 'used'
] as const satisfies (keyof Engine)[]
