import { PREFETCH_RANK } from '../conditions/urgency.ts'
import { Pools, trialLock } from './pools.ts'
import { AGING, agedPriorities, deadlineOf } from '../conditions/relaxation.ts'
import { ALONE } from '../conditions/occupancy.ts'
import { FIRST, dueNow, judgeAll, rankOf } from './judged.ts'
import { reservationFor } from './reservation.ts'
import type { AdmissionInput } from './admission-input.ts'
import type { Aging } from '../conditions/relaxation.ts'
import type { Demand } from './pools.ts'
import type { Judged, OffersAsk } from './judged.ts'
import type { Offer } from '../run/cohort.ts'
import type { Reservation } from '../conditions/gate.ts'
import type { Task } from '../task/task.ts'

/** The runs that may be claimed: those judged to start. `judged`: all due runs. */
export interface Offers {
  offers: Offer[]
  pools: Record<string, number>
  judged: Judged[]
  reserved: Reservation | null
}

/** A run that may start, and what its start needs and takes. `plain`: only slots and the concurrency of its task limit
 *  how many runs of its cohort may start. */
interface Candidate {
  one: Judged
  task: Task
  rank: number
  demands: Demand[]
  plain: boolean
  from?: number
}

const TURN = 'turn/'

/** The priority whose turn a pool counts, or null for any other pool. */
export const turnOf = (pool: string): Aging | null => AGING.find(priority => pool === TURN + priority) ?? null

/** The due instants of the runs to which the judgement of a cohort's first run applies. Deadlines rise with due
 *  instants: every run due after a fresh one is fresh, and every run due before an overdue one is overdue. */
function rangeOf ({ judgement: { phase }, run }: Judged, task: Task, now: number): { from: number, until: number } {
  if (phase === 'fresh') return { from: run.due_at, until: now }
  return { from: FIRST, until: phase === 'overdue' ? now - deadlineOf(task, run).lengthMs : run.due_at }
}

function targetOf (
  { one, task: definition, from }: Pick<Candidate, 'one' | 'task' | 'from'>,
  now: number
): Pick<Offer, 'cohort' | 'id'> {
  if (one.cohort === null) return { id: one.run.id }
  const { task, queue, priority, span, scheduled } = one.cohort
  const range = from === undefined ? rangeOf(one, definition, now) : { from, until: now }
  return { cohort: { task, queue, priority, span, scheduled, ...range } }
}

const PLAIN = (name: string) => name === 'slots' || name.startsWith('task/')

/** Whether only slots and the concurrency of its task limit how many runs of its cohort may start. */
const isPlain = ({ cohort, judgement }: Judged, task: Task, demands: readonly Demand[]): boolean =>
  cohort !== null && judgement.phase === 'fresh' && task.depends_on.length === 0 && task.breaker === null &&
  demands.length === 1 && demands[0]!.takes.every(PLAIN)

function candidatesOf (judged: readonly Judged[], tasks: AdmissionInput['tasks'], pools: Pools): Candidate[] {
  return judged.flatMap(one => {
    const task = tasks.get(one.run.task)
    const rank = task === undefined ? 0 : rankOf(one, task)
    if (task !== undefined && one.rest?.judgement.decision === 'start') {
      const demands = pools.demandsOf({ run: dueNow(one.run, one.rest.from), task, judgement: one.rest.judgement })
      return [{ one, task, rank, demands, plain: false, from: one.rest.from }]
    }
    if (task === undefined || one.judgement.decision !== 'start') return []
    const demands = pools.demandsOf({ run: one.run, task, judgement: one.judgement })
    return [{ one, task, rank, demands, plain: isPlain(one, task, demands) }]
  })
}

/** When the first run that may start now was due, by priority (epoch ms). */
function firstDue (candidates: readonly Candidate[]): Partial<Record<Aging, number>> {
  const due: Partial<Record<Aging, number>> = {}
  for (const { one, rank } of candidates) {
    const priority = AGING[rank]
    if (priority !== undefined) due[priority] = Math.min(due[priority] ?? Infinity, one.run.due_at)
  }
  return due
}

/** For each priority whose turn has come: offers that put one of its runs ahead of all others. */
function agedOffers (candidates: readonly Candidate[], { ask, pools }: { ask: OffersAsk, pools: Pools }): Offer[] {
  if (ask.turns === undefined || ask.config === undefined) return []
  const aged = agedPriorities(ask.turns, firstDue(candidates), { config: ask.config, now: ask.now })
  return aged.flatMap((priority, place) => {
    const turn = pools.pool(TURN + priority, 1)
    return candidates.filter(({ rank }) => AGING[rank] === priority).flatMap(({ one, task, demands, from }) =>
      demands.map(({ needs, takes }) => ({
        ...targetOf({ one, task, ...from !== undefined && { from } }, ask.now),
        rank: place - aged.length,
        needs: [turn, ...needs],
        takes: [turn, ...takes],
        locks: locksOf(task, ask)
      }))
    )
  })
}

/** The locks a run takes: those of its task, and those that tell other owners that it is alone or a trial. */
function locksOf (task: Task, { trials }: Pick<AdmissionInput, 'trials'>): readonly string[] {
  const tries = task.breaker !== null && trials?.has(task.id) === true
  return task.alone || tries
    ? [...task.locks, ...task.alone ? [ALONE] : [], ...tries ? [trialLock(task)] : []]
    : task.locks
}

const ordinaryOffers = (candidates: readonly Candidate[], ask: Pick<AdmissionInput, 'now' | 'trials'>): Offer[] =>
  candidates.flatMap(({ one, task, rank, demands, from }) =>
    demands.map(({ needs, takes }) => ({
      ...targetOf({ one, task, ...from !== undefined && { from } }, ask.now),
      rank,
      needs,
      takes,
      locks: locksOf(task, ask)
    }))
  )

/** Offers for quick runs that may be claimed before a slot is free; they rank after all others. */
function prefetchOffers (candidates: readonly Candidate[], { ask, pools }: { ask: OffersAsk, pools: Pools }): Offer[] {
  const { prefetch, now } = ask
  if (prefetch === undefined) return []
  return candidates.flatMap(({ one, task, plain }) => {
    const most = plain ? prefetch(task.id) : 0
    if (most < 1) return []
    const pool = pools.pool(`prefetch/${task.id}`, most)
    return [{
      ...targetOf({ one, task }, now),
      rank: PREFETCH_RANK,
      needs: [pool, pools.aloneElsewhere()],
      takes: [pool]
    }]
  })
}

const startsAlone = ({ run, judgement }: Judged, tasks: AdmissionInput['tasks']): boolean =>
  judgement.decision === 'start' && tasks.get(run.task)?.alone === true

/** The offers for all runs whose verdict is to start. The pools limit how many of them start together; they count down
 *  what the gates count. */
export function offersFor (ask: OffersAsk): Offers {
  const first = judgeAll(ask, null)
  const reserved = reservationFor(first.judged, ask)
  const { judged, snapshot, byTask } = reserved === null ? first : judgeAll(ask, reserved)
  const pools = new Pools({
    snapshot,
    byTask,
    others: ask.others,
    alone: judged.some(one => startsAlone(one, ask.tasks))
  })
  const candidates = candidatesOf(judged, ask.tasks, pools)
  const offers = [...agedOffers(candidates, { ask, pools }), ...ordinaryOffers(candidates, ask),
    ...prefetchOffers(candidates, { ask, pools })]
  return { offers, pools: pools.left, judged, reserved }
}

/** The offers for runs that are due at the future instant `now`. Only runs limited by nothing but slots and the
 *  concurrency of their task are offered, because other runs may start before then. */
export function earlyOffers (ask: Omit<OffersAsk, 'turns' | 'prefetch'>): Pick<Offers, 'offers' | 'pools'> {
  const { judged, snapshot, byTask } = judgeAll(ask, null)
  const pools = new Pools({ snapshot, byTask, others: ask.others, alone: false })
  const candidates = candidatesOf(judged, ask.tasks, pools).filter(({ plain }) => plain)
  return { offers: ordinaryOffers(candidates, ask), pools: pools.left }
}
