import { PREFETCH_RANK, RANKS, urgencyOf } from '../conditions/urgency.ts'
import { Pools, trialLock } from './pools.ts'
import { AGING, agedPriorities, deadlineOf } from '../conditions/relaxation.ts'
import { agesAt } from '../gates/locks.ts'
import { isFresh, judge } from './evaluate.ts'
import { ALONE } from '../conditions/occupancy.ts'
import { snapshotAt, occupancyOf, subjectOf } from './occupancy.ts'
import type { Aging, Turns } from '../conditions/relaxation.ts'
import type { DueCohort, Offer } from '../run/cohort.ts'
import type { Demand } from './pools.ts'
import type { AdmissionInput } from './occupancy.ts'
import type { Judgement, Reservation, Waiting } from '../conditions/gate.ts'
import type { Run } from '../run/run.ts'
import type { Task } from '../task/task.ts'

export interface OffersAsk extends AdmissionInput {
  /** Cohorts, and runs that are judged each by itself. */
  due: { cohorts: readonly DueCohort[], singles: readonly Run[] }
  /** When each priority last had its turn; absent: none has one. */
  turns?: Turns
  /** How many runs of a task may be claimed before there is a slot for them; absent: none. */
  prefetch?: (task: string) => number
}

/** A run that was judged, for its cohort when it has one. `rest`: what holds the runs of the cohort that are due in
 *  that range, when its first is nearer to its deadline and so does not speak for them. */
export interface Judged {
  run: Run
  cohort: DueCohort | null
  judgement: Judgement
  rest?: { judgement: Judgement, from: number }
}

/** What may be claimed: exactly what was judged to start. `judged`: all that is due. */
export interface Offers {
  offers: Offer[]
  pools: Record<string, number>
  judged: Judged[]
  reserved: Reservation | null
}

/** A run that may start, what its start needs and takes, and whether nothing but slots and its own task bounds how many
 *  may. */
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

/** Gates that others close to a run that waits for them: nothing else may hold it while others wait for it. */
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

/** What a run needs all at once that others may keep from it for ever: to be alone, or, once it has waited for long,
 *  several locks. */
function needOf ({ run, judgement }: Judged, task: Task, ask: OffersAsk): Pick<Aged, 'locks' | 'aged'> | null {
  if (!task.alone && task.locks.length < 2) return null
  if (judgement.gates.some(({ ok, gate }) => !ok && !OF_OTHERS.includes(gate))) return null
  const aged = ask.config !== undefined && ask.now >= agesAt(run.due_at, ask.config)
  return task.alone || aged ? { locks: task.alone ? null : task.locks, aged } : null
}

/** The first of the runs that others wait for; one that has waited for long comes first. */
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

/** From when on runs of a cohort are due for which its first does not speak, or null when it speaks for all. */
function restFrom (
  { run, judgement: { phase, gates } }: Judged,
  { tasks, now, config, piledUpBefore = null }: OffersAsk
): number | null {
  const task = tasks.get(run.task)
  if (task === undefined) return null
  // What has piled up speaks for no run that was due after.
  const paced = piledUpBefore !== null && gates.some(({ ok, gate }) => !ok && gate === 'pace') ? piledUpBefore : null
  if (phase === 'fresh') return paced
  const { lengthMs } = deadlineOf(task, run)
  return Math.max(paced ?? FIRST, now - lengthMs * (phase === 'overdue' ? 1 : config?.scheduling.relax_from ?? 0) + 1)
}

/** A run of the same cohort that is due now. */
const dueNow = (run: Run, now: number): Run => ({
  ...run,
  id: '',
  due_at: now,
  nominal_at: now,
  created_at: now,
  deadline_at: run.deadline_at === null ? null : now + run.deadline_at - run.due_at
})

/** Judges all that is due. Singles that are far from their deadlines share what was found, for no gate tells them
 *  apart. */
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

/** What a judgement of the first run of a cohort is about: those that are as far from their deadlines as it is.
 *  Deadlines rise with the instants at which runs are due, so all that are due after one whose limits have not given
 *  way share its verdict, and all that are past theirs share one. */
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

/** Whether only slots and the concurrency of its task bound how many of its cohort may start. */
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

/** When the first run of each priority was due that may start now. */
function firstDue (candidates: readonly Candidate[]): Partial<Record<Aging, number>> {
  const due: Partial<Record<Aging, number>> = {}
  for (const { one, rank } of candidates) {
    const priority = AGING[rank]
    if (priority !== undefined) due[priority] = Math.min(due[priority] ?? Infinity, one.run.due_at)
  }
  return due
}

/** Of each priority whose turn has come one run goes ahead of all others. */
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

/** The locks that a run has, those among them by which other owners know what it is. */
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

/** Quick runs are claimed before there is a slot for them, after all that has one. */
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

/** What may be claimed now. A run is offered exactly when its verdict is to start; how many start together is for the
 *  pools to say, which are the same gates counted on. */
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

/** What may be claimed of the runs that are due at `now`, an instant that is yet to come: those that nothing but slots
 *  and their own task bounds, for others may start before them. */
export function earlyOffers (ask: Omit<OffersAsk, 'turns' | 'prefetch'>): Pick<Offers, 'offers' | 'pools'> {
  const { judged, snapshot, byTask } = judgeAll(ask, null)
  const pools = new Pools({ snapshot, byTask, others: ask.others, alone: false })
  const candidates = candidatesOf(judged, ask.tasks, pools).filter(({ plain }) => plain)
  return { offers: ordinaryOffers(candidates, ask), pools: pools.left }
}
