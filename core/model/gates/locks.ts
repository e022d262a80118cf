import type { Gate } from './gate.ts'
import { READ } from './gate.ts'

/** Closed while a running run holds a lock that the task wants. */
export const locks: Gate = ({ task, standing: { crowd } }) => {
  const wanted = task?.locks ?? []
  if (wanted.length === 0) return null
  const taken = wanted.find(name => crowd?.locks.has(name))
  const holder = taken === undefined ? null : crowd!.locks.get(taken)!
  return {
    gate: 'locks',
    ok: holder === null,
    code: holder === null ? 'ok' : 'locked',
    message: holder === null ? 'nobody holds its locks' : `${holder} holds the lock ${taken}`,
    observed: taken ?? null,
    required: [...wanted],
    ...READ,
    source: 'task definition /locks'
  }
}

/** Closed while a run that wants to be alone is running, and to such a run while any is. */
export const alone: Gate = ({ task, standing: { crowd } }) => {
  const holder = crowd?.alone ?? null
  if (task?.alone !== true && holder === null) return null
  const count = crowd?.count ?? 0
  const ok = holder === null && count === 0
  return {
    gate: 'alone',
    ok,
    code: ok ? 'ok' : 'not_alone',
    message: ok ? 'no run is running' : holder !== null ? `${holder} is running, and runs alone` : `it runs alone, and ${count} ${count === 1 ? 'run is' : 'runs are'} running`,
    observed: count,
    required: 0,
    ...READ,
    source: 'task definition /alone'
  }
}
