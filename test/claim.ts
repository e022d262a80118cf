import { NO_DEADLINE } from '../core/model/run/cohort.ts'
import type { ClaimAsk } from '../core/engine/engine.ts'

/** Asks for due runs of a task as they are added by hand: in the default queue, of normal priority, without a
 *  deadline. */
export function claimOf (
  task: string,
  { owner, now, limit = 1 }: { owner: string, now: number, limit?: number }
): ClaimAsk {
  const cohort = {
    task,
    queue: 'default',
    priority: 'normal',
    span: NO_DEADLINE,
    scheduled: false,
    from: 0,
    until: now
  } as const
  return {
    owner,
    now,
    lease_until: now + 60_000,
    limit,
    offers: [{ cohort, rank: 0, needs: [], takes: [] }],
    pools: {}
  }
}
