import { agesAt } from '../gates/locks.ts'
import { rankOf } from './judged.ts'
import type { Judged, OffersAsk } from './judged.ts'
import type { Reservation } from '../conditions/gate.ts'
import type { Task } from '../task/task.ts'

/** Gates that other runs close. A run is reserved for only while no other gate holds it. */
const OF_OTHERS = ['alone', 'locks', 'slots', 'priority', 'profile', 'background']

type Aged = Reservation & { aged: boolean }

const comesFirst = (a: Aged, b: Aged): boolean =>
  a.aged !== b.aged
    ? a.aged
    : a.rank !== b.rank
    ? a.rank < b.rank
    : a.due_at !== b.due_at
    ? a.due_at < b.due_at
    : a.run < b.run

/** The reservation a run needs because other runs could keep it waiting forever: to run alone, or, once it is aged,
 *  several locks at once. Null when it needs none. */
function needOf ({ run, judgement }: Judged, task: Task, ask: OffersAsk): Pick<Aged, 'locks' | 'aged'> | null {
  if (!task.alone && task.locks.length < 2) return null
  if (judgement.gates.some(({ ok, gate }) => !ok && !OF_OTHERS.includes(gate))) return null
  const aged = ask.config !== undefined && ask.now >= agesAt(run.due_at, ask.config)
  return task.alone || aged ? { locks: task.alone ? null : task.locks, aged } : null
}

/** The reservation for the first run that needs one, aged runs first; null when none does. */
export function reservationFor (judged: readonly Judged[], ask: OffersAsk): Reservation | null {
  let first: Aged | null = null
  for (const one of judged) {
    const task = ask.tasks.get(one.run.task)
    const need = task === undefined ? null : needOf(one, task, ask)
    if (task === undefined || need === null) continue
    const found = { task: task.id, run: one.run.id, rank: rankOf(one, task), due_at: one.run.due_at, ...need }
    if (first === null || comesFirst(found, first)) first = found
  }
  return first
}
