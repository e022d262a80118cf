import { PREFETCH_RANK, RANKS, urgencyOf } from '../conditions/urgency.ts'
import { Pools, trialLock } from './pools.ts'
import { AGING, agedPriorities, deadlineOf } from '../conditions/relaxation.ts'
import { agesAt } from '../gates/locks.ts'
import { isFresh, judge } from './evaluate.ts'
import { ALONE } from '../conditions/occupancy.ts'
import { snapshotAt, occupancyOf, subjectOf } from './admission.ts'
import type { Aging, Turns } from '../conditions/relaxation.ts'
import type { DueCohort, Offer } from '../run/cohort.ts'
import type { Demand } from './pools.ts'
import type { AdmissionInput } from './admission.ts'
import type { Judgement, Reservation, Waiting } from '../conditions/gate.ts'
import type { Run } from '../run/run.ts'
import type { Task } from '../task/task.ts'

export interface OffersAsk extends AdmissionInput {
  /** Cohorts, and runs that are judged individually. */
  due: { cohorts: readonly DueCohort[], singles: readonly Run[] }
  /** When each priority last had its turn; absent: priorities do not age. */
  turns?: Turns
  /** How many runs of a task may be claimed before a slot is free; absent: none. */
  prefetch?: (task: string) => number
}

/** A judged run. With a cohort, its judgement holds for the cohort, except for the runs due at or after `rest.from`,
 *  which are further from their deadlines and have the judgement in `rest`. */
export interface Judged {
  run: Run
  cohort: DueCohort | null
  judgement: Judgement
  rest?: { judgement: Judgement, from: number }
}

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

const FIRST = Number.MIN_SAFE_INTEGER

/** Gates that other runs close. A run is reserved for only while no other gate holds it. */
const OF_OTHERS = ['alone', 'locks', 'slots', 'priority', 'profile', 'background']

const rankOf = ({ run, judgement }: Judged, task: Task): number =>
  RANKS[urgencyOf({ run, task, class: judgement.class.class })]

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
function reservationFor (judged: readonly Judged[], ask: OffersAsk): Reservation | null {
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

/** The due instant (epoch ms) from which the runs of a cohort need a judgement of their own; null when that of its
 *  first run holds for all. */
function restFrom (
  { run, judgement: { phase, gates } }: Judged,
  { tasks, now, config, piledUpBefore = null }: OffersAsk
): number | null {
  const task = tasks.get(run.task)
  if (task === undefined) return null
  // The pace holds only runs that were due before it began.
  const paced = piledUpBefore !== null && gates.some(({ ok, gate }) => !ok && gate === 'pace') ? piledUpBefore : null
  if (phase === 'fresh') return paced
  const { lengthMs } = deadlineOf(task, run)
  return Math.max(paced ?? FIRST, now - lengthMs * (phase === 'overdue' ? 1 : config?.scheduling.relax_from ?? 0) + 1)
}

/** The run as a member of its cohort that is due now. */
const dueNow = (run: Run, now: number): Run => ({
  ...run,
  id: '',
  due_at: now,
  nominal_at: now,
  created_at: now,
  deadline_at: run.deadline_at === null ? null : now + run.deadline_at - run.due_at
})

/** Judges all due runs. Singles far from their deadlines share a judgement when they have the same task, queue,
 *  priority and source: no gate distinguishes them. */
function judgeAll (ask: OffersAsk, reserved: Reservation | null) {
  const total = occupancyOf({ ...ask, reserved })
  const snapshot = snapshotAt(ask, total)
  const shared = new Map<string, Judgement>()
  const judgeOne = (run: Waiting) => judge(snapshot, subjectOf(ask, total, run))
  const judgeSingle = (run: Run): Judgement => {
    if (reserved !== null || snapshot.occupancy.pace || !isFresh(snapshot, ask.tasks.get(run.task), run)) {
      return judgeOne(run)
    }
    const key = `${run.task} ${run.queue} ${run.priority} ${run.source} ${run.now}`
    const known = shared.get(key) ?? judgeOne(run)
    shared.set(key, known)
    return known
  }
  const judged: Judged[] = ask.due.cohorts.map(cohort => {
    const one: Judged = { run: cohort.first, cohort, judgement: judgeOne(cohort.first) }
    const from = cohort.count > 1 && one.judgement.decision === 'hold' ? restFrom(one, ask) : null
    if (from !== null) one.rest = { judgement: judgeOne(dueNow(cohort.first, ask.now)), from }
    return one
  })
  for (const run of ask.due.singles) judged.push({ run, cohort: null, judgement: judgeSingle(run) })
  return { judged, snapshot, byTask: total.byTask }
}

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
