import { DAY } from '../../../model/base/duration.ts'
import { encodeId } from '../../../model/run/id.ts'
import type { Hold, Run } from '../../../model/run/run.ts'
import { clipped, daySums, lengthOf, thinned } from '../../timeline.ts'
import type { DaySum } from '../../timeline.ts'
import type { HoldEntry } from '../../engine.ts'
import type { HeldAsk, HeldTime } from '../../reports.ts'
import type { Statements } from '../sql/statements.ts'
import type { Lane } from './lanes.ts'
import type { Memory } from './memory.ts'
import { LaneHolds } from './spans.ts'
import { Waits } from './waits.ts'

/** A verdict on all runs that are due holds for those that become due later as well, until another one is said. */
const FOREVER = Number.MAX_SAFE_INTEGER

const DUES = 'select id as run, due_at from run indexed by run_queued where state = 1 and lane = ? order by due_at'

const HELD_ALONE = `
  select distinct hold.run as run, lane.task as task, run.single as single from hold indexed by hold_wait
  join run on run.id = hold.run join lane on lane.id = run.lane
  where counted = 0`

const dayOf = (at: number): number => Math.floor(at / DAY)

/** Time held on a day, which the transaction has brought. */
type Sum = DaySum & { task: string }

/** Why runs wait: the runs of a cohort have the timeline of their lane, single ones their own. How long each was held
 *  is summed when it waits no longer. */
export class Holds {
  readonly lanes: LaneHolds
  readonly waits: Waits
  readonly #sums = new Map<string, Sum>()
  readonly #db: Statements & { tallies: { held (run: Run, at: number, ms: number): void } }
  readonly #memory: Memory

  constructor (db: Statements & { tallies: { held (run: Run, at: number, ms: number): void } }, memory: Memory) {
    this.#db = db
    this.#memory = memory
    this.lanes = new LaneHolds(db, memory.journal)
    this.waits = new Waits(db, memory.journal)
  }

  read (): void {
    this.lanes.read()
    this.waits.read()
  }

  /** Forgets what a transaction has summed that is rolled back. */
  drop (): void {
    this.#sums.clear()
    this.lanes.drop()
  }

  /** What these owners say no more is anybody's until somebody judges again. */
  abandon (owners: readonly string[]): void {
    this.lanes.abandon(owners)
    this.waits.abandon(owners)
  }

  /** Writes a verdict on the runs of a cohort. */
  sayOf (lane: Lane, { owner, at, code, message, cohort }: HoldEntry): void {
    const { from, until } = cohort!
    this.lanes.say(lane.id, { owner, at, code, message, due_from: from, due_until: until >= at ? FOREVER : until })
  }

  /** Follows a run on its way: one that waits no longer is not held any more, and one that leaves its cohort takes its
   *  timeline along. */
  follow (before: Run, after: Run, [from, to]: readonly [Lane, Lane]): void {
    if (before.state === 'queued' && after.state !== 'queued') this.#leave(before, from, after.finished_at ?? after.started_at!)
    if (from === to || from.span === null || before.state === 'blocked' || !this.lanes.mayHold(from.id, before.due_at)) return
    const until = before.state === 'queued' ? null : before.started_at ?? before.finished_at
    const shared = this.lanes.of(from.id, before.due_at, until)
    if (before.state !== 'queued') this.waits.keep(before.id, shared)
    else for (const hold of shared) this.waits.add(before.id, hold)
  }

  #leave (run: Run, lane: Lane, at: number): void {
    const shared = lane.span === null ? [] : this.lanes.leaving(lane.id, run.due_at, at)
    const own = this.waits.of(run.id).map((hold): Hold => hold.to === null ? { ...hold, to: Math.max(hold.from, at) } : hold)
    if (shared.length === 0 && own.length === 0) return
    const holds = [...shared, ...own]
    const ms = lengthOf(holds)
    if (ms > 0) this.#db.tallies.held(run, at, ms)
    // Those that count as the first of their code are told from the waits before this one.
    for (const sum of daySums(holds)) this.#add(run.task, { ...sum, runs: sum.runs > 0 && this.#wasHeldFor(run, sum.code) ? 0 : sum.runs })
    this.waits.leave(run.id, at)
  }

  #wasHeldFor = ({ id, single }: Pick<Run, 'id' | 'single'>, code: string): boolean => single && this.waits.wasHeldFor(id, code)

  #add (task: string, { day, code, ms, runs }: DaySum): void {
    const name = `${day}/${task}/${code}`
    const known = this.#sums.get(name) ?? { day, task, code, ms: 0, runs: 0 }
    this.#sums.set(name, { ...known, ms: known.ms + ms, runs: known.runs + runs })
  }

  /** Writes what the transaction has summed. */
  store (): void {
    if (this.#sums.size === 0) return
    for (const { day, task, code, ms, runs } of this.#sums.values()) {
      this.#db.run(`
        insert into held (day, task, code, ms, runs) values (?, ?, ?, ?, ?)
        on conflict (day, task, code) do update set ms = ms + excluded.ms, runs = runs + excluded.runs`, day, task, code, ms, runs)
    }
    this.#sums.clear()
  }

  /** The timeline of a run, oldest first. */
  of (run: Run, lane: Lane): Hold[] {
    const own = this.waits.all(run.id)
    if (lane.span === null || run.state === 'blocked') return thinned(own)
    const shared = this.lanes.of(lane.id, run.due_at, run.started_at ?? run.finished_at)
    return thinned(shared.length === 0 ? own : [...shared, ...own].toSorted((a, b) => a.from - b.from))
  }

  /** Time held by task and code: what is summed, and what waiting runs were held for so far. */
  held ({ from, to, now }: HeldAsk): HeldTime[] {
    const [first, last] = [dayOf(from), Math.ceil(to / DAY)]
    const rows = this.#db.all<HeldTime>(`
      select task, code, sum(ms) as ms, sum(runs) as runs from held
      where day >= ? and day < ?
      group by task, code`, first, last)
    const sums = new Map(rows.map(row => [`${row.task}/${row.code}`, { ...row }]))
    for (const { task, id, holds } of this.#waiting(now === undefined ? null : Math.min(now, to))) {
      for (const { day, code, ms, runs } of daySums(holds)) {
        if (day < first || day >= last) continue
        const sum = sums.get(`${task}/${code}`) ?? { task, code, ms: 0, runs: 0 }
        const fresh = runs > 0 && id !== null && this.waits.wasHeldFor(id, code) ? 0 : runs
        sums.set(`${task}/${code}`, { ...sum, ms: sum.ms + ms, runs: sum.runs + fresh })
      }
    }
    return [...sums.values()].toSorted((a, b) => b.ms - a.ms)
  }

  /** The entries of each run that waits; what is open counts up to `now`, or not at all. `id`: of a single one. */
  * #waiting (now: number | null): Generator<{ task: string, id: string | null, holds: Hold[] }> {
    const upTo = (holds: readonly Hold[]): Hold[] =>
      now === null ? holds.filter(({ to }) => to !== null) : clipped(holds, Number.MIN_SAFE_INTEGER, now)
    const seen = new Set<string>()
    for (const lane of this.#memory.lanes.waiting) {
      if (lane.span === null || !this.lanes.byLane.has(lane.id)) continue
      for (const { run, due_at: due } of this.#db.all<{ run: number, due_at: number }>(DUES, lane.id)) {
        const id = encodeId(run)
        seen.add(id)
        const holds = upTo([...this.lanes.leaving(lane.id, due, null), ...this.waits.of(id)])
        if (holds.length > 0) yield { task: lane.task, id: null, holds }
      }
    }
    for (const { run, task, single } of this.#db.all<{ run: number, task: string, single: number }>(HELD_ALONE)) {
      const id = encodeId(run)
      const holds = seen.has(id) ? [] : upTo(this.waits.of(id))
      if (holds.length > 0) yield { task, id: single === 1 ? id : null, holds }
    }
  }

  /** Removes the sums of days that are over by an instant. */
  forgetBefore (instant: number): void {
    this.#db.run('delete from held where day < ?', dayOf(instant))
  }
}
