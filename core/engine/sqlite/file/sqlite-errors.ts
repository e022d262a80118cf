import type { OffpeakError } from '../../../model/errors/errors.ts'
import { engineFailed } from '../../../model/errors/engine-errors.ts'

/** The kinds of SQLite errors. Source: https://www.sqlite.org/rescode.html */
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

/** Null: the error is not from SQLite, or it is a constraint error, which concerns one call only. */
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
    fix: 'Stop, replace offpeak.db with the newest good backup, and start again.'
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
    fix: 'Check the disk of the data folder. If the disk is healthy, this is a bug in offpeak: please report it.'
  }
}

/** The OFFPEAK_ENGINE_FAILED for an error of SQLite. */
export function toEngineError (cause: unknown): OffpeakError {
  const trouble = sqliteErrorKind(cause) ?? 'other'
  const { message, ...rest } = WORDS[trouble]
  const words = trouble === 'other' && cause instanceof Error ? `${message}: ${cause.message}` : message
  return engineFailed({ ...rest, message: words, cause })
}
