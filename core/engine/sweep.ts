import { DAY } from '../model/duration.ts'
import { FINAL_STATES } from '../model/run.ts'
import type { Run, State } from '../model/run.ts'
import type { SweepAsk } from './engine.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from './lanes.ts'
import { toRun } from './rows.ts'
import type { RunRow } from './rows.ts'
import type { Store } from './store.ts'

/** How long the sums by day are kept. */
const KEPT_MS = 400 * DAY

/** Oldest first, of one lane and final state. */
const oldest = (store: Store, { lane, state, before }: { lane: Lane, state: State, before: number }, limit: number): Run[] => store.all<RunRow>(`
  select * from run
  where lane = ? and state = ? and id < ? and finished_at < ?
  order by id limit ?`, lane.id, stateNumber(state), store.numbersBefore(before), before, limit).map(row => toRun(row, lane))

function oldestOf (store: Store, lanes: Lane[], before: number, limit: number): Run[] {
  const found = lanes.flatMap(lane => FINAL_STATES
    .filter(state => lane.counts[stateNumber(state)]! > 0)
    .flatMap(state => oldest(store, { lane, state, before }, limit)))
  return found.toSorted((a, b) => a.id < b.id ? -1 : 1).slice(0, limit)
}

const finishedOf = ({ counts }: Lane): number => FINAL_STATES.reduce((sum, state) => sum + counts[stateNumber(state)]!, 0)

/** Removes finished runs that are too old, then those beyond the newest `keep` of their task; at most `limit` in all. */
export function sweep (store: Store, { now, before, keep, limit }: SweepAsk): number {
  const lanes = [...store.lanes.byId.values()].filter(lane => finishedOf(lane) > 0)
  let removed = 0
  for (const lane of lanes) removed += removeAll(store, oldestOf(store, [lane], before, limit - removed))
  for (const [, same] of Map.groupBy(lanes, ({ task }) => task)) {
    const excess = same.reduce((sum, lane) => sum + finishedOf(lane), 0) - keep
    const many = Math.min(excess, limit - removed)
    if (many <= 0) continue
    removed += removeAll(store, oldestOf(store, same, Infinity, many))
  }
  if (removed > 0) store.storeLastNumber()
  store.holds.forgetBefore(now - KEPT_MS)
  return removed
}

function removeAll (store: Store, runs: Run[]): number {
  for (const run of runs) store.remove(run)
  return runs.length
}
