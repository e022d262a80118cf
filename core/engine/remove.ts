import { decodeId } from '../model/id.ts'
import type { Run } from '../model/run.ts'
import type { Store } from './store.ts'

const BELONGINGS = ['payload', 'result', 'checkpoint', 'attempt', 'log', 'hold', 'used']

/** Removes finished runs with all that belongs to them. */
export function removeAll (store: Store, runs: readonly Run[]): number {
  for (const run of runs) remove(store, run)
  if (runs.length > 0) store.numbers.storeLast()
  return runs.length
}

function remove (store: Store, run: Run): void {
  const number = decodeId(run.id)
  if (store.linked) unlink(store, number)
  for (const table of BELONGINGS) store.sql(`delete from ${table} where run = ?`).run(number)
  store.sql('delete from run where id = ?').run(number)
  store.lanes.moved(store.lanes.of(run), run, null)
}

/** Its dependents that wait still have a use for its result. */
function unlink (store: Store, number: number | null): void {
  store.sql(`
    update dependency set result = (select json from result where run = dependency.prerequisite)
    where prerequisite = ? and (select state from run where id = dependency.run) <= 2`).run(number)
  store.sql('delete from dependency where run = ?').run(number)
}
