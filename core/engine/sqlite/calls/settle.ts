import { decodeId } from '../../../model/run/id.ts'
import { isFinal } from '../../../model/run/run.ts'
import type { Lease, Run } from '../../../model/run/run.ts'
import type { Outcome } from '../../../model/run/outcome.ts'
import type { CancelAsk, EndAsk, Report, RetryAsk, Settlement } from '../../engine.ts'
import type { LogLine } from '../../reports.ts'
import { afterCancel, afterEnd, afterOutcome, afterRetry, matchesOutcome, pastAttempt } from '../../transitions.ts'
import { text } from '../mapping/json-text.ts'
import type { Tables } from '../state/tables.ts'
import { queueFullError } from './add.ts'
import { refreshDependencies, reopenDependents, blockedIfOpen } from '../rows/dependencies.ts'
import { giveBack } from './claim-pools.ts'
import { writeNote } from '../rows/audit-records.ts'
import { clearDisplaced, skippedIfDisplaced } from '../rows/keys.ts'
import { addUsage } from '../rows/usage.ts'

/** The running run of a lease, or null when the lease is stale. */
function held (tables: Tables, { id, turn }: Lease): Run | null {
  const run = tables.memory.running.get(id)
  return run !== undefined && run.turn === turn ? run : null
}

function keepLines (tables: Tables, { id, attempt }: Run, lines: readonly LogLine[] | undefined): void {
  if (!lines || lines.length === 0) return
  const number = decodeId(id)
  let seq = tables.one<{ seq: number | null }>('select max(seq) as seq from log where run = ?', number)?.seq ?? 0
  for (const line of lines) {
    tables.run(
      'insert into log (run, seq, attempt, at, level, text, data) values (?, ?, ?, ?, ?, ?, ?)',
      number,
      ++seq,
      attempt,
      line.at,
      line.level,
      line.text,
      text(line.data)
    )
  }
}

/** Writes the outcome of an attempt. Null: the lease is stale and nothing changed. */
export function settle (tables: Tables, settlement: Settlement): Run | null {
  const { lease, outcome, now, progress, logs, used, begun = true } = settlement
  const run = held(tables, lease)
  if (!run) return before(tables, settlement)
  const ended = afterOutcome(run, outcome, now, progress)
  // A run that never began returns to its cohort.
  const back = begun || ended.due_at !== run.due_at ? ended : { ...ended, single: run.single }
  const next = skippedIfDisplaced(tables, { before: run, after: back }, now)
  const after = blockedIfOpen(tables, next)
  keepLines(tables, run, logs)
  if (used) addUsage(tables, run, { used, now })
  if (outcome.kind === 'completed' && outcome.result !== null) tables.setPart('result', run.id, outcome.result)
  if (!isFinal(after.state) && begun) keepAttempt(tables, run, outcome, now)
  if (!begun && tables.memory.claimOf(run.id).rated) giveBack(tables, run.queue)
  tables.save(run, after)
  if (outcome.kind === 'failed' && next.state === 'queued') tables.hourly.over(run, after, now)
  const answer = { ...after }
  tables.memory.emit(
    {
      kind: 'settled',
      run: answer,
      outcome: outcome.kind,
      ms: now - run.started_at!,
      owner: run.owner,
      ...used && { used }
    }
  )
  return answer
}

function keepAttempt (tables: Tables, run: Run, outcome: Outcome, finished_at: number): void {
  const error = outcome.kind === 'failed' ? outcome.error : null
  const reason = outcome.kind === 'postponed' ? outcome.reason : null
  tables.keepAttempt(run.id, pastAttempt(run, outcome.kind, { finished_at, error, reason }))
}

/** The run when the same settlement was written before, for a caller that repeats it; otherwise null. */
function before (tables: Tables, { lease, outcome }: Settlement): Run | null {
  const run = tables.read(lease.id)
  if (run?.turn !== lease.turn || !matchesOutcome(run, outcome)) return null
  const isSame = outcome.kind !== 'completed' ||
    JSON.stringify(tables.part('result', run.id)) === JSON.stringify(outcome.result)
  return isSame ? run : null
}

/** Writes the report of a running run. False: the lease is stale and nothing changed. */
export function report (tables: Tables, { lease, progress, checkpoint, child, logs }: Report): boolean {
  const run = held(tables, lease)
  if (!run) return false
  keepLines(tables, run, logs)
  if (checkpoint !== undefined) tables.setPart('checkpoint', run.id, checkpoint)
  if (progress === undefined && child === undefined) return true
  tables.save(run, { ...run, progress: progress ?? run.progress, child: child === undefined ? run.child : child })
  return true
}

/** Cancels a waiting run and asks a running one to stop; a finished one is unchanged. */
export function cancel (tables: Tables, { id, reason, now, record }: CancelAsk): Run | null {
  const run = tables.read(id)
  if (!run) return null
  const after = afterCancel(run, reason, now)
  if (after === run) return run
  tables.save(run, after)
  const answer = { ...after }
  tables.memory.emit({ kind: 'cancelled', run: answer, reason })
  if (record) writeNote(tables, record, { at: now, subject: id })
  return answer
}

/** Ends a waiting run without a start; any other run is unchanged. */
export function end (tables: Tables, { id, record, ...ask }: EndAsk): Run | null {
  const run = tables.read(id)
  if (!run) return null
  const after = afterEnd(run, ask)
  if (after === run) return run
  tables.save(run, after)
  const answer = { ...after }
  tables.memory.emit({ kind: 'settled', run: answer, outcome: ask.as, ms: 0, owner: null })
  if (record) writeNote(tables, record, { at: ask.now, subject: id })
  return answer
}

/** Queues a finished run again and stores its last attempt. Throws OFFPEAK_QUEUE_FULL. */
export function retry (tables: Tables, { id, due_at, now, bounds, record }: RetryAsk): Run | null {
  const run = tables.read(id)
  if (!run) return null
  const again = afterRetry(run, due_at)
  if (again === run) return run
  const bound = bounds && Object.hasOwn(bounds, run.queue) ? bounds[run.queue] : undefined
  if (bound && tables.memory.lanes.waitingIn(run.queue) >= bound.max) {
    throw queueFullError(tables, { queue: run.queue, max: bound.max, now })
  }
  const last = lastAttempt(run)
  if (last) tables.keepAttempt(id, last)
  tables.dropPart('result', id)
  // A completed run starts from the beginning; any other continues from its checkpoint.
  if (run.state === 'completed') tables.dropPart('checkpoint', id)
  refreshDependencies(tables, run)
  const after = blockedIfOpen(tables, again)
  tables.save(run, after)
  reopenDependents(tables, run, now)
  clearDisplaced(tables, run)
  if (typeof run.key_until === 'string') tables.retake(run)
  const answer = { ...after }
  tables.memory.emit({ kind: 'added', run: answer })
  if (record) writeNote(tables, record, { at: now, subject: id })
  return answer
}

/** The attempt that finished a run, or null. It is stored only when the run is queued again. */
export function lastAttempt (run: Run) {
  if (run.turn === 0 || !isFinal(run.state) || run.finished_at === null) return null
  return pastAttempt(run, run.state as 'completed' | 'failed' | 'cancelled' | 'skipped', {
    finished_at: run.finished_at,
    error: run.error,
    reason: run.reason
  })
}
