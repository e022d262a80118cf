import type { Json } from '../../../model/json/json.ts'
import type { AuditNote } from '../../engine.ts'
import type { AuditEntry, StoredAuditEntry } from '../../reports.ts'
import type { Tables } from '../state/tables.ts'

type RecordRow = Omit<AuditEntry, 'by' | 'detail'> & { seq: number, who: string, detail: string }

/** Writes an audit entry. */
export function writeRecord (tables: Tables, { at, by, action, subject, detail }: AuditEntry): void {
  tables.run(
    'insert into record (at, who, action, subject, detail) values (?, ?, ?, ?, ?)',
    at,
    by,
    action,
    subject,
    JSON.stringify(detail ?? null)
  )
  tables.memory.emit({ kind: 'recorded', by, action, subject })
}

/** Writes the audit note of a call. Its own subject takes precedence over that of the call. */
export function writeNote (
  tables: Tables,
  { by, action, detail, subject = '' }: AuditNote,
  at: { at: number, subject: string }
): void {
  writeRecord(tables, { at: at.at, by, action, subject: subject === '' ? at.subject : subject, detail })
}

/** Audit entries, newest first. */
export function listRecords (
  tables: Tables,
  { limit, before, action }: { limit: number, before?: number, action?: string }
): StoredAuditEntry[] {
  const until = before ?? Number.MAX_SAFE_INTEGER
  const rows = action === undefined
    ? tables.all<RecordRow>('select * from record where seq < ? order by seq desc limit ?', until, limit)
    : tables.all<RecordRow>(
      'select * from record where action = ? and seq < ? order by seq desc limit ?',
      action,
      until,
      limit
    )
  return rows.map(({ who, detail, ...row }) => ({ ...row, by: who, detail: JSON.parse(detail) as Json }))
}

/** The maximum number of entries that one call removes. */
const SLICE = 1000

/** Removes the oldest entries: those before an instant, and those beyond the newest `most`. */
export function trimRecords (tables: Tables, { before, most }: { before: number, most: number }): void {
  tables.run(`
    delete from record where seq in (select seq from record order by seq limit ?)
      and (at < ? or seq <= (select max(seq) from record) - ?)`, SLICE, before, most)
}
