import type { DueCohort } from '../../../model/run/cohort.ts'
import type { DueRuns } from '../../engine.ts'
import type { Run } from '../../../model/run/run.ts'
import { cohortOfLane } from '../state/lanes.ts'
import type { Lane } from '../state/lanes.ts'
import { toRun } from '../mapping/run-row.ts'
import type { RunRow } from '../mapping/run-row.ts'
import { QUEUED, queuedIn } from '../state/tables.ts'
import type { Tables } from '../state/tables.ts'

/** The runs that could start at `now`, without a scan: lanes count their due runs, and due single runs are in
 *  memory. */
export function due (tables: Tables, { now, owner }: { now: number, owner: string }): DueRuns {
  const { lanes, singles, buckets } = tables.memory
  const cohorts: DueCohort[] = []
  let next = Infinity
  for (const lane of lanes.waiting) {
    if (lane.span === null) continue
    const count = lanes.dueAt(lane, now)
    next = Math.min(next, lane.later ?? Infinity)
    if (count > 0) cohorts.push({ ...cohortOfLane(lane), count, first: firstOf(tables, lane) })
  }
  const alone = singles.at(now).map(single => ({ ...single.run ??= tables.read(single.id)! }))
  next = Math.min(next, singles.later)
  return {
    cohorts,
    singles: alone,
    next_at: next === Infinity ? null : next,
    others: tables.memory.others(owner),
    rates: Object.fromEntries(buckets)
  }
}

/** The earliest instant after `now` at which a queued run becomes due, as far as memory has it, or null. */
export function nextKnown ({ memory: { lanes, singles } }: Tables, now: number): number | null {
  let next = Infinity
  const known = [...[...lanes.waiting].flatMap(({ later, first }) => [later, first?.due_at ?? null]), singles.later]
  for (const at of known) if (at !== null && at > now) next = Math.min(next, at)
  return next === Infinity ? null : next
}

/** The first queued run of a lane. */
function firstOf (tables: Tables, lane: Lane): Run {
  if (lane.first === null) {
    const row = tables.one<RunRow>(`select * from run where ${QUEUED} order by due_at, id limit 1`, ...queuedIn(lane))!
    tables.memory.journal.set<Lane, 'first'>(lane, 'first', toRun(row, lane))
  }
  return lane.first!
}
