import type { DeadGroup } from '../../reports.ts'
import type { Lane } from '../state/lanes.ts'
import { stateNumber } from '../mapping/state-number.ts'
import type { RunRow } from '../mapping/run-row.ts'
import type { Tables } from '../state/tables.ts'

interface FingerprintRow {
  fingerprint: string
  count: number
  first_at: number
  last_at: number
  newest: number
}

/** Failed runs by task and fingerprint, newest first. */
export function deadGroups (tables: Tables, { task }: { task?: string }): DeadGroup[] {
  const lanes = task === undefined ? [...tables.memory.lanes.byId.values()] : tables.memory.lanes.ofTask(task)
  const groups = new Map<string, DeadGroup>()
  for (const lane of lanes.filter(({ counts }) => counts[stateNumber('failed')]! > 0)) {
    for (const row of rowsOf(tables, lane)) {
      const name = `${lane.task}/${row.fingerprint}`
      groups.set(name, joined(groups.get(name), groupOf(tables, lane, row)))
    }
  }
  return [...groups.values()].toSorted((a, b) => b.last_at - a.last_at)
}

// With a bare column beside one max(), SQLite takes it from the row that has it:
// https://sqlite.org/lang_select.html#bareagg
const rowsOf = (tables: Tables, lane: Lane): FingerprintRow[] =>
  tables.all<FingerprintRow>(`
  select fingerprint, count(*) as count, (select min(finished_at) from run as other indexed by run_died
    where other.lane = run.lane and other.fingerprint = run.fingerprint) as first_at, max(finished_at) as last_at, id
      as newest
  from run indexed by run_died
  where lane = ? and fingerprint is not null
  group by fingerprint`, lane.id)

function groupOf (
  tables: Tables,
  lane: Lane,
  { fingerprint, count, first_at, last_at, newest }: FingerprintRow
): DeadGroup {
  const { error, reason } = tables.toRun(tables.one<RunRow>('select * from run where id = ?', newest)!)
  return {
    task: lane.task,
    fingerprint,
    count,
    message: error?.message ?? reason?.message ?? '',
    ...error?.at !== undefined && { at: error.at },
    first_at,
    last_at
  }
}

function joined (a: DeadGroup | undefined, b: DeadGroup): DeadGroup {
  if (!a) return b
  const newest = a.last_at >= b.last_at ? a : b
  return { ...newest, count: a.count + b.count, first_at: Math.min(a.first_at, b.first_at) }
}
