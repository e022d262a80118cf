import type { SQLInputValue } from 'node:sqlite'

/** One condition of a query and its bound values. */
export interface Term {
  sql: string
  values: SQLInputValue[]
}

export const term = (sql: string, ...values: SQLInputValue[]): Term => ({ sql, values })

/** The conjunction of the terms. */
export const every = (...terms: readonly Term[]): Term =>
  term(terms.map(({ sql }) => sql).join(' and '), ...terms.flatMap(({ values }) => values))
