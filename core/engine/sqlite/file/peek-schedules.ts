import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Schedule } from '../../../model/schedule/schedule.ts'
import { toEngineError } from './sqlite-errors.ts'

/** Reads the schedules of a data folder, whether it is in use or not. An absent database has none. Throws
 *  OFFPEAK_ENGINE_FAILED. */
export function peekSchedules (folder: string): Schedule[] {
  const file = join(folder, 'offpeak.db')
  if (!existsSync(file)) return []
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 1000 })
    const rows = db.prepare("select body from schedule where body <> 'null' order by id").all() as { body: string }[]
    return rows.map(({ body }) => JSON.parse(body) as Schedule)
  } catch (error) {
    throw toEngineError(error)
  } finally {
    db?.close()
  }
}
