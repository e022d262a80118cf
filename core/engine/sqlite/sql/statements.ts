import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'

/** Statements that are prepared once. */
export interface Statements {
  sql(source: string): StatementSync
  run(source: string, ...values: SQLInputValue[]): number
  insertOne(source: string, ...values: SQLInputValue[]): number
  all<T>(source: string, ...values: SQLInputValue[]): T[]
  one<T>(source: string, ...values: SQLInputValue[]): T | undefined
}

/** New rows that one statement writes: sixteen cost two thirds of what each would by itself, and more gain little. */
const MANY = 16

/** New rows of one table, and the statements that insert one of them and many. */
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

/** A database whose statements are prepared once, or shared with those of `like`. New rows are written together: before
 *  any other statement, so that each sees what it would. */
export class Prepared implements Statements {
  readonly db: DatabaseSync
  /** How many statements have written, or are to write. */
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

  /** Writes; answers how many rows have changed. */
  run (source: string, ...values: SQLInputValue[]): number {
    this.writes += 1
    return Number(this.sql(source).run(...values).changes)
  }

  /** Inserts one row; answers its number. */
  insertOne (source: string, ...values: SQLInputValue[]): number {
    this.writes += 1
    return Number(this.sql(source).run(...values).lastInsertRowid)
  }

  all<T> (source: string, ...values: SQLInputValue[]): T[] {
    return this.sql(source).all(...values) as T[]
  }

  /** Rows as lists of values, for what is read by the thousand. */
  lists (source: string, ...values: SQLInputValue[]): SQLOutputValue[][] {
    const statement = this.sql(source)
    statement.setReturnArrays(true)
    return statement.all(...values) as unknown as SQLOutputValue[][]
  }

  one<T> (source: string, ...values: SQLInputValue[]): T | undefined {
    return this.sql(source).get(...values) as T | undefined
  }

  /** Takes a row for an insert (`into`: up to its values), which nothing but a fault of the disk may keep from being
   *  written. */
  fresh (into: string, ...values: SQLInputValue[]): void {
    let fresh = this.#fresh.get(into)
    if (!fresh) this.#fresh.set(into, fresh = freshOf(into, values.length))
    this.writes += 1
    for (const value of values) fresh.values.push(value)
    if (fresh.values.length < MANY * fresh.width) this.#waits = true
    else this.#prepared(fresh.many).run(...fresh.values.splice(0))
  }

  /** Writes the rows that wait for others. */
  writeFresh (): void {
    this.#waits = false
    for (
      const { one, width, values } of this.#fresh.values()
    ) while (values.length > 0) this.#prepared(one).run(...values.splice(0, width))
  }

  /** What was not written never will be: its transaction is no more. */
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
