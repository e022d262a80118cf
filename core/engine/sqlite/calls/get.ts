import { decodeId } from '../../../model/run/id.ts'
import type { FullRun } from '../../../model/run/run.ts'
import type { StoredLine } from '../../reports.ts'
import { prerequisitesFor } from '../rows/dependencies.ts'
import type { AttemptRow } from '../mapping/attempt-row.ts'
import { parsed } from '../mapping/json-text.ts'
import { toAttempt } from '../mapping/attempt-row.ts'
import { lastAttempt } from './settle.ts'
import type { Tables } from '../state/tables.ts'
import { usageOf } from '../rows/usage.ts'

/** A run with its payload, result, checkpoint, timeline and finished attempts, oldest first. */
export function get (tables: Tables, id: string): FullRun | null {
  const run = tables.read(id)
  if (!run) return null
  const attempts = tables.all<AttemptRow>(
    'select * from attempt where run = ? order by turn',
    decodeId(id)
  ).map(toAttempt)
  const last = lastAttempt(run)
  if (last && attempts.at(-1)?.turn !== run.turn) attempts.push(last)
  return {
    ...run,
    payload: parsed(tables.payloads.of(id)),
    result: tables.part('result', id),
    checkpoint: tables.part('checkpoint', id),
    attempts,
    holds: tables.holds.of(run, tables.memory.lanes.of(run)),
    after: prerequisitesFor(tables, id),
    used: usageOf(tables, id)
  }
}

type LogRow = Omit<StoredLine, 'data'> & { data: string | null }

/** The log lines of a run with a `seq` above `after`, oldest first. */
export function logs (
  tables: Tables,
  { id, after, limit }: { id: string, after: number, limit: number }
): StoredLine[] {
  // As real numbers: node:sqlite throws for an integer beyond the safe range.
  const rows = tables.all<LogRow>(`
    select seq, attempt + 0.0 as attempt, at + 0.0 as at, level + 0.0 as level, cast(text as text) as text, data
    from log
    where run = ? and seq > ? and seq <= 9007199254740991
    order by seq limit ?`, decodeId(id), after, limit)
  return rows.map(({ seq, attempt, at, level, text, data }) => {
    const line = { seq, attempt, at, level, text }
    return data === null ? line : { ...line, data: parsed(data) }
  })
}
