import { DAY } from '../../../model/base/duration.ts'
import { FINAL_STATES, SOURCES, STATES } from '../../../model/run/run.ts'
import type { Run, State } from '../../../model/run/run.ts'
import type { SweepAsk } from '../../engine.ts'
import type { Lane } from '../state/lanes.ts'
import { stateNumber } from '../mapping/state-number.ts'
import { rangeOf, lanesBelow } from '../state/index-ranges.ts'
import type { LaneState } from '../state/index-ranges.ts'
import { forgetGone } from '../rows/facts.ts'
import { forgetBuckets } from './claim-pools.ts'
import { trimRecords } from '../rows/audit-records.ts'
import { queuedOf } from '../lists/list-plan.ts'
import { removeRuns } from '../rows/remove-runs.ts'
import { toRun } from '../mapping/run-row.ts'
import type { RunRow } from '../mapping/run-row.ts'
import type { Tables } from '../state/tables.ts'

/** How long statistics are kept. */
const KEPT_MS = 400 * DAY

/** The maximum number of audit entries. */
const RECORDS = 100_000

/** The maximum number of empty lanes that one call removes. */
const LANES = 500

/** How long statistics are kept by hour. */
const HOURLY_MS = 45 * DAY

/** The oldest runs of a lane in a final state. */
function oldest (
  tables: Tables,
  { lane, state, before }: { lane: Lane, state: State, before: number },
  limit: number
): Run[] {
  const arms = SOURCES.map(source => rangeOf({ lane, state }, source))
  const sql = arms.map(arm => `select * from run ${arm.sql} and id < ? and finished_at < ?`).join(' union all ')
  const values = arms.flatMap(arm => [...arm.values, tables.ids.before(before), before])
  return tables.all<RunRow>(`${sql} order by id limit ?`, ...values, limit).map(row => toRun(row, lane))
}

/** Runs of these lanes and states that ended before an instant; at most `most` of them are removed. */
interface Old {
  lanes: Lane[]
  states: readonly State[]
  before: number
  most: number
}

function oldestOf (tables: Tables, { lanes, states, before }: Old, limit: number): Run[] {
  const found = lanes.flatMap(lane =>
    states
      .filter(state => lane.counts[stateNumber(state)]! > 0)
      .flatMap(state => oldest(tables, { lane, state, before }, limit))
  )
  return found.toSorted((a, b) => a.id < b.id ? -1 : 1).slice(0, limit)
}

const countOf = ({ counts }: Lane, states: readonly State[]): number =>
  states.reduce((sum, state) => sum + counts[stateNumber(state)]!, 0)

/** Removes finished runs that are too old, then those beyond the newest `keep` of their task; at most `limit` in total.
 */
export function sweep (tables: Tables, { now, before, keep, limit, dead_before }: SweepAsk): number {
  const states = dead_before === undefined ? FINAL_STATES : FINAL_STATES.filter(state => state !== 'failed')
  const lanes = [...tables.memory.lanes.byId.values()].filter(lane => countOf(lane, FINAL_STATES) > 0)
  let removed = removeOld(tables, agedOf(tables, lanes, { states, before }), limit)
  if (dead_before !== undefined) {
    removed += removeOld(
      tables,
      agedOf(tables, lanes, { states: ['failed'], before: dead_before }),
      limit - removed
    )
  }
  const beyond = [...Map.groupBy(lanes, ({ task }) => task).values()].map(
    same => ({ lanes: same, states, before: Infinity, most: countAll(same, states) - keep })
  )
  removed += removeOld(tables, beyond.filter(({ most }) => most > 0), limit - removed)
  if (removed > 0) forgetHolds(tables, now)
  tables.forgetBefore(now - KEPT_MS)
  tables.foldBefore(now - HOURLY_MS)
  forgetGone(tables, now)
  trimRecords(tables, { before: now - KEPT_MS, most: RECORDS })
  forgetBuckets(tables, now - KEPT_MS)
  forgetLanes(tables, now)
  return removed
}

/** Removes lanes without runs and their timelines, so that removed tasks and queues leave nothing behind. */
function forgetLanes (tables: Tables, now: number): void {
  const { lanes } = tables.memory
  const empty = lanes.byId.values().filter(({ counts }) => counts.every(count => count === 0))
  for (const lane of Array.from(empty.take(LANES))) {
    tables.holds.lanes.forget(lane.id, now - SET_BACK_MS)
    if (tables.holds.lanes.byLane.has(lane.id)) continue
    tables.run('delete from lane_hold where lane = ?', lane.id)
    tables.run('delete from lane where id = ?', lane.id)
    lanes.drop(lane)
  }
}

/** How far the clock may be set back before timelines that are still needed are removed. */
const SET_BACK_MS = DAY

/** Removes the timelines of lanes up to one day before their oldest run. After the clock was set back, the run with the
 *  lowest id need not be the oldest, and the next run may be older than all of them. */
function forgetHolds (tables: Tables, now: number): void {
  for (const id of Array.from(tables.holds.lanes.byLane.keys())) {
    const lane = tables.memory.lanes.byId.get(id)!
    const places = STATES.filter(state => lane.counts[stateNumber(state)]! > 0).map(state => ({ lane, state }))
    const first = Math.min(now, ...places.map(place => oldestAt(tables, place)))
    tables.holds.lanes.forget(id, first - SET_BACK_MS)
  }
}

/** When the oldest run of a lane in a state was created. */
function oldestAt (tables: Tables, place: LaneState): number {
  const arms = place.state === 'queued' ? [queuedOf(place.lane)] : SOURCES.map(source => rangeOf(place, source))
  const first = 'order by id limit 1'
  const born = arms.map(({ sql, values }) =>
    tables.one<{ at: number }>(`select created_at as at from run ${sql} ${first}`, ...values)?.at
  )
  return Math.min(...born.map(at => at ?? Infinity))
}

/** The lanes that may have runs that ended before an instant, found in one statement for a hundred thousand lanes. */
function agedOf (
  tables: Tables,
  lanes: readonly Lane[],
  { states, before }: { states: readonly State[], before: number }
): Old[] {
  const places = lanes.flatMap(
    lane => states.filter(state => lane.counts[stateNumber(state)]! > 0).map(state => ({ lane, state }))
  )
  const aged = lanesBelow(tables, places, tables.ids.before(before))
  return lanes.filter(({ id }) => aged.has(id)).map(lane => ({ lanes: [lane], states, before, most: Infinity }))
}

const countAll = (lanes: Lane[], states: readonly State[]): number =>
  lanes.reduce((sum, lane) => sum + countOf(lane, states), 0)

/** Removes the same share from each, until `limit` runs are removed: runs of the same age are neighbours in the file,
 *  so that few pages change. */
function removeOld (tables: Tables, all: readonly Old[], limit: number): number {
  let removed = 0
  let left = all
  while (left.length > 0 && removed < limit) {
    const share = Math.ceil((limit - removed) / left.length)
    const rich: Old[] = []
    for (const old of left) {
      const wanted = Math.min(share, old.most, limit - removed)
      const count = removeRuns(tables, oldestOf(tables, old, wanted))
      removed += count
      if (count === share && count < old.most) rich.push({ ...old, most: old.most - count })
    }
    left = rich
  }
  return removed
}
