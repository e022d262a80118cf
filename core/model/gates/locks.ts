import type { Gate, GateInput, Reservation } from '../conditions/gate.ts'
import { READ } from '../conditions/gate.ts'
import type { Config } from '../config/config.ts'
import { milliseconds } from '../base/duration.ts'
import { RANKS, urgencyOf } from '../conditions/urgency.ts'

/** When a run counts as aged, epoch ms: from then on only critical and older runs go first. */
export const agesAt = (due: number, { scheduling }: Pick<Config, 'scheduling'>): number =>
  due + milliseconds(scheduling.aging)

/** True for the run with the reservation and for runs that go before it. Aged runs go first. */
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

/** A lock of the run that is reserved for another one, or null. */
function keptLock (ask: GateInput): string | null {
  const { reserved = null } = ask.occupancy
  if (reserved === null || reserved.locks === null || isAhead(reserved, ask)) return null
  return ask.task?.locks.find(name => reserved.locks!.includes(name)) ?? null
}

/** Closed while a lock of the task is held by a running run, or reserved for a run that waits for several locks. */
export const locks: Gate = ask => {
  const { task, occupancy: { inUse, reserved } } = ask
  const wanted = task?.locks ?? []
  if (wanted.length === 0) return null
  const taken = wanted.find(name => inUse?.locks.has(name)) ?? null
  const kept = keptLock(ask)
  const ok = taken === null && kept === null
  const message = taken !== null
    ? `lock ${taken} is held by ${inUse!.locks.get(taken)!}`
    : `lock ${kept} is reserved for run ${reserved?.run} of ${reserved?.task}`
  return {
    gate: 'locks',
    ok,
    code: ok ? 'ok' : 'locked',
    message: ok ? 'its locks are free' : message,
    observed: taken ?? kept,
    required: [...wanted],
    ...READ,
    source: 'task definition /locks'
  }
}

/** Whether the run may start beside the running runs, or alone when its task requires that. */
export function mayJoin (ask: Pick<GateInput, 'run' | 'task' | 'class' | 'occupancy' | 'now' | 'config'>): boolean {
  const { inUse, reserved = null } = ask.occupancy
  if ((inUse?.alone ?? null) !== null) return false
  if (ask.task?.alone === true && (inUse?.count ?? 0) > 0) return false
  return reserved === null || reserved.locks !== null || isAhead(reserved, ask)
}

/** Closed while a run of an `alone` task is running or goes first; for a run of such a task, while any run is
 *  running. */
export const alone: Gate = ask => {
  const { task, occupancy: { inUse, reserved = null } } = ask
  const holder = inUse?.alone ?? null
  if (task?.alone !== true && holder === null && (reserved === null || reserved.locks !== null)) return null
  const count = inUse?.count ?? 0
  const ok = mayJoin(ask)
  const running = `${count} ${count === 1 ? 'run is' : 'runs are'} running`
  const message = holder !== null ? `${holder} is running alone` : task?.alone === true && count > 0
    ? `needs to run alone, ${running}`
    : `run ${reserved?.run} of ${reserved?.task} goes first and needs to run alone`
  return {
    gate: 'alone',
    ok,
    code: ok ? 'ok' : 'not_alone',
    message: ok ? 'no conflicting run' : message,
    observed: count,
    required: 0,
    ...READ,
    source: 'task definition /alone'
  }
}
