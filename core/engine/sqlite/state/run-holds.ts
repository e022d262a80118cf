import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Hold } from '../../../model/run/run.ts'
import { MAX_HOLDS, continues, oldestPair } from '../../timeline.ts'
import type { HoldEntry } from '../../engine.ts'
import type { Statements } from '../sql/statements.ts'
import type { Journal } from './journal.ts'

/** An entry of a run's own timeline, a row of the table hold. */
type RunHold = Hold & { seq: number }

type RunHoldRow = {
  run: number
  seq: number
  code: string
  message: string
  began: number
  ended: number | null
  owner: string
}

const COLUMNS = 'run, seq, code, message, began, ended, owner'

const ownOf = ({ seq, code, message, began, ended, owner }: RunHoldRow): RunHold => ({
  seq,
  code,
  message,
  from: began,
  to: ended,
  owner
})

/** The timelines of single runs. Those of unfinished waits are in memory, so that a run without one costs no statement.
 */
export class RunHolds {
  readonly byRun = new Map<string, readonly RunHold[]>()
  readonly #db: Statements
  readonly #journal: Journal

  constructor (db: Statements, journal: Journal) {
    this.#db = db
    this.#journal = journal
  }

  read (): void {
    for (
      const row of this.#db.all<RunHoldRow>(
        `select ${COLUMNS} from hold indexed by hold_wait where counted = 0 order by run, seq`
      )
    ) {
      const id = encodeId(row.run)
      this.byRun.set(id, [...this.of(id), ownOf(row)])
    }
  }

  /** The entries of a run's unfinished wait. */
  of (id: string): readonly RunHold[] {
    return this.byRun.get(id) ?? []
  }

  /** Writes the verdict of an owner on a run. */
  record (id: string, { owner, at, code, message }: Pick<HoldEntry, 'owner' | 'at' | 'code' | 'message'>): void {
    let isHeld = false
    for (const open of this.of(id).filter(own => own.to === null && (own.owner === owner || own.owner === ''))) {
      const isSame = continues({ ...open, began: open.from }, { code, message, at })
      if (!isSame) this.#change(id, { ...open, to: Math.max(open.from, at) })
      else if (open.owner === '') this.#change(id, { ...open, owner })
      isHeld ||= isSame
    }
    if (code !== null && !isHeld) this.add(id, { code, message, from: at, to: null, owner })
  }

  /** Adds an entry to the unfinished wait. */
  add (id: string, hold: Hold): void {
    const seq = this.#insert(id, hold, 0)
    this.#put(id, [...this.of(id), { ...hold, seq }])
    if (this.of(id).length > MAX_HOLDS) this.#thin(id)
  }

  /** Writes entries of a finished wait. */
  keep (id: string, holds: readonly Hold[]): void {
    for (const hold of holds) this.#insert(id, hold, 1)
  }

  #insert (id: string, { code, message, from, to, owner }: Hold, counted: number): number {
    const number = decodeId(id)
    const seq = (
      this.#db.one<{ seq: number | null }>('select max(seq) as seq from hold where run = ?', number)?.seq ?? 0
    ) + 1
    this.#db.run(
      `insert into hold (${COLUMNS}, counted) values (?, ?, ?, ?, ?, ?, ?, ?)`,
      number,
      seq,
      code,
      message,
      from,
      to,
      owner,
      counted
    )
    return seq
  }

  #put (id: string, entries: readonly RunHold[]): void {
    this.#journal.put(this.byRun, id, entries)
  }

  #change (id: string, own: RunHold): void {
    this.#db.run(
      'update hold set ended = ?, owner = ? where run = ? and seq = ?',
      own.to,
      own.owner,
      decodeId(id),
      own.seq
    )
    this.#put(id, this.of(id).map(one => one.seq === own.seq ? own : one))
  }

  #thin (id: string): void {
    const entries = this.of(id)
    const [kept, gone] = oldestPair(entries).map(place => entries[place]!) as [RunHold, RunHold]
    // With two owners both may be open; open entries are not joined.
    if (kept.to === null || gone.to === null) return
    this.#change(id, { ...kept, to: kept.to + gone.to - gone.from })
    this.#db.run('delete from hold where run = ? and seq = ?', decodeId(id), gone.seq)
    this.#put(id, this.of(id).filter(({ seq }) => seq !== gone.seq))
  }

  /** Closes the open entries of a run whose wait ended. Returns the entries of the wait. */
  leave (id: string, at: number): readonly RunHold[] {
    const entries = this.of(id)
    if (entries.length === 0) return entries
    const closed = entries.map(own => own.to === null ? { ...own, to: Math.max(own.from, at) } : own)
    for (const own of closed) {
      this.#db.run('update hold set ended = ?, counted = 1 where run = ? and seq = ?', own.to, decodeId(id), own.seq)
    }
    this.#journal.drop(this.byRun, id)
    return closed
  }

  /** The open entries of these owners get no owner until the next verdict. */
  abandon (owners: readonly string[]): void {
    for (const [id, entries] of this.byRun) {
      for (const own of entries) {
        if (
          own.to === null && owners.includes(own.owner)
        ) this.#change(id, { ...own, owner: '' })
      }
    }
  }

  /** True when a finished wait of the run has an entry with this code. */
  wasHeldFor (id: string, code: string): boolean {
    return this.#db.one(
      'select 1 from hold where run = ? and counted = 1 and code = ?',
      decodeId(id),
      code
    ) !== undefined
  }

  /** All entries of a run in the order in which they were written. */
  all (id: string): Hold[] {
    return this.#db.all<RunHoldRow>(`select ${COLUMNS} from hold where run = ? order by seq`, decodeId(id)).map(row => {
      const { seq: _seq, ...hold } = ownOf(row)
      return hold
    })
  }
}
