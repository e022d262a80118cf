import { clipped, applyVerdict } from '../../timeline.ts'
import type { SpanVerdict, HoldSpan } from '../../timeline.ts'
import type { Hold } from '../../../model/run/run.ts'
import type { Statements } from '../sql/statements.ts'
import type { Journal } from './journal.ts'

/** An open row of the table lane_hold. */
type OpenSpan = HoldSpan & { id: number }

/** The holds of a lane: the open ones, and the latest end of a closed one. */
interface LaneHold {
  readonly open: readonly OpenSpan[]
  readonly until: number
}

interface LaneHoldRow {
  id: number
  lane: number
  owner: string
  due_from: number
  due_until: number
  code: string
  message: string
  began: number
  ended: number | null
}

const NOTHING: LaneHold = { open: [], until: Number.MIN_SAFE_INTEGER }
const INSERT = `
  insert into lane_hold (lane, owner, due_from, due_until, code, message, began, ended)
  values (?, ?, ?, ?, ?, ?, ?, ?)`

/** The timelines of lanes, which their runs share. */
export class LaneHolds {
  readonly byLane = new Map<number, LaneHold>()
  /** The rows of lanes whose runs are leaving: all that ended after `since`. */
  readonly #closed = new Map<number, { since: number, rows: LaneHoldRow[] }>()
  readonly #db: Statements
  readonly #journal: Journal

  constructor (db: Statements, journal: Journal) {
    this.#db = db
    this.#journal = journal
  }

  read (): void {
    for (
      const { lane, until } of this.#db.all<{ lane: number, until: number }>(
        'select lane, max(ended) as until from lane_hold where ended is not null group by lane'
      )
    ) {
      this.byLane.set(lane, { open: [], until })
    }
    for (
      const { lane, ended: _ended, ...open } of this.#db.all<LaneHoldRow>(
        'select * from lane_hold where ended is null order by id'
      )
    ) {
      const known = this.#of(lane)
      this.byLane.set(lane, { ...known, open: [...known.open, open] })
    }
  }

  /** Discards rows that were read in a transaction that was rolled back. */
  drop (): void {
    this.#closed.clear()
  }

  #of (lane: number): LaneHold {
    return this.byLane.get(lane) ?? NOTHING
  }

  /** Writes a verdict of an owner. It may adopt spans without an owner. */
  record (lane: number, verdict: SpanVerdict): void {
    const known = this.#of(lane)
    const isOwn = ({ owner }: HoldSpan) => owner === verdict.owner || owner === ''
    const { kept, adopted, closed, opened } = applyVerdict(known.open.filter(isOwn), verdict)
    if (adopted.length + closed.length + opened.length === 0) return
    let { until } = known
    for (const span of adopted) this.#write(span, null)
    for (const span of closed) {
      const ended = Math.max(span.began, verdict.at)
      this.#write(span, ended)
      until = Math.max(until, ended)
    }
    const added = opened.map((span): OpenSpan => ({ ...span, id: this.#insert(lane, span) }))
    const open = [...known.open.filter(span => !isOwn(span)), ...kept, ...adopted, ...added]
    this.#journal.put(this.byLane, lane, { open, until })
    this.#closed.delete(lane)
  }

  #write ({ id, owner, due_from, due_until }: OpenSpan, ended: number | null): void {
    this.#db.run('update lane_hold set owner = ?, due_from = ?, due_until = ?, ended = ? where id = ?', owner, due_from,
      due_until, ended, id)
  }

  #insert (lane: number, { owner, due_from, due_until, code, message, began }: HoldSpan): number {
    return this.#db.insertOne(INSERT, lane, owner, due_from, due_until, code, message, began, null)
  }

  /** The open spans of these owners get no owner until the next verdict. */
  abandon (owners: readonly string[]): void {
    for (const [lane, { open, until }] of this.byLane) {
      if (!open.some(({ owner }) => owners.includes(owner))) continue
      const left = open.map(span => owners.includes(span.owner) ? this.#orphaned(span) : span)
      this.#journal.put(this.byLane, lane, { open: left, until })
      this.#closed.delete(lane)
    }
  }

  #orphaned (span: OpenSpan): OpenSpan {
    const orphan = { ...span, owner: '' }
    this.#write(orphan, null)
    return orphan
  }

  /** True when a run with this due time may have been held. */
  mayHold (lane: number, due: number): boolean {
    const { open, until } = this.#of(lane)
    return open.length > 0 || until > due
  }

  /** The entries of a run with this due time that waited until an instant; null: it still waits. */
  of (lane: number, due: number, until: number | null): Hold[] {
    if (!this.mayHold(lane, due)) return []
    return heldIn(this.#rows(lane, due), due, until)
  }

  /** Like `of`, for many runs that leave one after another. */
  leaving (lane: number, due: number, until: number | null): Hold[] {
    if (!this.mayHold(lane, due)) return []
    let known = this.#closed.get(lane)
    if (known === undefined || known.since > due) {
      this.#closed.set(
        lane,
        known = { since: due, rows: this.#rows(lane, due) }
      )
    }
    return heldIn(known.rows, due, until)
  }

  #rows (lane: number, due: number): LaneHoldRow[] {
    return this.#db.all<LaneHoldRow>(
      'select * from lane_hold where lane = ? and (ended is null or ended > ?) order by began, id',
      lane,
      due
    )
  }

  /** Removes the spans that ended before an instant. */
  forget (lane: number, instant: number): void {
    const known = this.byLane.get(lane)
    this.#closed.delete(lane)
    if (known === undefined) return
    this.#db.run('delete from lane_hold where lane = ? and ended is not null and ended <= ?', lane, instant)
    if (known.until > instant) return
    if (known.open.length === 0) this.#journal.drop(this.byLane, lane)
    else this.#journal.put(this.byLane, lane, { open: known.open, until: NOTHING.until })
  }
}

const heldIn = (rows: readonly LaneHoldRow[], due: number, until: number | null): Hold[] =>
  clipped(rows
    .filter(row => row.due_from <= due && row.due_until >= due)
    .map(({ code, message, began, ended, owner }) => ({ code, message, from: began, to: ended, owner })), due, until)
