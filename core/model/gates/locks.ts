import type { Gate, GateAsk, Reservation } from './gate.ts'
import { READ } from './gate.ts'
import { RANKS, urgencyOf } from './urgency.ts'

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

/** True for a run that comes before the one that waits to be alone, and for that run itself. */
const isAhead = ({ rank, due_at: due, run: id }: Reservation, ask: Pick<GateAsk, 'run' | 'task' | 'class'>): boolean => {
  const own = RANKS[urgencyOf(ask)]
  if (ask.run.id === id || own !== rank) return ask.run.id === id || own < rank
  return ask.run.due_at < due || (ask.run.due_at === due && ask.run.id !== undefined && ask.run.id < id)
}

/** Whether no run keeps it from running beside others, or alone if that is what it wants. */
export function mayJoin (ask: Pick<GateAsk, 'run' | 'task' | 'class' | 'standing'>): boolean {
  const { crowd, reserved = null } = ask.standing
  if ((crowd?.alone ?? null) !== null) return false
  if (ask.task?.alone === true && (crowd?.count ?? 0) > 0) return false
  return reserved === null || isAhead(reserved, ask)
}

/** Closed while a run that wants to be alone is running or comes first, and to such a run while any is. */
export const alone: Gate = ask => {
  const { task, standing: { crowd, reserved = null } } = ask
  const holder = crowd?.alone ?? null
  if (task?.alone !== true && holder === null && reserved === null) return null
  const count = crowd?.count ?? 0
  const ok = mayJoin(ask)
  const running = `${count} ${count === 1 ? 'run is' : 'runs are'} running`
  const message = holder !== null ? `${holder} is running, and runs alone` : task?.alone === true && count > 0 ? `it runs alone, and ${running}`
    : `run ${reserved?.run} of ${reserved?.task} comes first, which waits to run alone`
  return {
    gate: 'alone',
    ok,
    code: ok ? 'ok' : 'not_alone',
    message: ok ? 'no run is in its way' : message,
    observed: count,
    required: 0,
    ...READ,
    source: 'task definition /alone'
  }
}
