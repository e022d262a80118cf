import { DAY } from '../../../model/base/duration.ts'
import { encodeId } from '../../../model/run/id.ts'
import type { Hold, Run } from '../../../model/run/run.ts'
import { clipped, joinAdjacent, daySums, heldMs, compacted } from '../../timeline.ts'
import type { DaySum } from '../../timeline.ts'
import type { HoldEntry } from '../../engine.ts'
import type { HeldTimeAsk, HeldTime } from '../../reports.ts'
import type { Statements } from '../sql/statements.ts'
import type { Lane } from './lanes.ts'
import type { Memory } from './memory.ts'
import { LaneHolds } from './lane-holds.ts'
import { RunHolds } from './run-holds.ts'

/** A verdict on all due runs applies to runs that become due later as well, until the next verdict. */
const FOREVER = Number.MAX_SAFE_INTEGER

/** The columns that determine how much of a run's wait is summed. */
type WaitingRun = Pick<Run, 'id' | 'due_at' | 'turn' | 'single' | 'started_at'>

interface WaitingRow {
  id: number
  lane: number
  due_at: number
  turn: number
  single: number
  started_at: number | null
}

const COLUMNS = 'run.id, run.lane, run.due_at, run.turn, run.single, run.started_at'

const IN_LANE = `select ${COLUMNS} from run indexed by run_queued where state = 1 and lane = ? order by due_at`

const HELD_ALONE = `
  select distinct ${COLUMNS} from hold indexed by hold_wait join run on run.id = hold.run
  where counted = 0`

const waitingOf = ({ id, single, due_at, turn, started_at }: WaitingRow): WaitingRun => ({
  id: encodeId(id),
  single: single === 1,
  due_at,
  turn,
  started_at
})

/** The instant up to which the wait of a queued run is summed. A run that returned to its cohort without an attempt was
 *  claimed before. */
const countedUntil = (
  { due_at: due, turn, started_at: started }: Pick<Run, 'due_at' | 'turn' | 'started_at'>
): number => turn === 0 || started === null ? due : Math.max(due, started)

/** The end of the wait of a run of a cohort; null: it still waits. A run without an attempt waited until its end. */
function waitedUntil ({ state, attempt, crashes, started_at: started, finished_at: finished }: Run): number | null {
  if (state === 'queued') return null
  return finished !== null && attempt === 0 && crashes === 0 ? finished : started ?? finished
}

const dayOf = (at: number): number => Math.floor(at / DAY)

/** Time held on a day, to be added at the end of the transaction. */
type DaySumOfTask = DaySum & { task: string }

/** Why runs wait. Runs of a cohort share the timeline of their lane; single runs have their own. The held time of a run
 *  is summed when its wait ends. */
export class Holds {
  readonly lanes: LaneHolds
  readonly runs: RunHolds
  readonly #sums = new Map<string, DaySumOfTask>()
  readonly #db: Statements & { hourly: { held(run: Run, at: number, ms: number): void } }
  readonly #memory: Memory

  constructor (db: Statements & { hourly: { held(run: Run, at: number, ms: number): void } }, memory: Memory) {
    this.#db = db
    this.#memory = memory
    this.lanes = new LaneHolds(db, memory.journal)
    this.runs = new RunHolds(db, memory.journal)
  }

  read (): void {
    this.lanes.read()
    this.runs.read()
  }

  /** Discards the sums of a transaction that was rolled back. */
  drop (): void {
    this.#sums.clear()
    this.lanes.drop()
  }

  /** The open holds of these owners get no owner until the next verdict. */
  abandon (owners: readonly string[]): void {
    this.lanes.abandon(owners)
    this.runs.abandon(owners)
  }

  /** Writes a verdict on the runs of a cohort. */
  sayOf (lane: Lane, { owner, at, code, message, cohort }: HoldEntry): void {
    const { from, until } = cohort!
    this.lanes.record(lane.id, { owner, at, code, message, due_from: from, due_until: until >= at ? FOREVER : until })
  }

  /** Applies a change of a run: the end of its wait closes its holds, and a run that leaves its cohort takes its
   *  timeline along. */
  follow (
    before: Run,
    after: Run,
    { lanes: [from, to], at }: { lanes: readonly [Lane, Lane], at: number | null }
  ): void {
    if (before.state === 'queued' && after.state !== 'queued') this.#leave(before, from, at!)
    if (
      from === to || from.span === null || before.state === 'blocked' || !this.lanes.mayHold(from.id, before.due_at)
    ) return
    const shared = this.lanes.of(from.id, before.due_at, waitedUntil(before))
    if (before.state !== 'queued') return this.runs.keep(before.id, shared)
    // A part of the wait of a run that returned to its cohort is summed already.
    const counted = countedUntil(before)
    if (counted > before.due_at) this.runs.keep(before.id, clipped(shared, before.due_at, counted))
    for (const hold of clipped(shared, counted, null)) this.runs.add(before.id, hold)
  }

  #leave (run: Run, lane: Lane, at: number): void {
    const counted = countedUntil(run)
    const shared = lane.span === null ? [] : clipped(this.lanes.leaving(lane.id, run.due_at, at), counted, null)
    const own = this.runs.of(run.id).map(
      (hold): Hold => hold.to === null ? { ...hold, to: Math.max(hold.from, at) } : hold
    )
    if (shared.length === 0 && own.length === 0) return
    const holds = [...shared, ...own]
    const ms = heldMs(holds)
    if (ms > 0) this.#db.hourly.held(run, at, ms)
    // A run counts once for each code, in the first wait in which it was held for it.
    for (const sum of daySums(holds)) {
      this.#add(
        run.task,
        { ...sum, runs: sum.runs > 0 && this.#wasHeldFor(run, lane, sum.code) ? 0 : sum.runs }
      )
    }
    this.runs.leave(run.id, at)
  }

  /** True when the run was held for this code in a wait that is summed. */
  #wasHeldFor ({ id, turn, single, due_at: due, started_at: started }: WaitingRun, lane: Lane, code: string): boolean {
    if (turn === 0 && !single) return false
    const isShared = lane.span !== null && started !== null &&
      this.lanes.of(lane.id, due, started).some(hold => hold.code === code)
    return isShared || this.runs.wasHeldFor(id, code)
  }

  #add (task: string, { day, code, ms, runs }: DaySum): void {
    const name = `${day}/${task}/${code}`
    const known = this.#sums.get(name) ?? { day, task, code, ms: 0, runs: 0 }
    this.#sums.set(name, { ...known, ms: known.ms + ms, runs: known.runs + runs })
  }

  /** Writes the sums of the transaction. */
  store (): void {
    if (this.#sums.size === 0) return
    for (const { day, task, code, ms, runs } of this.#sums.values()) {
      this.#db.run(`
        insert into held (day, task, code, ms, runs) values (?, ?, ?, ?, ?)
        on conflict (day, task, code) do update set ms = ms + excluded.ms, runs = runs + excluded.runs`, day, task,
        code, ms, runs)
    }
    this.#sums.clear()
  }

  /** The timeline of a run, oldest first. */
  of (run: Run, lane: Lane): Hold[] {
    const own = this.runs.all(run.id)
    if (lane.span === null || run.state === 'blocked') return compacted(joinAdjacent(own))
    const shared = this.lanes.of(lane.id, run.due_at, waitedUntil(run))
    return compacted(joinAdjacent([...shared, ...own]))
  }

  /** Time held by task and code: the sums, and the holds of runs that still wait. */
  held ({ from, to, now }: HeldTimeAsk): HeldTime[] {
    const [first, last] = [dayOf(from), Math.ceil(to / DAY)]
    const rows = this.#db.all<HeldTime>(`
      select task, code, sum(ms) as ms, sum(runs) as runs from held
      where day >= ? and day < ?
      group by task, code`, first, last)
    const sums = new Map(rows.map(row => [`${row.task}/${row.code}`, { ...row }]))
    for (const { run, lane, holds } of this.#waiting(now === undefined ? null : Math.min(now, to))) {
      const { task } = lane
      for (const { day, code, ms, runs } of daySums(holds)) {
        if (day < first || day >= last) continue
        const sum = sums.get(`${task}/${code}`) ?? { task, code, ms: 0, runs: 0 }
        const fresh = runs > 0 && this.#wasHeldFor(run, lane, code) ? 0 : runs
        sums.set(`${task}/${code}`, { ...sum, ms: sum.ms + ms, runs: sum.runs + fresh })
      }
    }
    return [...sums.values()].toSorted((a, b) => b.ms - a.ms)
  }

  /** The entries of each waiting run that are not summed. Open entries count up to `now`, or not at all. */
  *#waiting (now: number | null): Generator<{ run: WaitingRun, lane: Lane, holds: Hold[] }> {
    const upTo = (holds: readonly Hold[]): Hold[] =>
      now === null ? holds.filter(({ to }) => to !== null) : clipped(holds, Number.MIN_SAFE_INTEGER, now)
    const seen = new Set<string>()
    for (const lane of this.#memory.lanes.waiting) {
      if (lane.span === null || !this.lanes.byLane.has(lane.id)) continue
      for (const row of this.#db.all<WaitingRow>(IN_LANE, lane.id)) {
        const run = waitingOf(row)
        seen.add(run.id)
        const shared = clipped(this.lanes.leaving(lane.id, run.due_at, null), countedUntil(run), null)
        const holds = upTo([...shared, ...this.runs.of(run.id)])
        if (holds.length > 0) yield { run, lane, holds }
      }
    }
    for (const row of this.#db.all<WaitingRow>(HELD_ALONE)) {
      const run = waitingOf(row)
      const holds = seen.has(run.id) ? [] : upTo(this.runs.of(run.id))
      if (holds.length > 0) yield { run, lane: this.#memory.lanes.byId.get(row.lane)!, holds }
    }
  }

  /** Removes the sums of days before an instant. */
  forgetBefore (instant: number): void {
    this.#db.run('delete from held where day < ?', dayOf(instant))
  }
}
