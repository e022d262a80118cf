import type { Run } from '../../../model/run/run.ts'
import type { Journal } from './journal.ts'

/** A single run that is due. `run`: as it is, unless it has to be read. */
export interface Single { id: string, now: boolean, deadline_at: number | null, due_at: number, run: Run | null }

/** What the single runs ask of the tables: `due` those that are due in (after, until], `after` the first due beyond. */
export interface SingleSource {
  due (after: number, until: number): Single[]
  after (instant: number): number
}

const NEVER = Number.MIN_SAFE_INTEGER

/** As many are handed out, and keep their runs in memory. */
const MOST = 1000

/** Which comes first: to run now, then the nearest to its deadline, then due first, then asked for first. */
function order (a: Single, b: Single): number {
  if (a.now !== b.now) return a.now ? -1 : 1
  const [x, y] = [a.deadline_at ?? Infinity, b.deadline_at ?? Infinity]
  if (x !== y) return x < y ? -1 : 1
  return a.due_at - b.due_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

const isWaiting = (run: Run | null): run is Run => run !== null && run.single && run.state === 'queued'

const singleOf = (run: Run): Single =>
  ({ id: run.id, now: run.now, deadline_at: run.deadline_at, due_at: run.due_at, run })

/** The queued runs that are judged by themselves: those that are due in memory, in order, and when the next one will
 *  be. */
export class Singles {
  readonly #source: SingleSource
  readonly #journal: Journal
  readonly #byId = new Map<string, Single>()
  #due: Single[] = []
  #horizon = NEVER
  /** Null: it has to be looked up. */
  #later: number | null = null

  constructor (source: SingleSource, journal: Journal) {
    this.#source = source
    this.#journal = journal
  }

  /** Follows one run from what it was to what it is; null: not there. */
  moved (before: Run | null, after: Run | null): void {
    if (isWaiting(before)) this.#leave(before)
    if (isWaiting(after)) this.#enter(after)
  }

  /** The first of those that are due at `now`, a thousand at most. */
  at (now: number): readonly Single[] {
    this.#advance(now)
    return this.#due.length <= MOST ? this.#due : this.#due.slice(0, MOST)
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

  #enter (run: Run): void {
    if (run.due_at <= this.#horizon) this.#insert(singleOf(run))
    else if (this.#later !== null && run.due_at < this.#later) this.#next(run.due_at)
  }

  #next (later: number | null): void {
    const before = this.#later
    this.#later = later
    this.#journal.note(() => { this.#later = before })
  }

  #place (single: Single): number {
    let [low, high] = [0, this.#due.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (order(this.#due[middle]!, single) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #insert (single: Single): void {
    const place = this.#place(single)
    if (place >= MOST) single.run = null
    this.#due.splice(place, 0, single)
    this.#journal.put(this.#byId, single.id, single)
    this.#journal.note(() => void this.#due.splice(this.#place(single), 1))
  }

  #remove (single: Single): void {
    this.#due.splice(this.#place(single), 1)
    this.#journal.drop(this.#byId, single.id)
    this.#journal.note(() => void this.#due.splice(this.#place(single), 0, single))
  }

  #advance (now: number): void {
    if (now === this.#horizon && this.#later !== null) return
    const crossed = this.#later === null || this.#later <= now
    const fresh = now > this.#horizon && crossed ? this.#source.due(this.#horizon, now) : []
    const later = crossed || now < this.#horizon ? this.#source.after(now) : this.#later
    const before = { due: this.#due, horizon: this.#horizon, later: this.#later }
    const gone = now < this.#horizon ? this.#due.filter(({ due_at }) => due_at > now) : []
    if (fresh.length > 0 || gone.length > 0) {
      this.#due = [...this.#due.filter(({ due_at }) => due_at <= now), ...fresh].toSorted(order)
    }
    for (const single of gone) this.#journal.drop(this.#byId, single.id)
    for (const single of fresh) this.#journal.put(this.#byId, single.id, single)
    this.#horizon = now
    this.#later = later
    this.#journal.note(() => {
      this.#due = before.due
      this.#horizon = before.horizon
      this.#later = before.later
    })
  }
}
