import { DAY } from '../../../model/base/duration.ts'
import { FINAL_STATES, SOURCES } from '../../../model/run/run.ts'
import type { Run, State } from '../../../model/run/run.ts'
import type { SweepAsk } from '../../engine.ts'
import type { Lane } from '../state/lanes.ts'
import { stateNumber } from '../state/lanes.ts'
import { armOf, lanesBelow } from '../state/ranges.ts'
import { removeAll } from './remove.ts'
import { toRun } from '../state/rows.ts'
import type { RunRow } from '../state/rows.ts'
import type { Store } from '../state/store.ts'

/** How long sums over runs that may be gone are kept. */
const KEPT_MS = 400 * DAY

/** How long they are kept by the hour. */
const HOURLY_MS = 45 * DAY

/** Oldest first, of one lane and final state. */
function oldest (store: Store, { lane, state, before }: { lane: Lane, state: State, before: number }, limit: number): Run[] {
  const arms = SOURCES.map(source => armOf({ lane, state }, source))
  const sql = arms.map(arm => `select * from run ${arm.sql} and id < ? and finished_at < ?`).join(' union all ')
  const values = arms.flatMap(arm => [...arm.values, store.numbers.before(before), before])
  return store.all<RunRow>(`${sql} order by id limit ?`, ...values, limit).map(row => toRun(row, lane))
}

/** Runs of these lanes in these states that ended before an instant, and how many of them may go at most. */
interface Old { lanes: Lane[], states: readonly State[], before: number, most: number }

function oldestOf (store: Store, { lanes, states, before }: Old, limit: number): Run[] {
  const found = lanes.flatMap(lane => states
    .filter(state => lane.counts[stateNumber(state)]! > 0)
    .flatMap(state => oldest(store, { lane, state, before }, limit)))
  return found.toSorted((a, b) => a.id < b.id ? -1 : 1).slice(0, limit)
}

const countOf = ({ counts }: Lane, states: readonly State[]): number => states.reduce((sum, state) => sum + counts[stateNumber(state)]!, 0)

/** Removes finished runs that are too old, then those beyond the newest `keep` of their task; at most `limit` in all. */
export function sweep (store: Store, { now, before, keep, limit, dead_before }: SweepAsk): number {
  const states = dead_before === undefined ? FINAL_STATES : FINAL_STATES.filter(state => state !== 'failed')
  const lanes = [...store.lanes.byId.values()].filter(lane => countOf(lane, FINAL_STATES) > 0)
  let removed = removeOld(store, agedOf(store, lanes, { states, before }), limit)
  if (dead_before !== undefined) removed += removeOld(store, agedOf(store, lanes, { states: ['failed'], before: dead_before }), limit - removed)
  const beyond = [...Map.groupBy(lanes, ({ task }) => task).values()].map(same => ({ lanes: same, states, before: Infinity, most: countAll(same, states) - keep }))
  removed += removeOld(store, beyond.filter(({ most }) => most > 0), limit - removed)
  store.forgetBefore(now - KEPT_MS)
  store.foldBefore(now - HOURLY_MS)
  return removed
}

/** Of each lane that may have some what ended before an instant: a hundred thousand lanes need not be asked one by one. */
function agedOf (store: Store, lanes: readonly Lane[], { states, before }: { states: readonly State[], before: number }): Old[] {
  const places = lanes.flatMap(lane => states.filter(state => lane.counts[stateNumber(state)]! > 0).map(state => ({ lane, state })))
  const aged = lanesBelow(store, places, store.numbers.before(before))
  return lanes.filter(({ id }) => aged.has(id)).map(lane => ({ lanes: [lane], states, before, most: Infinity }))
}

const countAll = (lanes: Lane[], states: readonly State[]): number => lanes.reduce((sum, lane) => sum + countOf(lane, states), 0)

/** The same share of each, as long as there is something left to remove: what is equally old lies side by side in the file,
 *  and few of its pages change. */
function removeOld (store: Store, all: readonly Old[], limit: number): number {
  let removed = 0
  let left = all
  while (left.length > 0 && removed < limit) {
    const share = Math.ceil((limit - removed) / left.length)
    const rich: Old[] = []
    for (const old of left) {
      const wanted = Math.min(share, old.most, limit - removed)
      const count = removeAll(store, oldestOf(store, old, wanted))
      removed += count
      if (count === share && count < old.most) rich.push({ ...old, most: old.most - count })
    }
    left = rich
  }
  return removed
}
