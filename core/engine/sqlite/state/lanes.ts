import { isScheduled, spanOf } from '../../../model/run/cohort.ts'
import type { Cohort } from '../../../model/run/cohort.ts'
import { STATES, isFinal } from '../../../model/run/run.ts'
import type { Run, State } from '../../../model/run/run.ts'
import type { TaskCount } from '../../reports.ts'
import type { LaneKey } from '../mapping/lane-row.ts'
import { stateNumber } from '../mapping/state-number.ts'
import type { Journal } from './journal.ts'

/** The runs of one cohort, or the single runs (`span` null) of a task in a queue at a priority. `counts`: by the index
 *  of STATES. For cohorts, `due` counts the queued runs with `due_at` up to `horizon`, and `later` is the earliest due
 *  time after it: Infinity when there is none, null when it is not known. `Singles` has the due single runs. */
export interface Lane extends LaneKey {
  readonly id: number
  readonly counts: number[]
  /** The run of the lane that finished last, except skipped ones. */
  last: Run | null
  horizon: number
  due: number
  later: number | null
  /** The first queued run of the lane; null: not known. */
  first: Run | null
}

/** The statements that the lanes need. `between`: the number of queued runs due in (after, until]. `after`: the first
 *  due time after an instant. */
export interface LaneSource {
  create(key: LaneKey): number
  between(lane: Lane, after: number, until: number): number
  after(lane: Lane, instant: number): number
}

const NEVER = Number.MIN_SAFE_INTEGER

const isSame = (a: LaneKey, b: LaneKey): boolean =>
  a.span === b.span && a.priority === b.priority && a.scheduled === b.scheduled && a.queue === b.queue &&
  a.task === b.task

/** The lanes in memory: counts without a scan, and no statement while nothing is due. */
export class Lanes {
  readonly byId = new Map<number, Lane>()
  /** The lanes with queued runs. */
  readonly waiting = new Set<Lane>()
  /** The lanes whose counts of finished runs changed in the transaction. */
  readonly changed = new Set<Lane>()
  readonly #byTask = new Map<string, Lane[]>()
  /** The number of queued or blocked runs of each queue. */
  readonly #inQueue = new Map<string, number>()
  readonly #source: LaneSource
  readonly #journal: Journal

  constructor (source: LaneSource, journal: Journal) {
    this.#source = source
    this.#journal = journal
  }

  hold (id: number, { task, queue, priority, span, scheduled, counts }: LaneKey & { counts: number[] }): Lane {
    const lane: Lane = {
      id,
      task,
      queue,
      priority,
      span,
      scheduled,
      counts,
      last: null,
      horizon: NEVER,
      due: 0,
      later: null,
      first: null
    }
    this.#journal.put(this.byId, id, lane)
    if (counts[stateNumber('queued')]! > 0) this.#journal.join(this.waiting, lane)
    this.#journal.put(this.#byTask, task, [...this.ofTask(task), lane])
    const waiting = counts[stateNumber('queued')]! + counts[stateNumber('blocked')]!
    if (waiting > 0) this.#journal.put(this.#inQueue, queue, this.waitingIn(queue) + waiting)
    return lane
  }

  /** Forgets a lane that has no runs. */
  drop (lane: Lane): void {
    const journal = this.#journal
    const others = this.ofTask(lane.task).filter(one => one !== lane)
    journal.drop(this.byId, lane.id)
    journal.leave(this.changed, lane)
    if (others.length > 0) journal.put(this.#byTask, lane.task, others)
    else journal.drop(this.#byTask, lane.task)
    if (this.waitingIn(lane.queue) === 0) journal.drop(this.#inQueue, lane.queue)
  }

  /** The number of waiting runs in a queue, including blocked ones. */
  waitingIn (queue: string): number {
    return this.#inQueue.get(queue) ?? 0
  }

  ofTask (task: string): readonly Lane[] {
    return this.#byTask.get(task) ?? []
  }

  find (key: LaneKey): Lane | undefined {
    return this.ofTask(key.task).find(lane => isSame(lane, key))
  }

  /** The lane of a run; starts and ends do not change it. Creates the lane if there is none. */
  of (run: Run): Lane {
    const { task, queue, priority, source } = run
    const span = spanOf(run)
    const scheduled = span !== null && isScheduled(source)
    for (const lane of this.ofTask(task)) {
      if (lane.span === span && lane.priority === priority && lane.scheduled === scheduled && lane.queue === queue) {
        return lane
      }
    }
    const key = { task, queue, priority, span, scheduled }
    return this.hold(this.#source.create(key), { ...key, counts: STATES.map(() => 0) })
  }

  /** Applies a change of a run; null: it is not in the lane. */
  moved (lane: Lane, before: Run | null, after: Run | null): void {
    const journal = this.#journal
    if ((before && isFinal(before.state)) || (after && isFinal(after.state))) journal.join(this.changed, lane)
    if (before && lane.first?.id === before.id) journal.set(lane, 'first', null)
    if (before) this.#leave(lane, before)
    // A run that is queued again or removed is no longer the one that finished last.
    if (lane.last && lane.last.id === before?.id) journal.set(lane, 'last', null)
    if (after) this.#enter(lane, after)
    if (after?.state === 'queued' && lane.counts[stateNumber('queued')] === 1) journal.set(lane, 'first', after)
  }

  #leave (lane: Lane, { state, due_at }: Run): void {
    const journal = this.#journal
    const left = lane.counts[stateNumber(state)]! - 1
    journal.set(lane.counts, stateNumber(state), left)
    if (state === 'queued' || state === 'blocked') {
      journal.put(
        this.#inQueue,
        lane.queue,
        this.waitingIn(lane.queue) - 1
      )
    }
    if (state !== 'queued') return
    if (left === 0) journal.leave(this.waiting, lane)
    if (due_at <= lane.horizon) journal.set(lane, 'due', lane.due - 1)
    else if (due_at === lane.later) journal.set(lane, 'later', null)
  }

  #enter (lane: Lane, run: Run): void {
    const journal = this.#journal
    journal.set(lane.counts, stateNumber(run.state), lane.counts[stateNumber(run.state)]! + 1)
    if (isFinal(run.state) && run.state !== 'skipped') journal.set(lane, 'last', run)
    if (run.state === 'queued' || run.state === 'blocked') {
      journal.put(
        this.#inQueue,
        lane.queue,
        this.waitingIn(lane.queue) + 1
      )
    }
    if (run.state !== 'queued') return
    journal.join(this.waiting, lane)
    if (lane.first && comesFirst(run, lane.first)) journal.set(lane, 'first', run)
    if (run.due_at <= lane.horizon) journal.set(lane, 'due', lane.due + 1)
    else if (lane.later !== null && run.due_at < lane.later) journal.set(lane, 'later', run.due_at)
  }

  /** Moves the horizon of a lane to `now` and returns the number of its due runs. */
  dueAt (lane: Lane, now: number): number {
    const queued = lane.counts[stateNumber('queued')]!
    if (queued === 0) return this.#look(lane, now, 0, Infinity)
    const { first, horizon, later } = lane
    if (first && queued === 1) {
      return first.due_at > now
        ? this.#look(lane, now, 0, first.due_at)
        : this.#look(lane, now, 1, Infinity)
    }
    if (now === horizon && later !== null) return lane.due
    let due = lane.due
    const crossed = later === null || later <= now
    if (now < horizon) due -= this.#source.between(lane, now, horizon)
    else if (crossed) due += this.#source.between(lane, horizon, now)
    return this.#look(lane, now, due, crossed || now < horizon ? this.#source.after(lane, now) : later)
  }

  #look (lane: Lane, horizon: number, due: number, later: number): number {
    const journal = this.#journal
    if (lane.horizon !== horizon) journal.set(lane, 'horizon', horizon)
    if (lane.due !== due) journal.set(lane, 'due', due)
    if (lane.later !== later) journal.set(lane, 'later', later)
    return due
  }

  count (): TaskCount[] {
    const tasks: TaskCount[] = []
    for (const [task, lanes] of this.#byTask) {
      const sums = STATES.map((_, place) => lanes.reduce((sum, lane) => sum + lane.counts[place]!, 0))
      if (sums.every(sum => sum === 0)) continue
      const states = Object.fromEntries(STATES.map((state, place) => [state, sums[place]])) as Record<State, number>
      tasks.push({ task, states, last: lastOf(lanes) })
    }
    return tasks
  }
}

function lastOf (lanes: readonly Lane[]): Run | null {
  let last: Run | null = null
  for (const run of lanes.map(lane => lane.last)) {
    if (run && (!last || run.finished_at! >= last.finished_at!)) last = run
  }
  return last && { ...last }
}

/** True for a new run behind a due run of its cohort: it cannot start before that run, so the claimer need not look
 *  again. False for runs of schedules: an older one may be held while a newer one is not. */
export const isBehindDue = ({ span, scheduled, first, horizon }: Lane, run: Run): boolean =>
  span !== null && !scheduled && first !== null && first.due_at <= horizon && comesFirst(first, run)

/** The cohort of a lane. */
export const cohortOfLane = ({ task, queue, priority, span, scheduled }: Lane): Cohort => ({
  task,
  queue,
  priority,
  span: span!,
  scheduled
})

/** The order of a lane: due time, then id. */
export const comesFirst = (a: Pick<Run, 'due_at' | 'id'>, b: Pick<Run, 'due_at' | 'id'>): boolean =>
  a.due_at !== b.due_at ? a.due_at < b.due_at : a.id < b.id
