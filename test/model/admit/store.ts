import { cohortOf } from '../../../core/model/run/cohort.ts'
import { NOON } from '../gates/machine.ts'
import { offersFor } from '../../../core/model/admit/offers.ts'
import { taskOf } from '../../task.ts'
import type { Others } from '../../../core/model/conditions/occupancy.ts'
import type { ActiveRun } from '../../../core/model/admit/admission-input.ts'
import type { DueCohort, Offer } from '../../../core/model/run/cohort.ts'
import type { OffersAsk } from '../../../core/model/admit/judged.ts'
import type { Run } from '../../../core/model/run/run.ts'
import type { Task } from '../../../core/model/task/task.ts'

/** A waiting run, with defaults for absent fields. */
export const runOf = (over: Partial<Run>): Run => {
  const due_at = over.due_at ?? NOON
  return {
    id: 'r',
    task: 'work',
    queue: 'default',
    priority: 'normal',
    state: 'queued',
    source: 'manual',
    schedule: null,
    key: null,
    due_at,
    nominal_at: due_at,
    attempt: 0,
    max_retries: 0,
    turn: 0,
    crashes: 0,
    missed: 0,
    owner: null,
    lease_until: null,
    cancel: null,
    reason: null,
    error: null,
    warning: null,
    progress: null,
    child: null,
    created_at: due_at,
    started_at: null,
    finished_at: null,
    deadline_at: null,
    moved: null,
    key_until: null,
    now: false,
    single: false,
    preempted: 0,
    ...over
  }
}

const keyOf = (run: Run): string | null => {
  const cohort = cohortOf(run)
  return cohort === null ? null : JSON.stringify(cohort)
}

const inOrder = (a: Run, b: Run) => a.due_at - b.due_at || (a.id < b.id ? -1 : 1)

/** What a claim takes, as simply as possible: the reference for an engine. */
function taken (
  waiting: readonly Run[],
  { offers, pools, others }: { offers: readonly Offer[], pools: Record<string, number>, others: Others | undefined }
): { run: Run, offer: number }[] {
  const left = { ...pools }
  // What other owners take is subtracted by the claim.
  const shared = Object.entries({ task: others?.tasks, queue: others?.queues }).flatMap(([kind, counts]) =>
    Object.entries(counts ?? {}).map(([name, count]) => [`${kind}/${name}`, count] as const)
  )
  for (const [name, count] of [...shared,
    ...Object.keys(others?.locks ?? {}).map(lock => [`lock/${lock}`, 1] as const)]) {
    if (left[name] !== undefined) left[name]! -= count
  }
  const open = new Set(waiting)
  const got: { run: Run, offer: number }[] = []
  const matches = ({ cohort, id }: Offer, run: Run) => {
    if (cohort === undefined) return run.id === id
    const { from, until, ...rest } = cohort
    return keyOf(run) === JSON.stringify(rest) && run.due_at >= from && run.due_at <= until
  }
  for (;;) {
    let best: { run: Run, place: number } | null = null
    for (const [place, offer] of offers.entries()) {
      if (offer.needs.some(name => (left[name] ?? Infinity) < 1)) continue
      const run = [...open].filter(one => matches(offer, one)).toSorted(inOrder)[0]
      if (run === undefined) continue
      const rank = best === null ? -1 : offer.rank - offers[best.place]!.rank || inOrder(run, best.run)
      if (best === null || (rank < 0 && !(run === best.run && offer.rank === offers[best.place]!.rank))) {
        best = { run, place }
      }
    }
    if (best === null) return got
    for (const name of offers[best.place]!.takes) if (left[name] !== undefined) left[name]! -= 1
    open.delete(best.run)
    got.push({ run: best.run, offer: best.place })
  }
}

const activeRun = (
  { task, queue, priority, source, due_at }: Run,
  tasks: ReadonlyMap<string, Task>,
  started_at: number
): ActiveRun => ({
  task,
  queue,
  priority,
  source,
  due_at,
  started_at,
  resting: false,
  locks: tasks.get(task)?.locks ?? [],
  alone: tasks.get(task)?.alone ?? false
})

/** Runs that wait and runs that were claimed, as an engine has them. */
export function store (tasks: readonly Partial<Task>[], waiting: readonly Run[], over: Partial<OffersAsk> = {}) {
  const map = new Map(tasks.map(task => taskOf(task)).map(task => [task.id, task]))
  const left = waiting.toSorted(inOrder)
  const running: Run[] = []
  const begunOf = (runs: readonly Run[]): ActiveRun[] => runs.map(run => activeRun(run, map, over.now ?? NOON))
  const due = () => {
    const now = over.now ?? NOON
    const runs = left.filter(({ due_at: at }) => at <= now)
    const groups = Map.groupBy(runs.filter(run => cohortOf(run) !== null), run => keyOf(run)!)
    const cohorts = Array.from(groups.values(),
      (own): DueCohort => ({ ...cohortOf(own[0]!)!, count: own.length, first: own[0]! }))
    return { cohorts, singles: runs.filter(run => cohortOf(run) === null) }
  }
  const ask = (): OffersAsk => ({
    due: due(),
    tasks: map,
    slots: 10,
    now: NOON,
    ...over,
    running: [...over.running ?? [], ...begunOf(running)]
  })
  /** Takes what is offered once, in the order of the claim. */
  const claim = (asked = ask()) => {
    const found = offersFor(asked)
    const got = taken(left, { ...found, others: over.others })
    for (const { run } of got) left.splice(left.indexOf(run), 1)
    running.push(...got.map(({ run }) => run))
    return { runs: got.map(({ run }) => run), found, got }
  }
  const fill = () => {
    while (claim().runs.length > 0);
    return running
  }
  return { ask, begunOf, claim, fill, left, running, tasks: map }
}
