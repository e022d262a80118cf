import type { Json } from '../../../model/base/json.ts'
import type { Fact } from '../../engine.ts'
import type { Store } from '../state/store.ts'

/** Keeps a fact under its name, in the place of the one before; null takes it away. */
export function keep (store: Store, { name, value, now }: { name: string, value: Json, now: number }): void {
  if (value === null) {
    store.sql('delete from fact where name = ?').run(name)
    return
  }
  store.sql(`
    insert into fact (name, value, at) values (?, ?, ?)
    on conflict (name) do update set value = excluded.value, at = excluded.at`).run(name, JSON.stringify(value), now)
}

/** The facts whose names begin with `prefix`, by name. */
export const kept = (store: Store, prefix: string): Fact[] =>
  store.all<Omit<Fact, 'value'> & { value: string }>('select name, value, at from fact where name >= ? and name < ? || char(0x10ffff) order by name', prefix, prefix)
    .map(({ name, value, at }) => ({ name, value: JSON.parse(value) as Json, at }))
