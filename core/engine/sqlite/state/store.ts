import type { DatabaseSync } from 'node:sqlite'
import { FINAL_STATES, PRIORITIES, STATES, isFinal } from '../../../model/run/run.ts'
import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Json } from '../../../model/base/json.ts'
import type { NewRun, PastAttempt, Run } from '../../../model/run/run.ts'
import type { News } from '../../engine.ts'
import { Holds } from './timelines.ts'
import { markOf } from '../../mark.ts'
import type { Lane, LaneSource } from './lanes.ts'
import { Lanes, comesFirst, stateNumber } from './lanes.ts'
import { Ledger } from './claims.ts'
import { Numbers } from './ids.ts'
import { Payloads } from './payloads.ts'
import { PLACED } from './ranges.ts'
import { INSERT_RUN, REWRITE_RUN, insertValues, isRich, priorityNumber, rewriteValues, text, toRun, updateFor } from './rows.ts'
import type { RunRow } from './rows.ts'
import { Prepared } from '../sql/statements.ts'
import { Tallies } from './hourly.ts'

type LaneRow = { id: number, task: string, queue: string, priority: number, last: number | null } & Record<typeof FINAL_STATES[number], number>

/** What a run leaves, each in a table of its own. */
export type Part = 'result' | 'checkpoint'

/** The queued runs of a lane as `queuedIn` binds it. One lower bound: of two SQLite may take the one that leaves more to read. */
export const QUEUED = 'state = 1 and lane = ? and (due_at, run.id) > (?, ?)'

/** Those that are due after an instant, without those that the ledger has, which come first. */
export const queuedIn = ({ id, beyond }: Lane, after = Number.MIN_SAFE_INTEGER): [number, number, number] =>
  beyond === null || beyond.due_at <= after ? [id, after, Number.MAX_SAFE_INTEGER] : [id, beyond.due_at, decodeId(beyond.id)!]

const NO_NEWS: readonly News[] = []

const isFree = ({ key_until: until, state }: Run): boolean =>
  (until === 'started' && state === 'running') || (typeof until === 'string' && isFinal(state))

/** An open database with what is kept in memory of it: lanes, running runs, the last number given out.
 *  Every write happens inside a transaction of the group commit; after one is rolled back, `remember` is called. */
export class Store extends Prepared {
  /** The runs that are running, by id. */
  readonly running = new Map<string, Run>()
  lanes: Lanes
  readonly numbers: Numbers
  /** The running runs whose rows do not say so. */
  readonly ledger: Ledger
  /** What holds the waiting runs. */
  readonly holds: Holds
  readonly tallies: Tallies
  readonly payloads: Payloads
  /** For how long runs were held before they started (ms), of those that were and whose attempt is not counted yet. */
  readonly #held = new Map<string, number>()
  /** Runs that others wait for. */
  readonly awaited = new Set<string>()
  /** Those of them that have ended, until their dependents are told. */
  readonly ended: Run[] = []
  /** Runs that were added, or wait no longer for others, until the listener is told. */
  #news: News[] = []
  /** No waiting run expires earlier; Infinity: none does. -Infinity: it has to be looked up. */
  deadline = -Infinity
  /** True when there are runs with prerequisites at all. */
  linked = false

  constructor (db: DatabaseSync) {
    super(db)
    this.lanes = new Lanes(this.#laneSource())
    this.numbers = new Numbers(this)
    this.ledger = new Ledger(this)
    this.holds = new Holds(this)
    this.tallies = new Tallies(this)
    this.payloads = new Payloads(this)
    this.remember()
  }

  /** Reads into memory what is kept there; what memory held is forgotten. */
  remember (): void {
    this.dropFresh()
    this.lanes = new Lanes(this.#laneSource())
    this.running.clear()
    this.deadline = -Infinity
    for (const row of this.all<LaneRow>('select * from lane order by id')) this.#rememberLane(row)
    this.numbers.remember()
    this.holds.remember()
    this.tallies.forget()
    this.#news = []
    for (const { queued, running } of this.ledger.remember(row => this.toRun(row))) this.defer(queued, running)
    this.#rememberLinks()
  }

  /** Keeps something for the listener. */
  tell (kind: News['kind'], run: Run): void {
    this.#news.push({ kind, run, behind: null })
  }

  takeNews (): readonly News[] {
    if (this.#news.length === 0) return NO_NEWS
    const news = this.#news
    this.#news = []
    for (const one of news) one.behind = this.#before(one.run)
    return news
  }

  #before (run: Run): string | null {
    const { first } = this.lanes.of(run)
    return first === null || first.id === run.id ? null : first.id
  }

  #rememberLinks (): void {
    this.ended.length = 0
    this.awaited.clear()
    this.linked = this.one('select 1 from dependency limit 1') !== undefined
    for (const { id } of this.all<{ id: number }>('select distinct prerequisite as id from dependency where state is null')) this.awaited.add(encodeId(id))
  }

  #rememberLane (row: LaneRow): void {
    const counts = STATES.map(state => row[state as typeof FINAL_STATES[number]] ?? 0)
    const open = this.all<{ state: number, n: number }>(`
      select state, count(*) as n from run indexed by run_lane where ${PLACED} and lane = ? and state in (0, 2) group by state
      union all
      select 1, count(*) from run indexed by run_queued where state = 1 and lane = ?`, row.id, row.id)
    for (const { state, n } of open) counts[state] = n
    const lane = this.lanes.hold(row.id, { task: row.task, queue: row.queue, priority: PRIORITIES[row.priority]!, counts })
    lane.last = row.last === null ? null : this.read(encodeId(row.last))
    if (counts[stateNumber('running')] === 0) return
    for (const running of this.all<RunRow>(`select * from run indexed by run_lane where ${PLACED} and lane = ? and state = 2`, row.id)) {
      const run = toRun(running, lane)
      this.running.set(run.id, run)
    }
  }

  #laneSource (): LaneSource {
    return {
      create: (task, queue, priority) =>
        Number(this.sql('insert into lane (task, queue, priority) values (?, ?, ?)').run(task, queue, priorityNumber(priority)).lastInsertRowid),
      between: (lane, after, until) => this.one<{ n: number }>(
        `select count(*) as n from run where ${QUEUED} and due_at <= ?`, ...queuedIn(lane, after), until)!.n,
      after: (lane, instant) => this.one<{ due_at: number }>(
        `select due_at from run where ${QUEUED} order by due_at limit 1`, ...queuedIn(lane, instant))?.due_at ?? Infinity
    }
  }

  toRun (row: RunRow): Run {
    return toRun(row, this.lanes.byId.get(row.lane)!)
  }

  /** The run with this id, or null. */
  read (id: string): Run | null {
    const number = decodeId(id)
    if (number === null) return null
    const row = this.one<RunRow>('select * from run where id = ?', number)
    return row ? this.toRun(row) : null
  }

  /** Inserts a new run as it was asked for. */
  insert (run: Run, { payload = null, expires = false }: Pick<NewRun, 'payload' | 'expires'>): void {
    const lane = this.lanes.of(run)
    this.fresh(INSERT_RUN, ...insertValues(run, lane, { payload: this.payloads.take(run.id, payload), expires }))
    if (isRich(run)) this.sql(REWRITE_RUN).run(...rewriteValues(run, lane))
    this.lanes.moved(lane, null, run)
    this.#enters(lane, run)
    if (expires) this.#waits(run)
  }

  #waits ({ state, deadline_at: at }: Run): void {
    if (at !== null && at < this.deadline && (state === 'queued' || state === 'blocked')) this.deadline = at
  }

  /** A run before one that the ledger has cannot be told from it any more: their rows are to say the truth. */
  #enters (lane: Lane, run: Run): void {
    if (lane.beyond === null || run.state !== 'queued' || comesFirst(lane.beyond, run)) return
    this.ledger.write()
    lane.beyond = null
  }

  /** Writes a changed run. Throws when the row is not what memory says: that must not happen, and nothing may be built on it. */
  save (before: Run, after: Run): void {
    const stored = this.ledger.take(before.id) ?? before
    const { sql, values } = updateFor(stored, after)
    const { changes } = this.sql(sql).run(...values)
    if (changes !== 1) throw new Error(`run ${before.id} is not ${stored.state} at turn ${stored.turn} any more`)
    this.#follow(before, after)
  }

  /** Takes a run that the ledger has for running; its row is written later. */
  defer (queued: Run, running: Run): void {
    this.lanes.of(queued).beyond = queued
    this.#follow(queued, running)
  }

  /** Brings what is known of the runs up to date. */
  #follow (before: Run, after: Run): void {
    const lane = this.lanes.of(before)
    this.lanes.moved(lane, before, after)
    this.#enters(lane, after)
    this.#waits(after)
    if (after.state === 'running') this.running.set(after.id, after)
    else if (before.state === 'running') this.running.delete(after.id)
    if (after.state === 'failed' || before.state === 'failed') this.#mark(after)
    if (after.key_until !== null && isFree(after)) this.free(after)
    if (this.awaited.size > 0 && isFinal(after.state) && this.awaited.has(after.id)) this.ended.push(after)
    if (before.state === 'queued' && after.state !== 'queued') this.#unhold(before, after.finished_at ?? after.started_at!)
    if (isFinal(after.state)) this.count(before, after, after.finished_at!)
  }

  #unhold (run: Run, at: number): void {
    const ms = this.holds.leave(run, at)
    if (ms > 0) this.#held.set(run.id, ms + (this.#held.get(run.id) ?? 0))
  }

  /** Counts an attempt that is over, or a run that waited. */
  count (before: Run, after: Run, at: number): void {
    const held = this.#held.get(before.id) ?? 0
    if (held > 0) this.#held.delete(before.id)
    this.tallies.over(before, after, { at, held })
  }

  /** A failed run is found by what it failed of; one that is queued again is not. */
  #mark ({ id, state, error, reason }: Run): void {
    this.sql('update run set fingerprint = ? where id = ?').run(state === 'failed' ? markOf(error, reason) : null, decodeId(id))
  }

  /** As `save`, with what seldom changes. */
  rewrite (before: Run, after: Run): void {
    const [from, to] = [this.lanes.of(before), this.lanes.of(after)]
    this.sql(REWRITE_RUN).run(...rewriteValues(after, to))
    if (from === to) return this.save(before, after)
    const across = { ...before, priority: after.priority, queue: after.queue }
    this.lanes.moved(from, before, null)
    this.lanes.moved(to, null, across)
    this.save(across, after)
  }

  /** Its key is its own no longer. */
  free ({ id }: Run): void {
    this.sql('update run set freed = 1 where id = ?').run(decodeId(id))
  }

  /** Its key is its own again, unless another run has it by now. */
  retake ({ id }: Run): void {
    this.sql('update or ignore run set freed = null where id = ?').run(decodeId(id))
  }

  setPart (part: Part, id: string, value: Json | undefined): void {
    this.sql(`insert into ${part} (run, json) values (?, ?) on conflict (run) do update set json = excluded.json`)
      .run(decodeId(id), JSON.stringify(value ?? null))
  }

  part (part: Part, id: string): Json {
    const row = this.one<{ json: string }>(`select json from ${part} where run = ?`, decodeId(id))
    return row ? JSON.parse(row.json) as Json : null
  }

  dropPart (part: Part, id: string): void {
    this.sql(`delete from ${part} where run = ?`).run(decodeId(id))
  }

  keepAttempt (id: string, past: PastAttempt): void {
    this.sql(`
      insert into attempt (run, turn, attempt, started_at, finished_at, outcome, error, reason)
      values (?, ?, ?, ?, ?, ?, ?, ?)
      on conflict (run, turn) do nothing`).run(decodeId(id), past.turn, past.attempt, past.started_at, past.finished_at,
      past.outcome, text(past.error), text(past.reason))
  }

  /** Removes sums over what is long past. */
  forgetBefore (instant: number): void {
    this.holds.forgetBefore(instant)
    this.tallies.forgetBefore(instant)
  }

  /** Sums the oldest day that is still kept by the hour, when it lies before an instant. */
  foldBefore (instant: number): void {
    const day = this.numbers.meta('folded')
    const next = this.tallies.fold(day, instant)
    if (next !== day) this.numbers.setMeta('folded', next)
  }

  /** Stores the counts of what is over, where they have changed, as the last act of a transaction. */
  storeCounts (): void {
    this.writeFresh()
    for (const { id, counts, last } of this.lanes.changed) {
      this.sql('update lane set completed = ?, failed = ?, cancelled = ?, skipped = ?, last = ? where id = ?')
        .run(...FINAL_STATES.map(state => counts[stateNumber(state)]!), last && decodeId(last.id), id)
    }
    this.lanes.changed.clear()
    this.tallies.store()
    this.numbers.store()
  }
}
