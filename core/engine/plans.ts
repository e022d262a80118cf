import type { NewRun, Run } from '../model/run/run.ts'
import type { Schedule } from '../model/schedule/schedule.ts'
import type { Overlap } from '../model/task/task.ts'
import type { AuditNote } from './reports.ts'

/** `version`: rises with each change of any schedule. `removed`: the schedule was removed; only lists with `since`
 *  include it. */
export type StoredSchedule = Schedule & { version: number, removed?: true }

/** The fires of one schedule, written in one change with its cursor. Nothing changes when the stored cursor is not
 *  `from`. */
export interface PlanAsk {
  schedule: Schedule
  /** The cursor that was read; null: the schedule is new or replaces another. */
  from: number | null
  /** The version that was read; null: there was none; absent: any. Nothing changes when the stored version differs. */
  was?: number | null
  fires: NewRun[]
  overlap: Overlap
  now: number
  /** True: the fire is in the future. Nothing changes when the overlap policy would count an unfinished run of the
   *  schedule, because that run may have finished by then. */
  early?: boolean
  record?: AuditNote
}

/** `stored`: the schedule after the call; null: there is none. `coalesced`: the number of fires that a waiting run now
 *  covers as well. `replaced`: the runs that were cancelled, or asked to stop, to make room. */
export interface PlanResult {
  applied: boolean
  stored: StoredSchedule | null
  added: Run[]
  skipped: Run[]
  coalesced: number
  replaced: Run[]
}
