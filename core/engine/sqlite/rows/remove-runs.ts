import { decodeId } from '../../../model/run/id.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Tables } from '../state/tables.ts'

const BELONGINGS = ['payload', 'result', 'checkpoint', 'attempt', 'log', 'hold', 'used']

/** Removes finished runs with all that belongs to them. */
export function removeRuns (tables: Tables, runs: readonly Run[]): number {
  if (runs.length === 0) return 0
  const numbers = runs.map(({ id }) => decodeId(id))
  if (tables.memory.hasDependencies) { for (const number of numbers) unlink(tables, number) }
  // Table by table: what is removed together lies together.
  const all = JSON.stringify(numbers)
  for (const table of BELONGINGS) tables.run(`delete from ${table} where run in (select value from json_each(?))`, all)
  tables.run('delete from run where id in (select value from json_each(?))', all)
  for (const run of runs) tables.memory.removed(run, tables.memory.lanes.of(run))
  tables.ids.storeLast()
  return runs.length
}

/** So much of a result is kept for a dependent that is over: it may be tried again by hand. */
const KEPT_BYTES = 64 * 1024

/** Its dependents that wait still have a use for its result, and those that did not complete may have one. */
function unlink (tables: Tables, number: number | null): void {
  tables.run(`
    update dependency set result = (select json from result where run = dependency.prerequisite)
    where prerequisite = ? and exists (
      select 1 from run where id = dependency.run and (state <= 2 or state <> 3 and
        (select length(json) from result where run = dependency.prerequisite) <= ?))`, number, KEPT_BYTES)
  tables.run('delete from dependency where run = ?', number)
}
