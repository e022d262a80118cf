import { decodeId } from '../../../model/run/id.ts'
import type { Run } from '../../../model/run/run.ts'
import type { ClaimAsk } from '../../engine.ts'
import { taken } from '../../transitions.ts'
import { updateFor } from './rows.ts'
import type { RunRow } from './rows.ts'
import type { Statements } from '../sql/statements.ts'

type Terms = Pick<ClaimAsk, 'owner' | 'now' | 'lease_until'>

/** Runs that were claimed together: `left` of them are still entered here and nowhere else. */
interface Batch { seq: number, left: number }

/** A claimed run as its row has it. */
interface Entered { queued: Run, running: Run, batch: Batch }

interface BatchRow { seq: number, owner: string, at: number, lease_until: number, runs: string }

/** Claims of quick runs: entered in one row for all that were claimed together, for such a run is over before anybody has looked at its own.
 *  Its row is written once, when it ends, or with all the others when somebody wants to read them. */
export class Ledger {
  readonly #db: Statements
  readonly #entries = new Map<string, Entered>()
  #last = 0

  constructor (db: Statements) {
    this.#db = db
  }

  get size (): number {
    return this.#entries.size
  }

  /** Enters runs that are claimed on the same terms. */
  enter (runs: readonly { queued: Run, running: Run }[], { owner, now, lease_until }: Terms): void {
    const batch: Batch = { seq: ++this.#last, left: runs.length }
    for (const run of runs) this.#entries.set(run.queued.id, { ...run, batch })
    this.#db.sql('insert into claim (seq, owner, at, lease_until, runs) values (?, ?, ?, ?, ?)')
      .run(batch.seq, owner, now, lease_until, JSON.stringify(runs.map(({ queued }) => decodeId(queued.id))))
  }

  /** What the row of a run says, which is to be written now; undefined: it is not entered here. */
  take (id: string): Run | undefined {
    const entered = this.#entries.get(id)
    if (!entered) return undefined
    this.#entries.delete(id)
    if (--entered.batch.left === 0) this.#db.sql('delete from claim where seq = ?').run(entered.batch.seq)
    return entered.queued
  }

  /** Writes every row, inside a transaction. */
  write (): void {
    if (this.#entries.size === 0) return
    for (const { queued, running } of this.#entries.values()) {
      const { sql, values } = updateFor(queued, running)
      this.#db.sql(sql).run(...values)
    }
    this.#entries.clear()
    this.#db.sql('delete from claim').run()
  }

  /** Reads what is entered, as `toRun` makes runs of rows; answers those that are running. */
  remember (toRun: (row: RunRow) => Run): Entered[] {
    this.#entries.clear()
    for (const { seq, owner, at, lease_until, runs } of this.#db.all<BatchRow>('select * from claim order by seq')) {
      const rows = this.#db.all<RunRow>('select * from run where id in (select value from json_each(?)) and state = 1 and turn = 0', runs)
      const batch: Batch = { seq, left: rows.length }
      for (const queued of rows.map(toRun)) this.#entries.set(queued.id, { queued, running: taken(queued, { owner, now: at, lease_until }), batch })
      this.#last = seq
    }
    return [...this.#entries.values()]
  }
}
