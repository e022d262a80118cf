import type { Blame } from '../model/run/crash-suspect.ts'
import type { Bucket } from '../model/config/queue.ts'
import type { Child, FullRun, Lease, NewRun, Priority, Progress, Reason, Run } from '../model/run/run.ts'
import type { Cohort, DueCohort, Offer } from '../model/run/cohort.ts'
import type { AuditEntry, RunFilter, LogLine, Reports } from './reports.ts'
import type { Failure, Outcome } from '../model/run/outcome.ts'
import type { Json } from '../model/base/json.ts'
import type { Overlap } from '../model/task/task.ts'
import type { Schedule } from '../model/schedule/schedule.ts'
import type { Service } from '../model/base/service.ts'
import type { Usage } from '../model/run/usage.ts'

/** Who did what by hand, recorded in the change that it describes and only when that changed something. `subject` left
 *  out: the run that was changed, or the first that was added. */
export type AuditNote = Omit<AuditEntry, 'at' | 'subject'> & { subject?: string }

/** How many runs may wait in a queue, blocked ones included, and what becomes of one more. */
export interface QueueBound {
  max: number
  on_full: 'refuse' | 'drop_oldest'
}

/** A request that names itself by a key: what the key is used for is kept as the fact `name`. */
export interface KeyedRequest {
  key: string
  name: string
  digest: string
}

/** `bounds`: by queue; the call is refused as a whole with OFFPEAK_QUEUE_FULL, or the oldest waiting runs are skipped
 *  (`queue_full`). `request`: the call is refused with OFFPEAK_IDEMPOTENCY_CONFLICT when its key is used for another
 *  one. */
export interface AddOptions {
  bounds?: Record<string, QueueBound>
  record?: AuditNote
  request?: KeyedRequest
}

/** `created` false: the run was there already, under the same task and key, and `conflict` says what became of it. */
export interface Added {
  run: Run
  created: boolean
  conflict?: 'returned' | 'replaced' | 'rescheduled'
}

/** What running runs of other owners take: how many by task and by queue, and locks by name with the id of the run that
 *  has it. */
export interface OtherOwners {
  tasks: Record<string, number>
  queues: Record<string, number>
  locks: Record<string, string>
}

/** `singles`: due runs without a cohort: those to run now first, then by deadline_at (null last), due_at and id. Of
 *  those that are alike in task, queue, priority, whether a schedule asked for them, and `now`, the first 100, the 100
 *  whose deadlines count since longest, and the last 100 by due_at. `next_at`: the earliest instant after `now` at
 *  which a queued run becomes due, or null. `rates`: starts that queues have left, as they were last stored. */
export interface DueRuns {
  cohorts: DueCohort[]
  singles: Run[]
  next_at: number | null
  others: OtherOwners
  rates: Record<string, Bucket>
}

/** `pools`: how many may still start, by name; a pool that is not named is unlimited. Pools named `task/<id>`,
 *  `queue/<name>`, `lock/<name>` and `nobody` are shared with other owners: what their running runs take is subtracted
 *  first, in the same change; of `nobody` each of them takes one. `limit`: of all runs together. `rates`: of queues; a
 *  run of such a queue needs and takes one start of the bucket that the engine keeps. */
export interface ClaimAsk {
  owner: string
  now: number
  lease_until: number
  offers: readonly Offer[]
  pools: Record<string, number>
  limit?: number
  rates?: Record<string, { count: number, per_ms: number }>
}

/** A run with what its attempt needs. `offer`: the index of the offer that it was taken by. `results`: of its
 *  prerequisites, by the ref or else the id that named them, when it has any. */
export type Claimed = Run & { payload: Json, checkpoint: Json, results?: Record<string, Json>, offer: number }

/** What a running run says of itself. `checkpoint` undefined: unchanged. */
export interface Report {
  lease: Lease
  now: number
  progress?: Progress
  checkpoint?: Json
  child?: Child | null
  logs?: LogLine[]
}

/** `used`: what the attempt has taken of the machine. `begun` false: the run was claimed and goes back, and no attempt
 *  was made. */
export interface Settlement {
  lease: Lease
  outcome: Outcome
  now: number
  progress?: Progress | null
  logs?: LogLine[]
  used?: Usage
  begun?: boolean
}

/** What this owner runs, as it is stored: a run that is not named is not its own any more. `cancel`: those of them that
 *  are to stop. */
export interface OwnedRuns {
  running: Lease[]
  cancel: (Lease & { reason: Reason })[]
}

/** Runs whose owners' leases are over are put back (`restart`) or failed; a run that may have ended `crash_cap`
 *  processes, the last one alone, is failed. See `sharesOf`, which says whom a crash is charged to. */
export interface ExpireAsk {
  now: number
  restart: 'restart' | 'fail'
  crash_cap: number
  blame?: Blame | null
}
export interface Recovered {
  queued: Run[]
  failed: Run[]
}

/** Removes at most `limit` finished runs: older than `before`, or beyond the newest `keep` of their task. With
 *  `dead_before`, failed runs go by that alone: neither by `before` nor by `keep`. */
export interface SweepAsk {
  now: number
  before: number
  keep: number
  limit: number
  dead_before?: number
}

/** `version`: rises with each change of any schedule. `removed`: it is gone, told only to those who ask with `since`.
 */
export type StoredSchedule = Schedule & { version: number, removed?: true }

/** One schedule's fires, written in one change with its cursor. Nothing is done when the stored cursor is not `from`.
 */
export interface PlanAsk {
  schedule: Schedule
  /** The cursor that was read; null: the schedule is new or is replaced. */
  from: number | null
  /** The version that was read; null: there is none. Left out: whatever it is. Nothing is done when it is another one.
   */
  was?: number | null
  fires: NewRun[]
  overlap: Overlap
  now: number
  /** True: the fire is yet to come. Nothing is done then when an unfinished run of the schedule would count: it may be
   *  over in time. */
  early?: boolean
  record?: AuditNote
}

/** `stored`: the schedule as it stands after the call; null: there is none. `coalesced`: fires that an unfinished
 *  waiting run now stands for. `replaced`: runs that were cancelled or asked to stop for it. */
export interface PlanResult {
  applied: boolean
  stored: StoredSchedule | null
  added: Run[]
  skipped: Run[]
  coalesced: number
  replaced: Run[]
}

/** What the verdict of an owner says from `at` on; `code` null: nothing holds it any more. Of the runs of a cohort that
 *  are due in [from, until], or of one run by its id. The same code with another message is a new entry once the open
 *  one is a minute old. */
export interface HoldEntry {
  owner: string
  at: number
  code: string | null
  message: string
  cohort?: Cohort & { from: number, until: number }
  id?: string
}

export interface CancelAsk {
  id: string
  reason: Reason
  now: number
  record?: AuditNote
}
export interface RetryAsk {
  id: string
  now: number
  due_at: number
  bounds?: Record<string, QueueBound>
  record?: AuditNote
}
export interface EndAsk {
  id: string
  now: number
  as: 'skipped' | 'failed'
  reason: Reason
  error?: Failure
  record?: AuditNote
}

/** Waiting runs that expire and whose deadline has passed, longest past first, and the next deadline that has not. */
export interface Overdue {
  runs: Run[]
  next_at: number | null
}

/** `by`: who wants it; it is recorded, as an edit unless `record` says otherwise. `run_now`: from now on it is to run
 *  now, see `Run.now`. What is left out stays. */
export interface EditAsk {
  id: string
  now: number
  by: string
  priority?: Priority
  payload?: Json
  due_at?: number
  run_now?: true
  record?: AuditNote
}

export const BULK_ACTIONS = ['cancel', 'retry', 'remove', 'promote'] as const
export type BulkAction = typeof BULK_ACTIONS[number]

/** The same done to many runs, newest first: those that the filter names and that it can be done to. Without states in
 *  the filter, cancel means all that are not over, retry the failed, remove all that are over, promote those that wait
 *  for their time. `limit`: how many are changed at most, no more than 1,000. `cursor`: `Changed.next` of the call
 *  before. `place`: how many calls before have changed, `every_ms`: how far apart retried runs are due. With a reason,
 *  it is recorded. `tasks`: of these alone. `bounds`: of queues, for what is tried again. */
export interface BulkAsk {
  filter: RunFilter
  act: BulkAction
  now: number
  limit: number
  dry_run: boolean
  cursor?: string
  place?: number
  reason?: Reason
  every_ms?: number
  tasks?: string[]
  bounds?: Record<string, number>
}

/** `matched`: how many it could be done to when it began; null with a cursor. `runs`: those that were changed, as they
 *  are now, or were when they were removed. `refused`: those that the bounds of their queues have kept out, by queue;
 *  of a dry run those that they would. `next`: where to go on; null: there are no more. */
export interface BulkResult {
  matched: number | null
  runs: Run[]
  refused: Record<string, number>
  next: string | null
}

/** A small durable fact; `at` is when it was kept. `version` rises with each change of any fact. */
export interface Fact {
  name: string
  value: Json
  at: number
  version: number
}

/** `value` null: the fact is kept no more. `was`: the version that was read, null: there was none; left out: whatever
 *  it is. */
export interface KeepAsk {
  name: string
  value: Json
  now: number
  was?: number | null
  record?: AuditNote
}

export interface EngineHealth {
  ok: boolean
  kind: 'sqlite' | 'postgres'
  /** Milliseconds that the last write took. */
  last_write_ms: number | null
  bytes: number | null
  reason: string | null
  /** Rows that were out of range when the store was opened, the first of them by name: each was mended, failed or
   *  removed. */
  mended?: { count: number, rows: { table: string, row: string, message: string }[] }
}

/** Where runs live. Arguments and answers are plain JSON, time is passed in, and every call is one atomic change that
 *  is durable when it is answered. The engine keeps the laws (guards, the state table, uniqueness, overlap, bounds,
 *  rates, leases); the caller keeps the policy. Several owners may work on one store. Calls reject with
 *  OFFPEAK_ENGINE_FAILED when nothing can be stored, OFFPEAK_ENGINE_STOPPED when it is stopped. */
export interface Engine extends Service, Reports {
  /** Throws OFFPEAK_INPUT_INVALID with every fault, OFFPEAK_QUEUE_FULL: then none was added. */
  add(runs: NewRun[], now: number, more?: AddOptions): Promise<Added[]>
  /** What could start now, if its gates let it. */
  due(ask: { now: number, owner: string }): Promise<DueRuns>
  /** Takes runs until there are none left to take: each time, of all offers whose pools have something left, the run
   *  with the smallest (rank, due_at, id). Turn and attempt rise by one. A call that may be answered before a power cut
   *  could not undo it: the run is then queued as it was. It is on its way to the disk by then, and the end of the
   *  process undoes nothing. */
  claim(ask: ClaimAsk): Promise<Claimed[]>
  /** Renews the lease of an owner, and answers what is stored of its runs. */
  beat(ask: { owner: string, now: number, until: number }): Promise<OwnedRuns>
  /** Puts back what owners have running whose lease is over. That of the owners of an earlier process is over at once;
   *  one that holds for more than five minutes is of a clock that was ahead, and is cut to those. */
  expire(ask: ExpireAsk): Promise<Recovered>
  /** Gives up the lease of an owner that stops; what it still has running is put back by the next `expire`. */
  leave(ask: { owner: string }): Promise<void>
  /** False: the lease was stale and nothing changed. */
  report(report: Report): Promise<boolean>
  /** Null: the lease was stale and nothing changed. The same settlement a second time answers the run again. */
  settle(settlement: Settlement): Promise<Run | null>
  /** A waiting run ends at once; a running one is asked to. Null: no such run. A finished run comes back unchanged. */
  cancel(ask: CancelAsk): Promise<Run | null>
  /** A finished run is queued again with its attempts and crashes at zero. Null: no such run. A run that is not
   *  finished comes back unchanged. */
  retry(ask: RetryAsk): Promise<Run | null>
  /** A waiting run ends without a start. Null: no such run. A run that runs or is over comes back unchanged. */
  end(ask: EndAsk): Promise<Run | null>
  /** Changes a run that is queued or blocked. Null: no such run. Any other comes back unchanged. */
  edit(ask: EditAsk): Promise<Run | null>
  /** Removes a run that is over, and records why. Null: no such run. Any other comes back unchanged. */
  discard(ask: { id: string, reason: Reason, now: number }): Promise<Run | null>
  /** One slice of a change of many runs. */
  change(ask: BulkAsk): Promise<BulkResult>
  get(id: string): Promise<FullRun | null>
  overdue(ask: { now: number, limit: number }): Promise<Overdue>
  /** Writes why due runs wait. Entries for runs that are not queued are passed over. A start, a cancel and an end close
   *  what is open. */
  hold(entries: HoldEntry[]): Promise<void>
  /** Like a claim it may be answered while it is on its way to the disk: a power cut before it is there puts the cursor
   *  back with the runs, and they fire again. What somebody has added at run time is durable first. */
  plan(asks: PlanAsk[]): Promise<PlanResult[]>
  /** `since`: those that have changed after this version, with those that are gone. */
  schedules(ask?: { since?: number }): Promise<StoredSchedule[]>
  /** False: no such schedule. Its runs stay. */
  unplan(ask: { id: string, now: number, record?: AuditNote }): Promise<boolean>
  /** False: `was` is not the version any more, and nothing changed. */
  keep(ask: KeepAsk): Promise<boolean>
  /** The facts whose names begin so, by name. `since`: those that have changed after this version; value null: it is
   *  gone. */
  kept(ask: { prefix: string, since?: number }): Promise<Fact[]>
  /** For what changes nothing here, such as an edit of the configuration. */
  record(entry: AuditEntry): Promise<void>
  sweep(ask: SweepAsk): Promise<number>
  health(now: number): Promise<EngineHealth>
}

/** The names of the calls, for suites and wrappers that go through all of them. */
export const CALLS = [
  'add',
  'due',
  'claim',
  'beat',
  'expire',
  'leave',
  'report',
  'settle',
  'cancel',
  'retry',
  'end',
  'edit',
  'discard',
  'change',
  'get',
  'overdue',
  'hold',
  'plan',
  'schedules',
  'unplan',
  'keep',
  'kept',
  'record',
  'sweep',
  'health'
] as const satisfies (keyof Engine)[]
