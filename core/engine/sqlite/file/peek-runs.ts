import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { toEngineError } from './sqlite-errors.ts'

/** What a data folder says about its runs. `newest`: the latest instant at which a run was added or started. `due`: how
 *  many are queued and due; all instants are epoch ms. */
interface PeekedRuns {
  newest: number | null
  lastStart: number | null
  due: number
  oldestDue: number | null
}

const NOTHING: PeekedRuns = { newest: null, lastStart: null, due: 0, oldestDue: null }

const QUERY = `
  select max(max(created_at), max(coalesce(started_at, 0))) as newest, max(started_at) as lastStart,
    coalesce(sum(state = 1 and due_at <= :now), 0) as due,
    min(case when state = 1 and due_at <= :now then due_at end) as oldestDue
  from run`

/** Reads a summary of the runs of a data folder, whether it is in use or not. Null if it has no database. Throws
 *  OFFPEAK_ENGINE_FAILED. */
export function peekRuns (folder: string, now: number): PeekedRuns | null {
  const file = join(folder, 'offpeak.db')
  if (!existsSync(file)) return null
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 1000 })
    return { ...NOTHING, ...db.prepare(QUERY).get({ now }) }
  } catch (error) {
    throw toEngineError(error)
  } finally {
    db?.close()
  }
}
