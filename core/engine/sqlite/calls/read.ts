import { decodeId } from '../../../model/run/id.ts'
import type { Json } from '../../../model/base/json.ts'
import type { FullRun } from '../../../model/run/run.ts'
import type { Entry, StoredEntry, StoredLine } from '../../engine.ts'
import { afterOf } from './dependencies.ts'
import type { AttemptRow } from '../state/rows.ts'
import { parsed, toAttempt } from '../state/rows.ts'
import { lastAttempt } from './settle.ts'
import type { Store } from '../state/store.ts'
import { usedOf } from './used.ts'

/** A run with its bulky parts and its attempts that are over, oldest first. */
export function get (store: Store, id: string): FullRun | null {
  const run = store.read(id)
  if (!run) return null
  const attempts = store.all<AttemptRow>('select * from attempt where run = ? order by turn', decodeId(id)).map(toAttempt)
  const last = lastAttempt(run)
  if (last && attempts.at(-1)?.turn !== run.turn) attempts.push(last)
  return { ...run, payload: parsed(store.payloads.of(id)), result: store.part('result', id), checkpoint: store.part('checkpoint', id), attempts, holds: store.holds.of(id), after: afterOf(store, id), used: usedOf(store, id) }
}

type LogRow = Omit<StoredLine, 'data'> & { data: string | null }

/** The lines of a run's log after `after`, oldest first. */
export function logs (store: Store, { id, after, limit }: { id: string, after: number, limit: number }): StoredLine[] {
  const rows = store.all<LogRow>(`
    select seq, attempt, at, level, text, data from log
    where run = ? and seq > ?
    order by seq limit ?`, decodeId(id), after, limit)
  return rows.map(({ seq, attempt, at, level, text, data }) => {
    const line = { seq, attempt, at, level, text }
    return data === null ? line : { ...line, data: parsed(data) }
  })
}

type RecordRow = Omit<Entry, 'by' | 'detail'> & { seq: number, who: string, detail: string }

export function record (store: Store, { at, by, action, subject, detail }: Entry): void {
  store.sql('insert into record (at, who, action, subject, detail) values (?, ?, ?, ?, ?)')
    .run(at, by, action, subject, JSON.stringify(detail ?? null))
}

/** What was done by hand, newest first. */
export function records (store: Store, { limit, before, action }: { limit: number, before?: number, action?: string }): StoredEntry[] {
  const until = before ?? Number.MAX_SAFE_INTEGER
  const rows = action === undefined
    ? store.all<RecordRow>('select * from record where seq < ? order by seq desc limit ?', until, limit)
    : store.all<RecordRow>('select * from record where action = ? and seq < ? order by seq desc limit ?', action, until, limit)
  return rows.map(({ who, detail, ...row }) => ({ ...row, by: who, detail: JSON.parse(detail) as Json }))
}
