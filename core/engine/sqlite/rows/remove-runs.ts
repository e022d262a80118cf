import { decodeId } from '../../../model/run/id.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Tables } from '../state/tables.ts'

const BELONGINGS = ['payload', 'result', 'checkpoint', 'attempt', 'log', 'hold', 'used']

/** Removes finished runs and all their rows in other tables. Returns their number. */
export function removeRuns (tables: Tables, runs: readonly Run[]): number {
  if (runs.length === 0) return 0
  const numbers = runs.map(({ id }) => decodeId(id))
  if (tables.memory.hasDependencies) { for (const number of numbers) unlink(tables, number) }
  // One statement for each table: rows that are removed together are neighbours.
  const all = JSON.stringify(numbers)
  for (const table of BELONGINGS) tables.run(`delete from ${table} where run in (select value from json_each(?))`, all)
  tables.run('delete from run where id in (select value from json_each(?))', all)
  for (const run of runs) tables.memory.removed(run, tables.memory.lanes.of(run))
  tables.ids.storeLast()
  return runs.length
}

/** The maximum size of a result that is kept for a finished dependent, which may be retried by hand. */
const KEPT_BYTES = 64 * 1024

/** Keeps the result of a removed run for dependents that wait for it, or that did not complete and may be retried. */
function unlink (tables: Tables, number: number | null): void {
  tables.run(`
    update dependency set result = (select json from result where run = dependency.prerequisite)
    where prerequisite = ? and exists (
      select 1 from run where id = dependency.run and (state <= 2 or state <> 3 and
        (select length(json) from result where run = dependency.prerequisite) <= ?))`, number, KEPT_BYTES)
  tables.run('delete from dependency where run = ?', number)
}
