import { isScheduled } from '../../../model/run/cohort.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Journal } from './journal.ts'

/** A single run that is due. `group`: gates can tell those of one apart only by how far they are on the way to their
 *  deadlines and by when they were due. `since`: from when its deadline counts. `run`: as it is, unless it has to be
 *  read. */
export interface Single {
  id: string
  group: number
  now: boolean
  deadline_at: number | null
  due_at: number
  since: number
  run: Run | null
}

/** What the single runs ask of the tables: `due` those that are due in (after, until], `after` the first due beyond. */
export interface SingleSource {
  due(after: number, until: number): Single[]
  after(instant: number): number
}

/** The group of a single run: those of one task, queue and priority, apart by whether a schedule asked for them and
 *  whether they are to run now. */
export const groupOf = (lane: number, { source, now }: Pick<Run, 'source' | 'now'>): number =>
  lane * 4 + (isScheduled(source) ? 2 : 0) + (now ? 1 : 0)

/** From when the deadline of a run counts: what a retry moves does not move that. */
export const sinceOf = (
  { attempt, nominal_at, due_at, created_at }: Pick<Run, 'attempt' | 'nominal_at' | 'due_at' | 'created_at'>
): number => Math.max(attempt > 0 ? nominal_at : due_at, created_at)

const NEVER = Number.MIN_SAFE_INTEGER

/** So many of a group are handed out for each way in which one may be nearer to its start than the others: the nearest
 *  to their deadlines; those that have waited longest, for of two the one that is farther on its way has the nearer
 *  deadline or has waited longer; and the last to become due, for what has piled up is held back and they have not.
 *  When these have started the next are looked at. What is held in one group hides nothing of another. */
const MAX_PER_ORDER = 100

type Order = (a: Single, b: Single) => number

const bySince: Order = (a, b) => a.since - b.since || byId(a, b)

const byDue: Order = (a, b) => b.due_at - a.due_at || byId(a, b)

const byId: Order = (a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0

/** Which comes first: to run now, then the nearest to its deadline, then due first, then asked for first. */
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

/** Those of one group that are due, in each order. */
type DueGroup = Single[][]

type DueGroups = Map<number, DueGroup>

/** The groups with some more and without some: only those of these are put in order again. */
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

/** The first in each order, each once. */
function firstsOf (group: DueGroup): Single[] {
  const [own] = group
  return own!.length <= MAX_PER_ORDER ? own! : [...new Set(group.flatMap(sorted => sorted.slice(0, MAX_PER_ORDER)))]
}

/** The queued runs that are judged by themselves: those that are due in memory, in order, and when the next one will
 *  be. */
export class Singles {
  readonly #source: SingleSource
  readonly #journal: Journal
  readonly #byId = new Map<string, Single>()
  #due: DueGroups = new Map()
  #horizon = NEVER
  /** Null: it has to be looked up. */
  #later: number | null = null

  constructor (source: SingleSource, journal: Journal) {
    this.#source = source
    this.#journal = journal
  }

  /** Follows one run from what it was to what it is, null: not there; `lane` is the number of the one it comes to. */
  moved (before: Run | null, after: Run | null, lane: number): void {
    if (isWaiting(before)) this.#leave(before)
    if (isWaiting(after)) this.#enter(after, lane)
  }

  /** The first of each group of those that are due at `now`, in order. */
  at (now: number): readonly Single[] {
    this.#advance(now)
    return [...this.#due.values()].flatMap(firstsOf).toSorted(order)
  }

  /** One that is due at the instant of the last `at`. */
  find (id: string): Single | undefined {
    return this.#byId.get(id)
  }

  /** When the next one becomes due after the instant of the last `at`; Infinity: none does. */
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

  /** True for one of the first in some order. */
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

  /** A group stays when it is empty: maps from before the last look share it, and may come back. */
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
