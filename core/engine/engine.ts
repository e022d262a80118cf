import type { FullRun, NewRun, Reason, Run } from '../model/run/run.ts'
import type { Service } from '../model/base/service.ts'
import type { AddOptions, Added } from './additions.ts'
import type { BulkAsk, BulkResult, CancelAsk, EditAsk, EndAsk, Fact, KeepAsk, Overdue, RetryAsk,
  SweepAsk } from './changes.ts'
import type { ClaimAsk, Claimed, DueRuns, ExpireAsk, HoldEntry, OwnedRuns, Recovered, Report,
  Settlement } from './claims.ts'
import type { PlanAsk, PlanResult, StoredSchedule } from './plans.ts'
import type { AuditEntry, AuditNote, Reports } from './reports.ts'

export type * from './additions.ts'
export type * from './changes.ts'
export type * from './claims.ts'
export type * from './plans.ts'
export type { AuditNote } from './reports.ts'

export interface EngineHealth {
  ok: boolean
  kind: 'sqlite' | 'postgres'
  /** How long the last write took, ms. */
  last_write_ms: number | null
  bytes: number | null
  reason: string | null
  /** Stored rows that were out of range when the store was opened, with the first of them by name. Each was corrected
   *  or removed, or its run failed. */
  mended?: { count: number, rows: { table: string, row: string, message: string }[] }
}

/** Stores runs. Arguments and results are plain JSON; time is passed in. Every call is one atomic change that is
 *  durable when the call resolves, except where a call says otherwise. The engine enforces the laws: leases, state
 *  transitions, uniqueness, overlap, queue bounds, rates. The caller decides the policy. Several owners may use one
 *  store. Calls reject with OFFPEAK_ENGINE_FAILED when nothing can be stored, and with OFFPEAK_ENGINE_STOPPED when the
 *  engine is stopped. Calls that change one run by its id resolve to null when there is no such run. */
export interface Engine extends Service, Reports {
  /** Adds all runs or none. Throws OFFPEAK_INPUT_INVALID with every fault, OFFPEAK_QUEUE_FULL,
   *  OFFPEAK_IDEMPOTENCY_CONFLICT. */
  add(runs: NewRun[], now: number, options?: AddOptions): Promise<Added[]>
  /** The runs that could start now if their gates allow it. */
  due(ask: { now: number, owner: string }): Promise<DueRuns>
  /** Claims runs in the order of (rank, due_at, id) over all offers whose pools have room, until no run is left. Turn
   *  and attempt rise by one. May resolve while the change is being synced: after a power cut at that moment the run is
   *  queued as before. The end of the process undoes nothing. */
  claim(ask: ClaimAsk): Promise<Claimed[]>
  /** Renews the lease of an owner and returns its stored running runs. */
  beat(ask: { owner: string, now: number, until: number }): Promise<OwnedRuns>
  /** Recovers the running runs of owners whose leases have expired. The leases of an earlier process expire at once. A
   *  lease that ends more than five minutes from now was written by a wrong clock and is shortened to five minutes. */
  expire(ask: ExpireAsk): Promise<Recovered>
  /** Gives up the lease of an owner that stops. The next `expire` recovers the runs that it still has running. */
  leave(ask: { owner: string }): Promise<void>
  /** Resolves to false when the lease is stale; nothing changes then. */
  report(report: Report): Promise<boolean>
  /** Resolves to null when the lease is stale; nothing changes then. A repeated settlement returns the run again. */
  settle(settlement: Settlement): Promise<Run | null>
  /** Cancels a waiting run at once and asks a running run to stop. A finished run is returned unchanged. */
  cancel(ask: CancelAsk): Promise<Run | null>
  /** Queues a finished run again with no attempts and no crashes. Other runs are returned unchanged. Throws
   *  OFFPEAK_QUEUE_FULL. */
  retry(ask: RetryAsk): Promise<Run | null>
  /** Ends a waiting run without starting it. Other runs are returned unchanged. */
  end(ask: EndAsk): Promise<Run | null>
  /** Edits a queued or blocked run. Other runs are returned unchanged. Throws OFFPEAK_INPUT_INVALID. */
  edit(ask: EditAsk): Promise<Run | null>
  /** Removes a finished run and records the reason. Other runs are returned unchanged. */
  discard(ask: { id: string, reason: Reason, now: number }): Promise<Run | null>
  /** Changes one slice of many runs. */
  change(ask: BulkAsk): Promise<BulkResult>
  get(id: string): Promise<FullRun | null>
  overdue(ask: { now: number, limit: number }): Promise<Overdue>
  /** Writes the reasons why due runs wait. Entries for runs that are not queued are ignored. The start, the
   *  cancellation or the end of a run closes its open entries. */
  hold(entries: HoldEntry[]): Promise<void>
  /** Writes fires. Like `claim`, it may resolve while the change is being synced: a power cut at that moment undoes
   *  cursor and runs together, and the schedule fires again. Schedules added at run time are durable first. Throws
   *  OFFPEAK_INPUT_INVALID. */
  plan(asks: PlanAsk[]): Promise<PlanResult[]>
  /** Lists schedules by id. `since`: those that changed after this version, including removed ones. */
  schedules(ask?: { since?: number }): Promise<StoredSchedule[]>
  /** Removes a schedule and leaves its runs. Resolves to false when there is no such schedule. */
  unplan(ask: { id: string, now: number, record?: AuditNote }): Promise<boolean>
  /** Stores a fact. Resolves to false when `was` is not the stored version; nothing changes then. */
  keep(ask: KeepAsk): Promise<boolean>
  /** Lists the facts whose names start with `prefix`, by name. `since`: those that changed after this version, with
   *  value null for removed ones. */
  kept(ask: { prefix: string, since?: number }): Promise<Fact[]>
  /** Records an action that changes nothing in the engine, such as an edit of the configuration. */
  record(entry: AuditEntry): Promise<void>
  /** Resolves to the number of removed runs. */
  sweep(ask: SweepAsk): Promise<number>
  health(now: number): Promise<EngineHealth>
}

/** The names of all calls, for tests and wrappers that iterate over them. */
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
