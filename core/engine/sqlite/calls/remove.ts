import { decodeId } from '../../../model/run/id.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Store } from '../state/store.ts'

const BELONGINGS = ['payload', 'result', 'checkpoint', 'attempt', 'log', 'hold', 'used']

/** Removes finished runs with all that belongs to them. */
export function removeAll (store: Store, runs: readonly Run[]): number {
  if (runs.length === 0) return 0
  const numbers = runs.map(({ id }) => decodeId(id))
  if (store.linked) for (const number of numbers) unlink(store, number)
  // Table by table: what is removed together lies together.
  const all = JSON.stringify(numbers)
  for (const table of BELONGINGS) store.sql(`delete from ${table} where run in (select value from json_each(?))`).run(all)
  store.sql('delete from run where id in (select value from json_each(?))').run(all)
  for (const run of runs) store.lanes.moved(store.lanes.of(run), run, null)
  store.numbers.storeLast()
  return runs.length
}

/** Its dependents that wait still have a use for its result. */
function unlink (store: Store, number: number | null): void {
  store.sql(`
    update dependency set result = (select json from result where run = dependency.prerequisite)
    where prerequisite = ? and (select state from run where id = dependency.run) <= 2`).run(number)
  store.sql('delete from dependency where run = ?').run(number)
}
