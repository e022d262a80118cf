import { RANKS, urgencyOf } from '../conditions/urgency.ts'
import { deadlineOf } from '../conditions/relaxation.ts'
import { isFresh, judge } from './evaluate.ts'
import { occupancyOf, snapshotAt, subjectOf } from './admission-input.ts'
import type { AdmissionInput } from './admission-input.ts'
import type { DueCohort } from '../run/cohort.ts'
import type { Judgement, Reservation, Waiting } from '../conditions/gate.ts'
import type { Run } from '../run/run.ts'
import type { Task } from '../task/task.ts'
import type { Turns } from '../conditions/relaxation.ts'

/** What the choice of the runs that start depends on. */
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

/** Before every instant. */
export const FIRST = Number.MIN_SAFE_INTEGER

/** The rank of a judged run by its urgency; the lowest starts first. */
export const rankOf = ({ run, judgement }: Judged, task: Task): number =>
  RANKS[urgencyOf({ run, task, class: judgement.class.class })]

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
export const dueNow = (run: Run, now: number): Run => ({
  ...run,
  id: '',
  due_at: now,
  nominal_at: now,
  created_at: now,
  deadline_at: run.deadline_at === null ? null : now + run.deadline_at - run.due_at
})

/** Judges all due runs. Singles far from their deadlines share a judgement when they have the same task, queue,
 *  priority and source: no gate distinguishes them. */
export function judgeAll (ask: OffersAsk, reserved: Reservation | null) {
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
