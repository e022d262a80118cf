import type { ExpireAsk } from '../../../core/engine/engine.ts'
import { sharesIn, waitedAfter } from './expected-run.ts'
import type { ExpectedRun } from './expected-run.ts'
import type { ReferenceEngine } from './reference-engine.ts'

/** Recovers the running runs of expired owners and returns them. */
export function expireIn (
  reference: ReferenceEngine,
  { restart, crash_cap: cap }: Omit<ExpireAsk, 'now'>,
  late: readonly string[]
): ExpectedRun[] {
  const lost = reference.runs.filter(run =>
    run.state === 'running' && reference.owners.isOver(run.owner!, late, reference.now)
  )
  for (const [run, share] of sharesIn(lost, cap)) {
    const [{ child }, isCharged] = [run, share !== 'beside']
    run.attempts.push({ turn: run.turn, outcome: isCharged ? 'crashed' : 'postponed' })
    Object.assign(run, { attempt: run.attempt - 1, crashes: run.crashes + (isCharged ? 1 : 0) })
    if (run.cancel !== null) reference.over(run, 'cancelled', { reason: run.cancel, child })
    else if (restart === 'fail') reference.over(run, 'failed', { reason: 'interrupted', child })
    else if (run.crashes >= cap && share === 'alone') reference.over(run, 'failed', { reason: 'crashed', child })
    else {reference.again(run, isCharged ? Math.max(run.due_at, waitedAfter(run, cap, reference.now)) : run.due_at, {
        reason: 'crashed',
        child
      })}
  }
  reference.gone([...reference.owners.keys()].filter(owner => reference.owners.isOver(owner, late, reference.now)))
  return lost
}
