import type { SQLInputValue, StatementSync } from 'node:sqlite'

/** Statements that are prepared once. */
export interface Statements {
  sql (source: string): StatementSync
  all<T> (source: string, ...values: SQLInputValue[]): T[]
  one<T> (source: string, ...values: SQLInputValue[]): T | undefined
}
