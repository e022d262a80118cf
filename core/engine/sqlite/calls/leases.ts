import type { OwnedRuns } from '../../engine.ts'
import type { Tables } from '../state/tables.ts'

/** Renews the lease of an owner; never shortens it. */
export function renewOwner (tables: Tables, owner: string, until: number): void {
  const { owners } = tables.memory
  if ((owners.get(owner) ?? -Infinity) < until) writeLease(tables, owner, until)
}

/** Stores a lease. */
export function writeLease (tables: Tables, owner: string, until: number): void {
  const { owners, journal } = tables.memory
  tables.run(`
    insert into owner (name, lease_until) values (?, ?)
    on conflict (name) do update set lease_until = excluded.lease_until`, owner, until)
  journal.put(owners, owner, until)
}

/** Renews the lease of an owner and returns its running runs. */
export function beat (tables: Tables, { owner, until }: { owner: string, until: number }): OwnedRuns {
  renewOwner(tables, owner, until)
  const own = [...tables.memory.running.values()].filter(run => run.owner === owner)
  return {
    running: own.map(({ id, turn }) => ({ id, turn })),
    cancel: own.flatMap(({ id, turn, cancel }) => cancel === null ? [] : [{ id, turn, reason: cancel }])
  }
}

/** Gives up the lease of an owner. */
export const leave = (tables: Tables, { owner }: { owner: string }): void => removeOwners(tables, [owner])

/** Removes owners with their leases and locks. */
export function removeOwners (tables: Tables, names: readonly string[]): void {
  if (names.length === 0) return
  const { owners, journal } = tables.memory
  for (const name of names) {
    if (!owners.has(name)) continue
    tables.run('delete from owner where name = ?', name)
    journal.drop(owners, name)
  }
  tables.holds.abandon(names)
}
