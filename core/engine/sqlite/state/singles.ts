import { isScheduled } from '../../../model/run/cohort.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Journal } from './journal.ts'

/** A due single run. `group`: runs of one group differ for gates only in their deadlines and due times. `since`: the
 *  instant from which its deadline counts. `run`: null: it has to be read. */
export interface Single {
  id: string
  group: number
  now: boolean
  deadline_at: number | null
  due_at: number
  since: number
  run: Run | null
}

/** The statements that the single runs need. `due`: those due in (after, until]. `after`: the first due time after an
 *  instant. */
export interface SingleSource {
  due(after: number, until: number): Single[]
  after(instant: number): number
}

/** The group of a single run: its lane, whether a schedule added it, and whether it runs now. */
export const groupOf = (lane: number, { source, now }: Pick<Run, 'source' | 'now'>): number =>
  lane * 4 + (isScheduled(source) ? 2 : 0) + (now ? 1 : 0)

/** The instant from which the deadline of a run counts. An automatic retry does not move it. */
export const sinceOf = (
  { attempt, nominal_at, due_at, created_at }: Pick<Run, 'attempt' | 'nominal_at' | 'due_at' | 'created_at'>
): number => Math.max(attempt > 0 ? nominal_at : due_at, created_at)

const NEVER = Number.MIN_SAFE_INTEGER

/** The number of runs of a group that are returned in each order in which one may start before the others: nearest
 *  deadline, longest wait, and last due, because runs that have piled up are held back longer. The next ones follow
 *  when these have started. A held group does not hide another. */
const MAX_PER_ORDER = 100

type Order = (a: Single, b: Single) => number

const bySince: Order = (a, b) => a.since - b.since || byId(a, b)

const byDue: Order = (a, b) => b.due_at - a.due_at || byId(a, b)

const byId: Order = (a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0

/** The order: `now` first, then deadline, due time, id. */
function order (a: Single, b: Single): number {
  if (a.now !== b.now) return a.now ? -1 : 1
  const [x, y] = [a.deadline_at ?? Infinity, b.deadline_at ?? Infinity]
  if (x !== y) return x < y ? -1 : 1
  return a.due_at - b.due_at || byId(a, b)
}

const isWaiting = (run: Run | null): run is Run => run !== null && run.single && run.state === 'queued'

const singleOf = (run: Run, lane: number): Single => ({
  id: run.id,
  group: groupOf(lane, run),
  now: run.now,
  deadline_at: run.deadline_at,
  due_at: run.due_at,
  since: sinceOf(run),
  run
})

const ORDERS = [order, bySince, byDue] as const

/** The due runs of one group, in each order. */
type DueGroup = Single[][]

type DueGroups = Map<number, DueGroup>

/** The groups with some runs added and others removed. Only the affected groups are sorted again. */
function regroup (due: DueGroups, fresh: readonly Single[], gone: readonly Single[]): DueGroups {
  const after = new Map(due)
  const left = new Set(gone)
  for (const [name, some] of Map.groupBy([...fresh, ...gone], ({ group }) => group)) {
    const added = some.filter(single => !left.has(single))
    const group = ORDERS.map((by, index) =>
      [...(due.get(name)?.[index] ?? []).filter(single => !left.has(single)), ...added].toSorted(by)
    )
    if (group[0]!.length > 0) after.set(name, group)
    else after.delete(name)
  }
  return after
}

/** The first runs in each order, without duplicates. */
function firstsOf (group: DueGroup): Single[] {
  const [own] = group
  return own!.length <= MAX_PER_ORDER ? own! : [...new Set(group.flatMap(sorted => sorted.slice(0, MAX_PER_ORDER)))]
}

/** The queued single runs: the due ones in memory, in order, and the next due time. */
export class Singles {
  readonly #source: SingleSource
  readonly #journal: Journal
  readonly #byId = new Map<string, Single>()
  #due: DueGroups = new Map()
  #horizon = NEVER
  /** Null: not known. */
  #later: number | null = null

  constructor (source: SingleSource, journal: Journal) {
    this.#source = source
    this.#journal = journal
  }

  /** Applies a change of a run; null: there is none. `lane`: the id of its new lane. */
  moved (before: Run | null, after: Run | null, lane: number): void {
    if (isWaiting(before)) this.#leave(before)
    if (isWaiting(after)) this.#enter(after, lane)
  }

  /** The first runs of each group that are due at `now`, in order. */
  at (now: number): readonly Single[] {
    this.#advance(now)
    return [...this.#due.values()].flatMap(firstsOf).toSorted(order)
  }

  /** A run that was due at the last `at`. */
  find (id: string): Single | undefined {
    return this.#byId.get(id)
  }

  /** The next due time after the last `at`; Infinity: there is none. */
  get later (): number {
    return this.#later ?? Infinity
  }

  #leave (run: Run): void {
    if (run.due_at > this.#horizon) {
      if (run.due_at === this.#later) this.#next(null)
      return
    }
    const single = this.#byId.get(run.id)
    if (single) this.#remove(single)
  }

  #enter (run: Run, lane: number): void {
    if (run.due_at <= this.#horizon) this.#insert(singleOf(run, lane))
    else if (this.#later !== null && run.due_at < this.#later) this.#next(run.due_at)
  }

  #next (later: number | null): void {
    const before = this.#later
    this.#later = later
    this.#journal.note(() => {
      this.#later = before
    })
  }

  #insert (single: Single): void {
    if (!this.#put(single)) single.run = null
    this.#journal.put(this.#byId, single.id, single)
    this.#journal.note(() => this.#take(single))
  }

  #remove (single: Single): void {
    this.#take(single)
    this.#journal.drop(this.#byId, single.id)
    this.#journal.note(() => void this.#put(single))
  }

  /** True when it is among the first in some order. */
  #put (single: Single): boolean {
    const group = this.#due.get(single.group) ?? ORDERS.map(() => [])
    this.#due.set(single.group, group)
    const places = ORDERS.map((by, index) => {
      const place = placeIn(group[index]!, { single, by })
      group[index]!.splice(place, 0, single)
      return place
    })
    return Math.min(...places) < MAX_PER_ORDER
  }

  /** Keeps empty groups: earlier maps share them and may be restored. */
  #take (single: Single): void {
    const group = this.#due.get(single.group)!
    for (const [index, by] of ORDERS.entries()) group[index]!.splice(placeIn(group[index]!, { single, by }), 1)
  }

  #advance (now: number): void {
    if (now === this.#horizon && this.#later !== null) return
    const crossed = this.#later === null || this.#later <= now
    const fresh = now > this.#horizon && crossed ? this.#source.due(this.#horizon, now) : []
    const later = crossed || now < this.#horizon ? this.#source.after(now) : this.#later
    const before = { due: this.#due, horizon: this.#horizon, later: this.#later }
    const gone = now < this.#horizon ? [...this.#byId.values()].filter(({ due_at }) => due_at > now) : []
    for (const single of gone) this.#journal.drop(this.#byId, single.id)
    for (const single of fresh) this.#journal.put(this.#byId, single.id, single)
    if (fresh.length > 0 || gone.length > 0) this.#due = regroup(this.#due, fresh, gone)
    this.#horizon = now
    this.#later = later
    this.#journal.note(() => {
      this.#due = before.due
      this.#horizon = before.horizon
      this.#later = before.later
    })
  }
}

function placeIn (sorted: readonly Single[], { single, by }: { single: Single, by: Order }): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (by(sorted[middle]!, single) < 0) low = middle + 1
    else high = middle
  }
  return low
}
