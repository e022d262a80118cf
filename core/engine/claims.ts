import type { Bucket } from '../model/config/queue.ts'
import type { Json } from '../model/json/json.ts'
import type { Blame } from '../model/run/crash-suspect.ts'
import type { Cohort, DueCohort, Offer } from '../model/run/cohort.ts'
import type { Outcome } from '../model/run/outcome.ts'
import type { Child, Lease, Progress, Reason, Run } from '../model/run/run.ts'
import type { Usage } from '../model/run/usage.ts'
import type { LogLine } from './reports.ts'

/** What the running runs of other owners occupy: the number of runs by task and by queue, and for each lock the id of
 *  the run that has it. */
export interface OtherOwners {
  tasks: Record<string, number>
  queues: Record<string, number>
  locks: Record<string, string>
}

/** `singles`: due runs without a cohort. Order: runs with `now` first, then deadline_at (null last), due_at, id. Runs
 *  that are equal in task, queue, priority, `now` and whether a schedule added them form a group; of each group the
 *  list has the first 100, the 100 whose deadlines have counted longest, and the last 100 by due_at. `next_at`: the
 *  earliest instant after `now` at which a queued run becomes due, or null. `rates`: the stored rate buckets by queue.
 */
export interface DueRuns {
  cohorts: DueCohort[]
  singles: Run[]
  next_at: number | null
  others: OtherOwners
  rates: Record<string, Bucket>
}

/** `pools`: the number of runs that may still start, by name; an absent pool has no limit. Pools named `task/<id>`,
 *  `queue/<name>`, `lock/<name>` and `nobody` are shared with other owners: the engine subtracts their running runs
 *  first, in the same change; each of them takes one from `nobody`. `limit`: the maximum number of runs that the call
 *  claims. `rates`: by queue; a run of such a queue takes one token from the bucket that the engine stores. */
export interface ClaimAsk {
  owner: string
  now: number
  lease_until: number
  offers: readonly Offer[]
  pools: Record<string, number>
  limit?: number
  rates?: Record<string, { count: number, per_ms: number }>
}

/** A run with what its attempt needs. `offer`: the index of the offer that claimed it. `results`: those of its
 *  prerequisites, by ref, or by id where there is no ref; absent when it has no prerequisites. */
export type Claimed = Run & { payload: Json, checkpoint: Json, results?: Record<string, Json>, offer: number }

/** The report of a running run. `checkpoint` undefined: unchanged. */
export interface Report {
  lease: Lease
  now: number
  progress?: Progress
  checkpoint?: Json
  child?: Child | null
  logs?: LogLine[]
}

/** `used`: the usage of the attempt. `begun` false: the attempt never began, and the run goes back to the
 *  queue without an entry in its attempts. */
export interface Settlement {
  lease: Lease
  outcome: Outcome
  now: number
  progress?: Progress | null
  logs?: LogLine[]
  used?: Usage
  begun?: boolean
}

/** The stored running runs of an owner. A run that is not listed no longer belongs to it. `cancel`: those that
 *  must stop. */
export interface OwnedRuns {
  running: Lease[]
  cancel: (Lease & { reason: Reason })[]
}

/** Running runs whose owners' leases have expired are queued again (`restart`) or failed. A run that may have ended
 *  `crash_cap` processes, the last of them alone, is failed. `sharesOf` decides which runs are charged with a crash. */
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

/** An owner's verdict on why runs wait, from `at` on; `code` null: nothing holds them any more. It applies to the runs
 *  of a cohort that are due in [from, until], or to one run by its id. The same code with another message starts a new
 *  entry once the open one is a minute old. */
export interface HoldEntry {
  owner: string
  at: number
  code: string | null
  message: string
  cohort?: Cohort & { from: number, until: number }
  id?: string
}
