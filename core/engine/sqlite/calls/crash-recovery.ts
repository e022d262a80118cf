import { isFinal } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import type { ExpireAsk, Recovered } from '../../engine.ts'
import { afterCrash, pastAttempt } from '../../transitions.ts'
import { MINUTE, SECOND } from '../../../model/base/duration.ts'
import type { Tables } from '../state/tables.ts'
import { removeOwners, writeLease } from './leases.ts'
import { sharesOf } from '../../../model/run/crash-suspect.ts'
import { blockedIfOpen } from '../rows/dependencies.ts'
import { skippedIfDisplaced } from '../rows/keys.ts'
import type { Share } from '../../../model/run/crash-suspect.ts'

/** After a longer pause between two checks the machine has slept, and live owners could not renew their leases, ms. */
const SLEPT = 15 * SECOND

/** Notes the check and returns the owners whose leases have expired; none after a long pause between two checks. */
export function lookForExpired ({ memory }: Tables, now: number): ReadonlySet<string> {
  const before = memory.expiredAt
  memory.expiredAt = now
  if (before === null || now - before > SLEPT || now < before) return new Set()
  return new Set(memory.owners.entries().filter(([, until]) => until <= now).map(([owner]) => owner))
}

/** Whether an owner is gone: it has no lease, or its lease was found expired and has not been renewed since. */
const isOverAt =
  ({ memory: { owners } }: Tables, late: ReadonlySet<string>, now: number) => (owner: string | null): boolean => {
    const until = owner === null ? undefined : owners.get(owner)
    return until === undefined || (late.has(owner!) && until <= now)
  }

/** A lease that lasts longer than this was written by a clock that was ahead, ms. */
const LONGEST = 5 * MINUTE

const aheadBy = ({ memory: { owners } }: Tables, now: number): string[] =>
  [...owners].filter(([, until]) => until > now + LONGEST).map(([owner]) => owner)

/** True when there is a run to recover, a lease to shorten, or an owner to remove. */
export function hasExpired (tables: Tables, late: ReadonlySet<string>, now: number): boolean {
  return late.size > 0 || aheadBy(tables, now).length > 0 ||
    tables.memory.running.values().some(({ owner }) => isOverAt(tables, late, now)(owner))
}

/** Queues or fails the running runs of owners that are gone: of processes that crashed or were killed. */
export function expire (tables: Tables, ask: ExpireAsk, late: ReadonlySet<string>): Recovered {
  const { owners, running } = tables.memory
  const isOver = isOverAt(tables, late, ask.now)
  for (const owner of aheadBy(tables, ask.now)) writeLease(tables, owner, ask.now + LONGEST)
  const recovered: Recovered = { queued: [], failed: [] }
  const lost = [...running.values()].filter(({ owner }) => isOver(owner))
  const shares = new Map(
    [...Map.groupBy(lost, ({ owner }) => owner)].map(([owner, own]) => [owner, sharesIn(own, owner, ask)])
  )
  for (const run of lost) {
    const after = crash(tables, run, { ask, share: shares.get(run.owner)!(run) })
    if (!isFinal(after.state)) recovered.queued.push({ ...after })
    if (after.state === 'failed') recovered.failed.push({ ...after })
  }
  removeOwners(tables, [...owners.keys()].filter(isOver))
  return recovered
}

function sharesIn (runs: readonly Run[], owner: string | null, { crash_cap, blame = null }: ExpireAsk) {
  return sharesOf(runs, { crash_cap, blame: blame?.owner === owner ? blame : null })
}

function crash (tables: Tables, run: Run, { ask, share }: { ask: ExpireAsk, share: Share }): Run {
  const crashed = afterCrash(run, ask, share)
  const isCharged = share === 'alone' || share === 'among'
  tables.keepAttempt(run.id, pastAttempt(run, isCharged ? 'crashed' : 'postponed', {
    finished_at: ask.now,
    error: null,
    reason: crashed.reason
  }))
  const after = blockedIfOpen(tables, skippedIfDisplaced(tables, { before: run, after: crashed }, ask.now))
  tables.save(run, after)
  if (after.state === 'cancelled') tables.memory.emit({ kind: 'cancelled', run: after, reason: after.reason! })
  else if (isFinal(after.state)) {
    const outcome = after.state === 'skipped' ? 'skipped' : 'failed'
    tables.memory.emit({ kind: 'settled', run: after, outcome, ms: ask.now - run.started_at!, owner: null })
  }
  return after
}
