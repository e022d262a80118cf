import type { HeldAsk, HeldTime, HoldEntry, Overdue } from '../../engine.ts'
import type { RunRow } from '../state/rows.ts'
import type { Store } from '../state/store.ts'

/** Writes the timelines of runs that are queued. */
export function hold (store: Store, entries: readonly HoldEntry[]): void {
  for (const entry of entries) {
    const run = store.read(entry.id)
    if (run?.state === 'queued') store.holds.hold(run, entry)
  }
}

export const held = (store: Store, ask: HeldAsk): HeldTime[] => store.holds.held(ask)

const DEADLINES = 'from run indexed by run_deadline where expires = 1 and state <= 1'

/** Waiting runs that expire and whose deadline has passed, and no later than when the next one does. No statement while none has. */
export function overdue (store: Store, { now, limit }: { now: number, limit: number }): Overdue {
  if (now < store.deadline) return { runs: [], next_at: store.deadline === Infinity ? null : store.deadline }
  const rows = store.all<RunRow>(`select * ${DEADLINES} and deadline_at <= ? order by deadline_at limit ?`, now, limit)
  const next = store.one<{ at: number }>(`select deadline_at as at ${DEADLINES} and deadline_at > ? order by deadline_at limit 1`, now)
  store.deadline = rows[0]?.deadline_at ?? next?.at ?? Infinity
  return { runs: rows.map(row => store.toRun(row)), next_at: next?.at ?? null }
}
