import type { HoldEntry, Overdue } from '../../engine.ts'
import type { Memory } from '../state/memory.ts'
import type { RunRow } from '../mapping/run-row.ts'
import type { Tables } from '../state/tables.ts'

/** Writes verdicts to the timelines of queued runs. */
export function hold (tables: Tables, entries: readonly HoldEntry[]): void {
  const { lanes } = tables.memory
  for (const entry of entries) {
    const { cohort, id } = entry
    const lane = cohort && lanes.find(cohort)
    if (lane && (lanes.waiting.has(lane) || entry.code === null)) tables.holds.sayOf(lane, entry)
    if (id !== undefined && tables.read(id)?.state === 'queued') tables.holds.runs.record(id, entry)
  }
}

const DEADLINES = 'from run indexed by run_deadline where expires = 1 and state <= 1'

/** Waiting runs that expire and whose deadline has passed, and the next deadline. No statement runs before the earliest
 *  deadline; `next_at` is then a lower bound. */
export function overdue (tables: Tables, { now, limit }: { now: number, limit: number }): Overdue {
  if (now < tables.memory.deadline) {
    return {
      runs: [],
      next_at: tables.memory.deadline === Infinity ? null : tables.memory.deadline
    }
  }
  const rows = tables.all<RunRow>(`select * ${DEADLINES} and deadline_at <= ? order by deadline_at limit ?`, now, limit)
  const next = tables.one<{ at: number }>(
    `select deadline_at as at ${DEADLINES} and deadline_at > ? order by deadline_at limit 1`,
    now
  )
  tables.memory.journal.set<Memory, 'deadline'>(tables.memory, 'deadline', rows[0]?.deadline_at ?? next?.at ?? Infinity)
  return { runs: rows.map(row => tables.toRun(row)), next_at: next?.at ?? null }
}
