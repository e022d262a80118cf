import type { SweepAsk } from './engine.ts'
import type { Lane } from './lanes.ts'
import type { RunRow } from './rows.ts'
import type { Store } from './store.ts'

type Old = Pick<RunRow, 'id'> & { finished_at: number }

/** Where the final states begin in STATES. */
const FINAL = 3

const oldest = (store: Store, lane: Lane, before: number, limit: number): Old[] => store.all<Old>(`
  select id, finished_at from run
  where state >= 3 and lane = ? and finished_at < ?
  order by finished_at, id limit ?`, lane.id, before, limit)

const finishedOf = ({ counts }: Lane): number => counts.slice(FINAL).reduce((sum, count) => sum + count, 0)

/** Removes finished runs that are too old, then those beyond the newest `keep` of their task; at most `limit` in all. */
export function sweep (store: Store, { before, keep, limit }: SweepAsk): number {
  const lanes = [...store.lanes.byId.values()].filter(lane => finishedOf(lane) > 0)
  let removed = 0
  for (const lane of lanes) removed += removeAll(store, oldest(store, lane, before, limit - removed))
  for (const [, same] of Map.groupBy(lanes, ({ task }) => task)) {
    const excess = same.reduce((sum, lane) => sum + finishedOf(lane), 0) - keep
    const many = Math.min(excess, limit - removed)
    if (many <= 0) continue
    const rows = same.flatMap(lane => oldest(store, lane, Infinity, many))
    removed += removeAll(store, rows.toSorted((a, b) => a.finished_at - b.finished_at || a.id - b.id).slice(0, many))
  }
  if (removed > 0) store.storeLastNumber()
  return removed
}

function removeAll (store: Store, rows: Old[]): number {
  for (const { id } of rows) store.remove(store.toRun(store.one<RunRow>('select * from run where id = ?', id)!))
  return rows.length
}
