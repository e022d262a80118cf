import type { DatabaseSync } from 'node:sqlite'
import { FINAL_STATES, SOURCES, isFinal } from '../../../model/run/run.ts'
import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Json } from '../../../model/json/json.ts'
import type { NewRun, PastAttempt, Run } from '../../../model/run/run.ts'
import { failureFingerprint } from '../../failure-fingerprint.ts'
import { Prepared } from '../sql/statements.ts'
import { Holds } from './holds.ts'
import { HourlyRollup } from './hourly-rollup.ts'
import { RunIds } from './run-ids.ts'
import type { Lane, LaneSource } from './lanes.ts'
import type { LaneKey } from '../mapping/lane-row.ts'
import { stateNumber } from '../mapping/state-number.ts'
import { Memory } from './memory.ts'
import { Payloads } from './payloads.ts'
import { INSERT_RUN, RICH_RUN, insertValues, isRich, richValues, toRun } from '../mapping/run-row.ts'
import { laneValues } from '../mapping/lane-row.ts'
import { parsed, text } from '../mapping/json-text.ts'
import { updateFor } from '../mapping/run-update.ts'
import type { RunRow } from '../mapping/run-row.ts'
import { groupOf, sinceOf } from './singles.ts'
import type { Single, SingleSource } from './singles.ts'

/** The parts of a run that have their own tables. */
type RunPart = 'result' | 'checkpoint'

/** The queued runs of a lane after (due_at, id). One lower bound only: of two, SQLite may choose the less selective
 *  one. */
export const QUEUED = 'state = 1 and lane = ? and (due_at, run.id) > (?, ?)'

/** The queued runs of a lane that are due after an instant, as `QUEUED` binds them. */
export const queuedIn = (
  { id }: Lane,
  after = Number.MIN_SAFE_INTEGER
): [number, number, number] => [id, after, Number.MAX_SAFE_INTEGER]

const isFree = ({ key_until: until, state }: Run): boolean =>
  (until === 'started' && state === 'running') || (typeof until === 'string' && isFinal(state))

const SINGLE = 'from run indexed by run_single where state = 1 and single = 1'

const SINGLE_ROW = 'id, lane, source, now, deadline_at, due_at, nominal_at, created_at, attempt'

interface SingleRow {
  id: number
  lane: number
  source: number
  now: number
  deadline_at: number | null
  due_at: number
  nominal_at: number
  created_at: number
  attempt: number
}

function singleOf ({ id, lane, source, now, deadline_at, ...row }: SingleRow): Single {
  const run = { ...row, source: SOURCES[source]!, now: now === 1 }
  const group = groupOf(lane, run)
  return { id: encodeId(id), group, now: run.now, deadline_at, due_at: run.due_at, since: sinceOf(run), run: null }
}

/** An open database with its image in memory. Every write updates both, inside a transaction of the group commit. */
export class Tables extends Prepared {
  readonly memory: Memory
  readonly ids: RunIds
  /** Why runs wait. */
  readonly holds: Holds
  readonly hourly: HourlyRollup
  readonly payloads: Payloads

  constructor (db: DatabaseSync, like?: Tables) {
    super(db, like)
    this.memory = new Memory({ ...this.#laneSource(), singles: this.#singleSource() })
    this.ids = new RunIds(this, this.memory.journal)
    this.holds = new Holds(this, this.memory)
    this.hourly = new HourlyRollup(this, this.memory.journal)
    this.payloads = new Payloads(this, this.memory.journal)
  }

  #laneSource (): LaneSource {
    return {
      create: (key: LaneKey) =>
        this.insertOne(
          'insert into lane (task, queue, priority, span, scheduled) values (?, ?, ?, ?, ?)',
          ...laneValues(key)
        ),
      between: (lane, after, until) =>
        this.one<{ n: number }>(
          `select count(*) as n from run where ${QUEUED} and due_at <= ?`,
          ...queuedIn(lane, after),
          until
        )!.n,
      after: (lane, instant) =>
        this.one<{ due_at: number }>(
          `select due_at from run where ${QUEUED} order by due_at limit 1`,
          ...queuedIn(lane, instant)
        )?.due_at ?? Infinity
    }
  }

  #singleSource (): SingleSource {
    return {
      due: (after, until) =>
        this.all<SingleRow>(
          `select ${SINGLE_ROW} ${SINGLE} and due_at > ? and due_at <= ?`,
          after,
          until
        ).map(singleOf),
      after: instant =>
        this.one<{ due_at: number }>(
          `select due_at ${SINGLE} and due_at > ? order by due_at limit 1`,
          instant
        )?.due_at ?? Infinity
    }
  }

  toRun (row: RunRow): Run {
    const run = toRun(row, this.memory.lanes.byId.get(row.lane)!)
    return run.owner === null ? run : this.shown(run)
  }

  /** A run with the end of its owner's lease. */
  shown (run: Run): Run {
    return { ...run, lease_until: run.owner === null ? null : this.memory.owners.get(run.owner) ?? null }
  }

  /** The run with this id, or null. */
  read (id: string): Run | null {
    const number = decodeId(id)
    if (number === null) return null
    const row = this.one<RunRow>('select * from run where id = ?', number)
    return row ? this.toRun(row) : null
  }

  /** Inserts a new run. */
  insert (run: Run, { payload = null, expires = false }: Pick<NewRun, 'payload' | 'expires'>): void {
    const lane = this.memory.lanes.of(run)
    this.fresh(INSERT_RUN, ...insertValues(run, lane, { payload: this.payloads.take(run.id, payload), expires }))
    if (isRich(run)) this.run(RICH_RUN, ...richValues(run))
    this.memory.added(run, lane, expires)
  }

  /** Writes a changed run. Throws when the row differs from `before`, which is a bug. `at`: when the run left the
   *  queue, if that is neither its start nor its end. */
  save (before: Run, after: Run, at?: number): void {
    const lanes = [this.memory.lanes.of(before), this.memory.lanes.of(after)] as const
    const [from, to] = lanes
    const { sql, values } = updateFor(before, after, from === to ? null : to.id)
    if (this.run(sql, ...values) !== 1) {
      throw new Error(
        `run ${before.id} is no longer ${before.state} at turn ${before.turn}`
      )
    }
    this.follow(before, after, lanes, at)
  }

  /** Updates memory and everything derived from it after a row was written. */
  follow (before: Run, after: Run, lanes: readonly [Lane, Lane], at = after.finished_at ?? after.started_at): void {
    this.holds.follow(before, after, { lanes, at })
    this.memory.changed(before, after, lanes)
    if (after.state === 'failed' || before.state === 'failed') this.#mark(after)
    if (after.key_until !== null && isFree(after)) this.free(after)
    if (isFinal(after.state)) this.hourly.over(before, after, after.finished_at!)
  }

  /** Sets the fingerprint of a failed run and clears it otherwise. */
  #mark ({ id, state, error, reason }: Run): void {
    this.run(
      'update run set fingerprint = ? where id = ?',
      state === 'failed' ? failureFingerprint(error, reason) : null,
      decodeId(id)
    )
  }

  /** Releases the key of a run. */
  free ({ id }: Run): void {
    this.run('update run set freed = 1 where id = ?', decodeId(id))
  }

  /** Gives a run its key back unless another run holds it. */
  retake ({ id }: Run): void {
    this.run('update or ignore run set freed = null where id = ?', decodeId(id))
  }

  setPart (part: RunPart, id: string, value: Json | undefined): void {
    this.run(`insert into ${part} (run, json) values (?, ?) on conflict (run) do update set json = excluded.json`,
      decodeId(id), JSON.stringify(value ?? null))
  }

  part (part: RunPart, id: string): Json {
    const row = this.one<{ json: string }>(`select json from ${part} where run = ?`, decodeId(id))
    return parsed(row?.json)
  }

  dropPart (part: RunPart, id: string): void {
    this.run(`delete from ${part} where run = ?`, decodeId(id))
  }

  keepAttempt (id: string, past: PastAttempt): void {
    this.run(`
      insert into attempt (run, turn, attempt, started_at, finished_at, outcome, error, reason)
      values (?, ?, ?, ?, ?, ?, ?, ?)
      on conflict (run, turn) do nothing`, decodeId(id), past.turn, past.attempt, past.started_at, past.finished_at,
      past.outcome, text(past.error), text(past.reason))
  }

  /** Removes statistics of days and hours before an instant. */
  forgetBefore (instant: number): void {
    this.holds.forgetBefore(instant)
    this.hourly.forgetBefore(instant)
  }

  /** Sums the hours of the oldest day that is kept by hour, if it is before an instant. */
  foldBefore (instant: number): void {
    const day = this.ids.meta('folded')
    const next = this.hourly.fold(day, instant)
    if (next !== day) this.ids.setMeta('folded', next)
  }

  /** Writes buffered rows and changed sums at the end of a transaction. */
  seal (): void {
    this.writeFresh()
    for (const { id, counts, last } of this.memory.lanes.changed) {
      this.run('update lane set completed = ?, failed = ?, cancelled = ?, skipped = ?, last = ? where id = ?',
        ...FINAL_STATES.map(state => counts[stateNumber(state)]!), last && decodeId(last.id), id)
    }
    for (const lane of this.memory.lanes.changed) this.memory.journal.leave(this.memory.lanes.changed, lane)
    this.hourly.store()
    this.holds.store()
    this.ids.store()
  }

  committed (): void {
    this.memory.committed()
  }

  /** Undoes the changes of a rolled back transaction in memory. */
  rolledBack (): void {
    this.dropFresh()
    this.memory.rolledBack()
    this.holds.drop()
  }
}
