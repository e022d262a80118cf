import { DAY } from '../../../model/base/duration.ts'
import type { Json } from '../../../model/json/json.ts'
import type { Fact, KeepAsk } from '../../engine.ts'
import type { Tables } from '../state/tables.ts'
import { writeNote } from './audit-records.ts'

/** How long lists with `since` include a removed fact or schedule. */
const REMEMBERED = 7 * DAY

/** The stored value of a removed fact or schedule: JSON null, which no other one has. */
export const GONE = 'null'

type FactRow = Omit<Fact, 'value'> & { value: string }

/** The fact with this name, or null. */
export function factOf (tables: Tables, name: string): Pick<FactRow, 'version' | 'value'> | null {
  const known = tables.one<FactRow>('select version, value from fact where name = ?', name)
  return known === undefined || known.value === GONE ? null : known
}

/** Stores or, with null, removes a fact. False: the stored version is not the one that was read. */
export function keep (tables: Tables, { name, value, now, was, record }: KeepAsk): boolean {
  const known = factOf(tables, name)
  if (was !== undefined && was !== (known?.version ?? null)) return false
  if (value === null && known === null) return true
  tables.run(`
    insert into fact (name, value, at, version) values (?, ?, ?, ?)
    on conflict (name) do update set value = excluded.value, at = excluded.at, version = excluded.version`, name,
    JSON.stringify(value), now, tables.memory.nextVersion('fact'))
  if (record) writeNote(tables, record, { at: now, subject: name })
  return true
}

/** The facts whose names start with `prefix`, by name; `since`: those that changed after a version. */
export function kept (tables: Tables, { prefix, since }: { prefix: string, since?: number }): Fact[] {
  const rows = tables.all<FactRow>(`
    select name, value, at, version from fact
    where name >= ? and name < ? || char(0x10ffff) and version > ? and (? or value <> ?)
    order by name`, prefix, prefix, since ?? -1, since === undefined ? 0 : 1, GONE)
  return rows.map(({ name, value, at, version }) => ({ name, value: JSON.parse(value) as Json, at, version }))
}

/** Removes the rows of facts and schedules that were removed long ago. The row with the newest version stays, so that
 *  no version is used twice. */
export function forgetGone (tables: Tables, now: number): void {
  for (const table of ['fact', 'schedule']) {
    const body = table === 'fact' ? 'value' : 'body'
    tables.run(
      `delete from ${table} where ${body} = ? and at < ? and version < (select max(version) from ${table})`,
      GONE,
      now - REMEMBERED
    )
  }
}
