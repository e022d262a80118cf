import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'

/** Runs SQL. Each statement is prepared once. */
export interface Statements {
  sql(source: string): StatementSync
  run(source: string, ...values: SQLInputValue[]): number
  insertOne(source: string, ...values: SQLInputValue[]): number
  all<T>(source: string, ...values: SQLInputValue[]): T[]
  one<T>(source: string, ...values: SQLInputValue[]): T | undefined
}

/** New rows per insert statement. Sixteen rows together take two thirds of the time of single inserts; more rows gain
 *  little. */
const MANY = 16

/** Pending new rows of one table, with the statements that insert one or many of them. */
interface Fresh {
  one: string
  many: string
  width: number
  values: SQLInputValue[]
}

function freshOf (into: string, width: number): Fresh {
  const row = `(${Array.from({ length: width }, () => '?').join(', ')})`
  const source = (rows: number) => `${into} values ${Array.from({ length: rows }, () => row).join(', ')}`
  return { one: source(1), many: source(MANY), width, values: [] }
}

/** A database with prepared statements, shared with those of `like`. New rows are buffered and written together before
 *  any other statement, so that each statement sees them. */
export class Prepared implements Statements {
  readonly db: DatabaseSync
  /** The number of statements that wrote, or have buffered a row. */
  writes = 0
  readonly #statements: Map<string, StatementSync>
  readonly #fresh = new Map<string, Fresh>()
  #waits = false

  constructor (db: DatabaseSync, like?: Prepared) {
    this.db = db
    this.#statements = like === undefined ? new Map() : like.#statements
  }

  sql (source: string): StatementSync {
    if (this.#waits) this.writeFresh()
    return this.#prepared(source)
  }

  /** Returns the number of changed rows. */
  run (source: string, ...values: SQLInputValue[]): number {
    this.writes += 1
    return Number(this.sql(source).run(...values).changes)
  }

  /** Inserts one row and returns its rowid. */
  insertOne (source: string, ...values: SQLInputValue[]): number {
    this.writes += 1
    return Number(this.sql(source).run(...values).lastInsertRowid)
  }

  all<T> (source: string, ...values: SQLInputValue[]): T[] {
    return this.sql(source).all(...values) as T[]
  }

  /** Rows as arrays of values, for reads of thousands of rows. */
  lists (source: string, ...values: SQLInputValue[]): SQLOutputValue[][] {
    const statement = this.sql(source)
    statement.setReturnArrays(true)
    return statement.all(...values) as unknown as SQLOutputValue[][]
  }

  one<T> (source: string, ...values: SQLInputValue[]): T | undefined {
    return this.sql(source).get(...values) as T | undefined
  }

  /** Buffers a row for the insert statement `into` (without its values). The insert must not be able to violate a
   *  constraint. */
  fresh (into: string, ...values: SQLInputValue[]): void {
    let fresh = this.#fresh.get(into)
    if (!fresh) this.#fresh.set(into, fresh = freshOf(into, values.length))
    this.writes += 1
    for (const value of values) fresh.values.push(value)
    if (fresh.values.length < MANY * fresh.width) this.#waits = true
    else this.#prepared(fresh.many).run(...fresh.values.splice(0))
  }

  /** Writes the buffered rows. */
  writeFresh (): void {
    this.#waits = false
    for (
      const { one, width, values } of this.#fresh.values()
    ) while (values.length > 0) this.#prepared(one).run(...values.splice(0, width))
  }

  /** Discards the buffered rows of a transaction that was rolled back. */
  dropFresh (): void {
    this.#waits = false
    for (const { values } of this.#fresh.values()) values.length = 0
  }

  #prepared (source: string): StatementSync {
    let statement = this.#statements.get(source)
    if (!statement) this.#statements.set(source, statement = this.db.prepare(source))
    return statement
  }
}
