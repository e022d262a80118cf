import type { Json } from '../model/json/json.ts'
import type { Failure } from '../model/run/outcome.ts'
import type { Priority, Reason, Run } from '../model/run/run.ts'
import type { QueueBound } from './additions.ts'
import type { AuditNote, RunFilter } from './reports.ts'

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

/** `by`: who edits; recorded as an edit unless `record` is present. `run_now`: sets `Run.now`. Absent members stay
 *  as they are. */
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

/** Applies one action to the runs that the filter selects and that the action applies to, newest first. Without states
 *  in the filter, cancel selects unfinished runs, retry failed runs, remove finished runs, and promote runs that are
 *  not due yet. `limit`: the maximum number of changed runs, at most 1,000. `cursor`: `BulkResult.next` of the previous
 *  call. `place`: the number of runs that the previous calls changed; `every_ms`: the interval between the due times of
 *  retried runs. `reason`: when present, the action is recorded. `tasks`: restricts the runs to these tasks. `bounds`:
 *  the maximum number of waiting runs by queue, for retry. */
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

/** `matched`: the number of runs that the action applied to at the first call; null with a cursor. `runs`: the changed
 *  runs, as they are now, or as they were before they were removed. `refused`: the number of runs that did not fit into
 *  their queues, by queue; of a dry run, those that would not fit. `next`: the cursor of the next call; null: no runs
 *  are left. */
export interface BulkResult {
  matched: number | null
  runs: Run[]
  refused: Record<string, number>
  next: string | null
}

/** Waiting runs whose deadline has passed and that expire at it, earliest deadline first, and the next deadline. */
export interface Overdue {
  runs: Run[]
  next_at: number | null
}

/** Removes at most `limit` finished runs: those that ended before `before`, and those beyond the newest `keep` of their
 *  task. With `dead_before`, failed runs are removed only by that instant. */
export interface SweepAsk {
  now: number
  before: number
  keep: number
  limit: number
  dead_before?: number
}

/** A small stored value; `at` is when it was stored. `version` rises with each change of any fact. */
export interface Fact {
  name: string
  value: Json
  at: number
  version: number
}

/** `value` null: removes the fact. `was`: the version that was read; null: there was none; absent: any. */
export interface KeepAsk {
  name: string
  value: Json
  now: number
  was?: number | null
  record?: AuditNote
}
