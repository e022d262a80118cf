import type { Json } from '../../../model/base/json.ts'
import type { Note } from '../../engine.ts'
import type { Entry, StoredEntry } from '../../reports.ts'
import type { Tables } from '../state/tables.ts'

type RecordRow = Omit<Entry, 'by' | 'detail'> & { seq: number, who: string, detail: string }

/** Writes down what was done by hand. */
export function record (tables: Tables, { at, by, action, subject, detail }: Entry): void {
  tables.run(
    'insert into record (at, who, action, subject, detail) values (?, ?, ?, ?, ?)',
    at,
    by,
    action,
    subject,
    JSON.stringify(detail ?? null)
  )
  tables.memory.say({ kind: 'recorded', by, action, subject })
}

/** Writes a note of the call that it came with; `subject`: of which it is, unless it says so itself. */
export function note (
  tables: Tables,
  { by, action, detail, subject = '' }: Note,
  at: { at: number, subject: string }
): void {
  record(tables, { at: at.at, by, action, subject: subject === '' ? at.subject : subject, detail })
}

/** What was done by hand, newest first. */
export function records (
  tables: Tables,
  { limit, before, action }: { limit: number, before?: number, action?: string }
): StoredEntry[] {
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

/** Entries that go at once. */
const SLICE = 1000

/** Removes the oldest entries: those before an instant, and those beyond the newest `most`. */
export function forgetRecords (tables: Tables, { before, most }: { before: number, most: number }): void {
  tables.run(`
    delete from record where seq in (select seq from record order by seq limit ?)
      and (at < ? or seq <= (select max(seq) from record) - ?)`, SLICE, before, most)
}
