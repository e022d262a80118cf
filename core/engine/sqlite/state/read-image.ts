import { FINAL_STATES, STATES } from '../../../model/run/run.ts'
import { encodeId } from '../../../model/run/id.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from '../mapping/state-number.ts'
import { IN_RUN_LANE } from './index-ranges.ts'
import { laneKey } from '../mapping/lane-row.ts'
import type { RunRow } from '../mapping/run-row.ts'
import type { Tables } from './tables.ts'

type LaneImageRow =
  & {
    id: number
    task: string
    queue: string
    priority: number
    span: number
    scheduled: number
    last: number | null
  }
  & Record<typeof FINAL_STATES[number], number>

/** Reads the image of the tables into memory that is empty. */
export function readImage (tables: Tables): void {
  const { memory } = tables
  for (
    const { name, lease_until: until } of tables.all<{ name: string, lease_until: number }>(
      'select name, lease_until from owner'
    )
  ) memory.owners.set(name, until)
  for (
    const { queue, tokens, at } of tables.all<{
      queue: string
      tokens: number
      at: number
    }>('select queue, tokens, at from rate')
  ) memory.buckets.set(queue, { tokens, at })
  for (const row of tables.all<LaneImageRow>('select * from lane order by id')) readLane(tables, row)
  memory.versions.fact = tables.one<{ n: number }>('select coalesce(max(version), 0) as n from fact')!.n
  memory.versions.schedule = tables.one<{ n: number }>('select coalesce(max(version), 0) as n from schedule')!.n
  memory.hasDependencies = tables.one('select 1 from dependency limit 1') !== undefined
  for (
    const { id } of tables.all<{ id: number }>('select distinct prerequisite as id from dependency where state is null')
  ) memory.awaited.add(encodeId(id))
  tables.ids.read()
  tables.holds.read()
}

function readLane (tables: Tables, row: LaneImageRow): void {
  const counts = STATES.map(state => row[state as typeof FINAL_STATES[number]] ?? 0)
  const open = tables.all<{ state: number, n: number }>(`
    select state, count(*) as n from run indexed by run_lane where ${IN_RUN_LANE} and lane = ? and state in (0, 2)
    group by state
    union all
    select 1, count(*) from run indexed by run_queued where state = 1 and lane = ?`, row.id, row.id)
  for (const { state, n } of open) counts[state] = n
  const lane = tables.memory.lanes.hold(row.id, { ...laneKey(row), counts })
  lane.last = row.last === null ? null : tables.read(encodeId(row.last))
  if (counts[stateNumber('running')]! > 0) readRunning(tables, lane)
}

function readRunning (tables: Tables, lane: Lane): void {
  for (
    const row of tables.all<RunRow>(
      `select * from run indexed by run_lane where ${IN_RUN_LANE} and lane = ? and state = 2`,
      lane.id
    )
  ) {
    const run = { ...tables.toRun(row), lease_until: null }
    tables.memory.running.set(run.id, run)
  }
}
