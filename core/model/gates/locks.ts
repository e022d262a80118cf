import type { Gate, GateInput, Reservation } from './gate.ts'
import { READ } from './gate.ts'
import type { Config } from '../config/config.ts'
import { milliseconds } from '../base/duration.ts'
import { RANKS, urgencyOf } from './urgency.ts'

/** From when on a run that is due then has waited for long, epoch ms: only critical and older runs come before it. */
export const agesAt = (due: number, { scheduling }: Pick<Config, 'scheduling'>): number =>
  due + milliseconds(scheduling.aging)

/** True for a run that comes before the one that others wait for, and for that run itself. Who has waited for long
 *  comes first. */
function isAhead (
  { rank, due_at: due, run: id }: Reservation,
  ask: Pick<GateInput, 'run' | 'task' | 'class' | 'now' | 'config'>
): boolean {
  const own = RANKS[urgencyOf(ask)]
  if (ask.run.id === id || own === RANKS.critical) return true
  const isAged = ask.now >= agesAt(ask.run.due_at, ask.config)
  if (isAged !== ask.now >= agesAt(due, ask.config)) return isAged
  if (!isAged && own !== rank) return own < rank
  return ask.run.due_at < due || (ask.run.due_at === due && ask.run.id !== undefined && ask.run.id < id)
}

/** The lock of a run that is kept for another one, or null. */
function keptLock (ask: GateInput): string | null {
  const { reserved = null } = ask.occupancy
  if (reserved === null || reserved.locks === null || isAhead(reserved, ask)) return null
  return ask.task?.locks.find(name => reserved.locks!.includes(name)) ?? null
}

/** Closed while a running run holds a lock that the task wants, or one is kept for a run that waits for several. */
export const locks: Gate = ask => {
  const { task, occupancy: { inUse, reserved } } = ask
  const wanted = task?.locks ?? []
  if (wanted.length === 0) return null
  const taken = wanted.find(name => inUse?.locks.has(name)) ?? null
  const kept = keptLock(ask)
  const ok = taken === null && kept === null
  const message = taken !== null
    ? `${inUse!.locks.get(taken)!} holds the lock ${taken}`
    : `the lock ${kept} is kept for run ${reserved?.run} of ${reserved?.task}, which has waited for several`
  return {
    gate: 'locks',
    ok,
    code: ok ? 'ok' : 'locked',
    message: ok ? 'nobody holds its locks' : message,
    observed: taken ?? kept,
    required: [...wanted],
    ...READ,
    source: 'task definition /locks'
  }
}

/** Whether no run keeps it from running beside others, or alone if that is what it wants. */
export function mayJoin (ask: Pick<GateInput, 'run' | 'task' | 'class' | 'occupancy' | 'now' | 'config'>): boolean {
  const { inUse, reserved = null } = ask.occupancy
  if ((inUse?.alone ?? null) !== null) return false
  if (ask.task?.alone === true && (inUse?.count ?? 0) > 0) return false
  return reserved === null || reserved.locks !== null || isAhead(reserved, ask)
}

/** Closed while a run that wants to be alone is running or comes first, and to such a run while any is. */
export const alone: Gate = ask => {
  const { task, occupancy: { inUse, reserved = null } } = ask
  const holder = inUse?.alone ?? null
  if (task?.alone !== true && holder === null && (reserved === null || reserved.locks !== null)) return null
  const count = inUse?.count ?? 0
  const ok = mayJoin(ask)
  const running = `${count} ${count === 1 ? 'run is' : 'runs are'} running`
  const message = holder !== null ? `${holder} is running, and runs alone` : task?.alone === true && count > 0
    ? `it runs alone, and ${running}`
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
