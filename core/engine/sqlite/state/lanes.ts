import { PRIORITIES, STATES, isFinal } from '../../../model/run/run.ts'
import type { Priority, Run, State } from '../../../model/run/run.ts'
import type { TaskCount } from '../../engine.ts'

const PLACE = Object.fromEntries(STATES.map((state, place) => [state, place])) as Record<State, number>

/** The place of a state in STATES, as it is stored. */
export const stateNumber = (state: State): number => PLACE[state]

/** One task in one queue at one priority. `counts` are by place in STATES; `due` runs are queued with `due_at` up to `horizon`;
 *  `later` is the earliest due after it: Infinity when there is none, null when it has to be looked up. */
export interface Lane {
  id: number
  task: string
  queue: string
  priority: Priority
  counts: number[]
  /** The run of the lane that finished last, skipped ones left out. */
  last: Run | null
  horizon: number
  due: number
  later: number | null
  /** The queued run of the lane that comes first; null: it has to be looked up. */
  first: Run | null
  /** Rows of queued runs up to this one do not say that they are claimed: the ledger does. Null: they all say the truth. */
  beyond: Run | null
}

/** What the lanes ask of the store: `between` counts queued runs due in (after, until], `after` is the first due beyond. */
export interface LaneSource {
  create (task: string, queue: string, priority: Priority): number
  between (lane: Lane, after: number, until: number): number
  after (lane: Lane, instant: number): number
}

const NEVER = Number.MIN_SAFE_INTEGER

/** The lanes of a store in memory: counts without a scan, and no statement while nothing is due. */
export class Lanes {
  readonly byId = new Map<number, Lane>()
  /** Lanes with queued runs: there may be a hundred thousand without. */
  readonly waiting = new Set<Lane>()
  /** Lanes whose counts of what is over are not stored yet. */
  readonly changed = new Set<Lane>()
  readonly #byTask = new Map<string, Lane[]>()
  readonly #source: LaneSource

  constructor (source: LaneSource) {
    this.#source = source
  }

  hold (id: number, { task, queue, priority, counts }: Pick<Lane, 'task' | 'queue' | 'priority' | 'counts'>): Lane {
    const lane: Lane = { id, task, queue, priority, counts, last: null, horizon: NEVER, due: 0, later: null, first: null, beyond: null }
    this.byId.set(id, lane)
    if (counts[PLACE.queued]! > 0) this.waiting.add(lane)
    this.ofTask(task).push(lane)
    return lane
  }

  ofTask (task: string): Lane[] {
    let lanes = this.#byTask.get(task)
    if (!lanes) this.#byTask.set(task, lanes = [])
    return lanes
  }

  of ({ task, queue, priority }: Pick<Run, 'task' | 'queue' | 'priority'>): Lane {
    for (const lane of this.ofTask(task)) {
      if (lane.priority === priority && lane.queue === queue) return lane
    }
    return this.hold(this.#source.create(task, queue, priority), { task, queue, priority, counts: STATES.map(() => 0) })
  }

  /** Follows one run from what it was to what it is; null: not there. */
  moved (lane: Lane, before: Run | null, after: Run | null): void {
    if ((before && isFinal(before.state)) || (after && isFinal(after.state))) this.changed.add(lane)
    if (lane.first?.id === before?.id) lane.first = null
    if (before) this.#leave(lane, before)
    // A run that is queued again or removed is not the one that finished last any more.
    if (lane.last && lane.last.id === before?.id) lane.last = null
    if (after) this.#enter(lane, after)
    if (after?.state === 'queued' && lane.counts[PLACE.queued] === 1) lane.first = after
  }

  #leave (lane: Lane, { state, due_at }: Run): void {
    lane.counts[PLACE[state]]! -= 1
    if (state !== 'queued') return
    if (lane.counts[PLACE.queued] === 0) this.waiting.delete(lane)
    if (due_at <= lane.horizon) lane.due -= 1
    else if (due_at === lane.later) lane.later = null
  }

  #enter (lane: Lane, run: Run): void {
    lane.counts[PLACE[run.state]]! += 1
    if (isFinal(run.state) && run.state !== 'skipped') lane.last = run
    if (run.state !== 'queued') return
    this.waiting.add(lane)
    if (lane.first && comesFirst(run, lane.first)) lane.first = run
    if (run.due_at <= lane.horizon) lane.due += 1
    else if (lane.later !== null && run.due_at < lane.later) lane.later = run.due_at
  }

  /** Brings the horizon of a lane to `now` and says how many of its runs are due. */
  dueAt (lane: Lane, now: number): number {
    if (lane.counts[PLACE.queued] === 0) {
      lane.later = Infinity
      lane.horizon = now
      return lane.due = 0
    }
    if (lane.first && lane.counts[PLACE.queued] === 1) return this.#onlyAt(lane, lane.first.due_at, now)
    if (now === lane.horizon && lane.later !== null) return lane.due
    if (now < lane.horizon) lane.due -= this.#source.between(lane, now, lane.horizon)
    else if (lane.later === null || lane.later <= now) lane.due += this.#source.between(lane, lane.horizon, now)
    if (lane.later === null || lane.later <= now || now < lane.horizon) lane.later = this.#source.after(lane, now)
    lane.horizon = now
    return lane.due
  }

  /** The same for a lane whose one queued run is known: nothing has to be looked up. */
  #onlyAt (lane: Lane, due: number, now: number): number {
    lane.later = due > now ? due : Infinity
    lane.horizon = now
    return lane.due = due > now ? 0 : 1
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

function lastOf (lanes: Lane[]): Run | null {
  let last: Run | null = null
  for (const run of lanes.map(lane => lane.last)) {
    if (run && (!last || run.finished_at! >= last.finished_at!)) last = run
  }
  return last && { ...last }
}

/** True when the run `a` comes before `b`: more urgent, then due first, then asked for first. */
export function comesFirst (a: Run, b: Run): boolean {
  const urgency = PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority)
  if (urgency !== 0) return urgency < 0
  return a.due_at !== b.due_at ? a.due_at < b.due_at : a.id < b.id
}
