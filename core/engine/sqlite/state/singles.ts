import { isScheduled } from '../../../model/run/cohort.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Journal } from './journal.ts'

/** A single run that is due. `group`: gates can tell those of one apart by their deadlines alone. `run`: as it is,
 *  unless it has to be read. */
export interface Single {
  id: string, group: number, now: boolean, deadline_at: number | null, due_at: number, run: Run | null
}

/** What the single runs ask of the tables: `due` those that are due in (after, until], `after` the first due beyond. */
export interface SingleSource {
  due (after: number, until: number): Single[]
  after (instant: number): number
}

/** The group of a single run: those of one task, queue and priority, apart by whether a schedule asked for them and
 *  whether they are to run now. */
export const groupOf = (lane: number, { source, now }: Pick<Run, 'source' | 'now'>): number =>
  lane * 4 + (isScheduled(source) ? 2 : 0) + (now ? 1 : 0)

const NEVER = Number.MIN_SAFE_INTEGER

/** So many of a group are handed out, and keep their runs in memory: when none of them may start no other may, and when
 *  they have started the next are looked at. What is held in one group hides nothing of another. */
const MOST = 100

/** Which comes first: to run now, then the nearest to its deadline, then due first, then asked for first. */
function order (a: Single, b: Single): number {
  if (a.now !== b.now) return a.now ? -1 : 1
  const [x, y] = [a.deadline_at ?? Infinity, b.deadline_at ?? Infinity]
  if (x !== y) return x < y ? -1 : 1
  return a.due_at - b.due_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

const isWaiting = (run: Run | null): run is Run => run !== null && run.single && run.state === 'queued'

const singleOf = (run: Run, lane: number): Single => ({
  id: run.id, group: groupOf(lane, run), now: run.now, deadline_at: run.deadline_at, due_at: run.due_at, run
})

/** Those that are due, in order, by their groups. */
type Groups = Map<number, Single[]>

const grouped = (singles: Iterable<Single>): Groups => {
  const groups = Map.groupBy(singles, ({ group }) => group)
  for (const group of groups.values()) group.sort(order)
  return groups
}

/** The queued runs that are judged by themselves: those that are due in memory, in order, and when the next one will
 *  be. */
export class Singles {
  readonly #source: SingleSource
  readonly #journal: Journal
  readonly #byId = new Map<string, Single>()
  #due: Groups = new Map()
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
    const firsts = [...this.#due.values()].flatMap(group => group.slice(0, MOST))
    return this.#due.size > 1 ? firsts.toSorted(order) : firsts
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
    this.#journal.note(() => { this.#later = before })
  }

  #insert (single: Single): void {
    const place = this.#put(single)
    if (place >= MOST) single.run = null
    this.#journal.put(this.#byId, single.id, single)
    this.#journal.note(() => this.#take(single))
  }

  #remove (single: Single): void {
    this.#take(single)
    this.#journal.drop(this.#byId, single.id)
    this.#journal.note(() => void this.#put(single))
  }

  #put (single: Single): number {
    const group = this.#due.get(single.group) ?? []
    this.#due.set(single.group, group)
    const place = placeIn(group, single)
    group.splice(place, 0, single)
    return place
  }

  #take (single: Single): void {
    const group = this.#due.get(single.group)!
    group.splice(placeIn(group, single), 1)
    if (group.length === 0) this.#due.delete(single.group)
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
    if (fresh.length > 0 || gone.length > 0) this.#due = grouped(this.#byId.values())
    this.#horizon = now
    this.#later = later
    this.#journal.note(() => {
      this.#due = before.due
      this.#horizon = before.horizon
      this.#later = before.later
    })
  }
}

function placeIn (group: readonly Single[], single: Single): number {
  let [low, high] = [0, group.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (order(group[middle]!, single) < 0) low = middle + 1
    else high = middle
  }
  return low
}
