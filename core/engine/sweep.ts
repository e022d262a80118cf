import { DAY } from '../model/duration.ts'
import { FINAL_STATES } from '../model/run.ts'
import type { Run, State } from '../model/run.ts'
import type { SweepAsk } from './engine.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from './lanes.ts'
import { removeAll } from './remove.ts'
import { toRun } from './rows.ts'
import type { RunRow } from './rows.ts'
import type { Store } from './store.ts'

/** How long sums over runs that may be gone are kept. */
const KEPT_MS = 400 * DAY

/** How long they are kept by the hour. */
const HOURLY_MS = 45 * DAY

/** Oldest first, of one lane and final state. */
const oldest = (store: Store, { lane, state, before }: { lane: Lane, state: State, before: number }, limit: number): Run[] => store.all<RunRow>(`
  select * from run
  where lane = ? and state = ? and id < ? and finished_at < ?
  order by id limit ?`, lane.id, stateNumber(state), store.numbers.before(before), before, limit).map(row => toRun(row, lane))

/** Runs of these lanes in these states that ended before an instant, oldest first. */
interface Old { lanes: Lane[], states: readonly State[], before: number }

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
  let removed = 0
  const take = (old: Old, most = limit) => { removed += removeAll(store, oldestOf(store, old, Math.min(most, limit - removed))) }
  for (const lane of lanes) take({ lanes: [lane], states, before })
  if (dead_before !== undefined) for (const lane of lanes) take({ lanes: [lane], states: ['failed'], before: dead_before })
  for (const [, same] of Map.groupBy(lanes, ({ task }) => task)) {
    const excess = same.reduce((sum, lane) => sum + countOf(lane, states), 0) - keep
    if (excess > 0 && removed < limit) take({ lanes: same, states, before: Infinity }, excess)
  }
  store.forgetBefore(now - KEPT_MS)
  store.foldBefore(now - HOURLY_MS)
  return removed
}
