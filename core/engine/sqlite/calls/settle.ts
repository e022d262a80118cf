import { decodeId } from '../../../model/run/id.ts'
import { isFinal } from '../../../model/run/run.ts'
import type { Lease, Reason, Run } from '../../../model/run/run.ts'
import type { EndAsk, LogLine, Renewed, Report, Settlement } from '../../engine.ts'
import { afterCancel, afterEnd, afterOutcome, afterRetry, pastAttempt } from '../../transitions.ts'
import { text } from '../state/rows.ts'
import type { Store } from '../state/store.ts'
import { forgive, unlessDisplaced } from './unique.ts'
import { keepUsed } from './used.ts'

/** The running run that the lease gives the right to write, or null when the lease is stale. */
function held (store: Store, { id, turn }: Lease): Run | null {
  const run = store.running.get(id)
  return run !== undefined && run.turn === turn ? run : null
}

function keepLines (store: Store, { id, attempt }: Run, lines: readonly LogLine[] | undefined): void {
  if (!lines || lines.length === 0) return
  const number = decodeId(id)
  let seq = store.one<{ seq: number | null }>('select max(seq) as seq from log where run = ?', number)?.seq ?? 0
  for (const line of lines) {
    store.sql('insert into log (run, seq, attempt, at, level, text, data) values (?, ?, ?, ?, ?, ?, ?)')
      .run(number, ++seq, attempt, line.at, line.level, line.text, text(line.data))
  }
}

/** Writes what an attempt came to. Null: the lease was stale and nothing changed. */
export function settle (store: Store, { lease, outcome, now, progress, logs, used, begun = true }: Settlement): Run | null {
  const run = held(store, lease)
  if (!run) return null
  const after = unlessDisplaced(store, { before: run, after: afterOutcome(run, outcome, now, progress) }, now)
  keepLines(store, run, logs)
  if (used) keepUsed(store, run, { used, now })
  if (outcome.kind === 'completed' && outcome.result !== null) store.setPart('result', run.id, outcome.result)
  if (!isFinal(after.state) && begun) {
    const error = outcome.kind === 'failed' ? outcome.error : null
    const reason = outcome.kind === 'postponed' ? outcome.reason : null
    store.keepAttempt(run.id, pastAttempt(run, outcome.kind, { finished_at: now, error, reason }))
  }
  store.save(run, after)
  if (outcome.kind === 'failed' && after.state === 'queued') store.count(run, after, now)
  return { ...after }
}

/** Writes what a running run says of itself. False: the lease was stale and nothing changed. */
export function report (store: Store, { lease, progress, checkpoint, child, logs }: Report): boolean {
  const run = held(store, lease)
  if (!run) return false
  keepLines(store, run, logs)
  if (checkpoint !== undefined) store.setPart('checkpoint', run.id, checkpoint)
  if (progress === undefined && child === undefined) return true
  store.save(run, { ...run, progress: progress ?? run.progress, child: child === undefined ? run.child : child })
  return true
}

/** Prolongs the leases that still hold. */
export function renew (store: Store, leases: readonly Lease[], lease_until: number): Renewed {
  const renewed: Renewed = { held: [], lost: [] }
  for (const lease of leases) {
    const run = held(store, lease)
    if (!run) {
      renewed.lost.push(lease.id)
      continue
    }
    store.save(run, { ...run, lease_until })
    renewed.held.push({ id: lease.id, cancel: run.cancel })
  }
  return renewed
}

/** Ends a waiting run, asks a running one to end, leaves a finished one. */
export function cancel (store: Store, { id, reason, now }: { id: string, reason: Reason, now: number }): Run | null {
  const run = store.read(id)
  if (!run) return null
  const after = afterCancel(run, reason, now)
  if (after !== run) store.save(run, after)
  return { ...after }
}

/** Ends a waiting run that is not to start; leaves any other. */
export function end (store: Store, { id, ...ask }: EndAsk): Run | null {
  const run = store.read(id)
  if (!run) return null
  const after = afterEnd(run, ask)
  if (after !== run) store.save(run, after)
  return { ...after }
}

/** Queues a finished run again. Its last attempt becomes a past one. */
export function retry (store: Store, { id, due_at }: { id: string, now: number, due_at: number }): Run | null {
  const run = store.read(id)
  if (!run) return null
  const after = afterRetry(run, due_at)
  if (after === run) return run
  const last = lastAttempt(run)
  if (last) store.keepAttempt(id, last)
  store.dropPart('result', id)
  // Work that was completed begins anew; work that was not goes on where it stopped.
  if (run.state === 'completed') store.dropPart('checkpoint', id)
  store.rewrite(run, after)
  forgive(store, run)
  if (typeof run.key_until === 'string') store.retake(run)
  return { ...after }
}

/** The attempt that finished a run, as far as its row tells; it is not kept apart until the run is queued again. */
export function lastAttempt (run: Run) {
  if (run.turn === 0 || !isFinal(run.state) || run.finished_at === null) return null
  return pastAttempt(run, run.state as 'completed' | 'failed' | 'cancelled' | 'skipped', {
    finished_at: run.finished_at, error: run.error, reason: run.reason
  })
}
