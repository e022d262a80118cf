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

/** A verdict on all runs that are due holds for those that become due later as well, until another one is said. */
const FOREVER = Number.MAX_SAFE_INTEGER

/** What says of a waiting run how much of its wait is summed. */
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

/** Up to when the wait of a queued run is summed: one that went back to its cohort without an attempt was claimed
 *  before. */
const countedUntil = (
  { due_at: due, turn, started_at: started }: Pick<Run, 'due_at' | 'turn' | 'started_at'>
): number => turn === 0 || started === null ? due : Math.max(due, started)

/** Until when a run of a cohort has waited; null: it still does. One that ended without an attempt waited until its
 *  end. */
function waitedUntil ({ state, attempt, crashes, started_at: started, finished_at: finished }: Run): number | null {
  if (state === 'queued') return null
  return finished !== null && attempt === 0 && crashes === 0 ? finished : started ?? finished
}

const dayOf = (at: number): number => Math.floor(at / DAY)

/** Time held on a day, which the transaction has brought. */
type DaySumOfTask = DaySum & { task: string }

/** Why runs wait: the runs of a cohort have the timeline of their lane, single ones their own. How long each was held
 *  is summed when it waits no longer. */
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

  /** Forgets what a transaction has summed that is rolled back. */
  drop (): void {
    this.#sums.clear()
    this.lanes.drop()
  }

  /** What these owners say no more is anybody's until somebody judges again. */
  abandon (owners: readonly string[]): void {
    this.lanes.abandon(owners)
    this.runs.abandon(owners)
  }

  /** Writes a verdict on the runs of a cohort. */
  sayOf (lane: Lane, { owner, at, code, message, cohort }: HoldEntry): void {
    const { from, until } = cohort!
    this.lanes.say(lane.id, { owner, at, code, message, due_from: from, due_until: until >= at ? FOREVER : until })
  }

  /** Follows a run on its way: one that waits no longer is not held any more, and one that leaves its cohort takes its
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
    // Of a run that went back to its cohort a part of the wait is summed by now.
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
    // Those that count as the first of their code are told from the waits before this one.
    for (const sum of daySums(holds)) {
      this.#add(
        run.task,
        { ...sum, runs: sum.runs > 0 && this.#wasHeldFor(run, lane, sum.code) ? 0 : sum.runs }
      )
    }
    this.runs.leave(run.id, at)
  }

  /** True when the run was held for that in a wait that is summed. */
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

  /** Writes what the transaction has summed. */
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

  /** Time held by task and code: what is summed, and what waiting runs were held for so far. */
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

  /** The entries of each run that waits, as far as they are not summed; what is open counts up to `now`, or not at all.
   */
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

  /** Removes the sums of days that are over by an instant. */
  forgetBefore (instant: number): void {
    this.#db.run('delete from held where day < ?', dayOf(instant))
  }
}
