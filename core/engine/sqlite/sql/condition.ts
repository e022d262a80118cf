import type { SQLInputValue } from 'node:sqlite'

/** One condition of a query and what is bound to it. */
export interface Term {
  sql: string
  values: SQLInputValue[]
}

export const term = (sql: string, ...values: SQLInputValue[]): Term => ({ sql, values })

/** What meets all of these. */
export const every = (...terms: readonly Term[]): Term =>
  term(terms.map(({ sql }) => sql).join(' and '), ...terms.flatMap(({ values }) => values))
