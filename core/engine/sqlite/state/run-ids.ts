import { encodeId, nextNumber } from '../../../model/run/id.ts'
import type { Statements } from '../sql/statements.ts'
import type { Journal } from './journal.ts'

const PER_MS = 4096

/** Gives ids to runs. Their numbers only rise, also when the clock is set back, and none is used twice. */
export class RunIds {
  /** The last number. */
  last = 0
  /** The maximum time by which numbers have run ahead of `created_at`, ms, and its stored value. */
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

  /** The stored number with this name, or 0. */
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

  /** The id of a run that is created at `now`. */
  nextId (now: number): string {
    this.#journal.set<RunIds, 'last'>(this, 'last', nextNumber(this.last, now))
    const ahead = Math.ceil((this.last + 1) / PER_MS - now)
    if (ahead > this.ahead) this.#journal.set<RunIds, 'ahead'>(this, 'ahead', ahead)
    return encodeId(this.last)
  }

  /** An upper bound: every run that was created before `instant` has a lower number. */
  before (instant: number): number {
    return (instant + this.ahead) * PER_MS
  }

  /** True when every number contains the millisecond in which its run was created. */
  get exact (): boolean {
    return this.ahead <= 1
  }

  /** Stores the last number before its run may be removed. */
  storeLast (): void {
    this.setMeta('last_number', this.last)
  }

  store (): void {
    if (this.ahead <= this.aheadStored) return
    this.setMeta('ahead', this.ahead)
    this.#journal.set<RunIds, 'aheadStored'>(this, 'aheadStored', this.ahead)
  }
}
