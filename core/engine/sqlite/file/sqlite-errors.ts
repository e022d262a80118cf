import type { OffpeakError } from '../../../model/errors/errors.ts'
import { engineFailed } from '../../../model/errors/engine-errors.ts'

/** What an error of SQLite means to us. Source: https://www.sqlite.org/rescode.html */
type SqliteErrorKind = 'busy' | 'full' | 'corrupt' | 'readonly' | 'unreachable' | 'other'

const BY_CODE: Record<number, SqliteErrorKind> = {
  5: 'busy',
  6: 'busy',
  8: 'readonly',
  10: 'other',
  11: 'corrupt',
  13: 'full',
  14: 'unreachable',
  26: 'corrupt'
}

const CONSTRAINT = 19
const PRIMARY = 0xff

const errcodeOf = (error: unknown): number | null =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & PRIMARY : null

/** Null: the error is not SQLite's, or it is one that a single call brings on itself. */
export function sqliteErrorKind (error: unknown): SqliteErrorKind | null {
  const code = errcodeOf(error)
  if (code === null || code === CONSTRAINT) return null
  return BY_CODE[code] ?? 'other'
}

const WORDS: Record<SqliteErrorKind, { message: string, fix: string, status?: number }> = {
  busy: {
    message: 'The database is locked by another program',
    fix: 'Close the tool that has offpeak.db open for writing.'
  },
  full: {
    message: 'The disk is full: nothing new can be stored',
    fix: 'Free some space; no restart is needed.',
    status: 507
  },
  corrupt: {
    message: 'The database is damaged',
    fix: 'Stop, put the newest good backup in the place of offpeak.db, and start again.'
  },
  readonly: {
    message: 'The data folder cannot be written',
    fix: 'Make the folder and its files writable for this user.'
  },
  unreachable: {
    message: 'The database file cannot be opened',
    fix: 'Check that the data folder exists, is readable, and that files can still be opened.'
  },
  other: {
    message: 'The database refused the change',
    fix: 'Look at the disk of the data folder. If it is in order, this is a fault of offpeak: please report it.'
  }
}

/** The error that callers get for an error of SQLite. */
export function toEngineError (cause: unknown): OffpeakError {
  const trouble = sqliteErrorKind(cause) ?? 'other'
  const { message, ...rest } = WORDS[trouble]
  const words = trouble === 'other' && cause instanceof Error ? `${message}: ${cause.message}` : message
  return engineFailed({ ...rest, message: words, cause })
}
