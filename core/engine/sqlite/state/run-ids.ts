import { encodeId, nextNumber } from '../../../model/run/id.ts'
import type { Statements } from '../sql/statements.ts'
import type { Journal } from './journal.ts'

const PER_MS = 4096

/** The numbers of the runs: they only rise, whatever the clock does, and none is given twice. */
export class RunIds {
  /** The number that was given out last. */
  last = 0
  /** How many ms the numbers given out have run ahead of `created_at`, at most, and what of that is stored. */
  ahead = 0
  aheadStored = 0
  readonly #db: Statements
  readonly #journal: Journal

  constructor (db: Statements, journal: Journal) {
    this.#db = db
    this.#journal = journal
  }

  read (): void {
    const newest = this.#db.one<{ id: number | null }>('select max(id) as id from run')?.id ?? 0
    this.last = Math.max(newest, this.meta('last_number'))
    this.ahead = this.aheadStored = this.meta('ahead')
  }

  /** A number that is kept under a name; 0 when there is none. */
  meta (name: string): number {
    return this.#db.one<{ value: number }>('select value from meta where name = ?', name)?.value ?? 0
  }

  setMeta (name: string, value: number): void {
    this.#db.run(
      'insert into meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
      name,
      value
    )
  }

  /** The next id, given to a run that is created at `now`. */
  nextId (now: number): string {
    this.#journal.set<RunIds, 'last'>(this, 'last', nextNumber(this.last, now))
    const ahead = Math.ceil((this.last + 1) / PER_MS - now)
    if (ahead > this.ahead) this.#journal.set<RunIds, 'ahead'>(this, 'ahead', ahead)
    return encodeId(this.last)
  }

  /** Every run created before `instant` has a number below this one; none created from it on has a number below
   *  `instant`'s own. */
  before (instant: number): number {
    return (instant + this.ahead) * PER_MS
  }

  /** True when every number says in which ms its run was created: none has ever run ahead of the clock. */
  get exact (): boolean {
    return this.ahead <= 1
  }

  /** Keeps the last number given out, before the run that has it may be removed: no id is given twice. */
  storeLast (): void {
    this.setMeta('last_number', this.last)
  }

  store (): void {
    if (this.ahead <= this.aheadStored) return
    this.setMeta('ahead', this.ahead)
    this.#journal.set<RunIds, 'aheadStored'>(this, 'aheadStored', this.ahead)
  }
}
