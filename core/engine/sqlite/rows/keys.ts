import { decodeId } from '../../../model/run/id.ts'
import { isFinal } from '../../../model/run/run.ts'
import type { NewRun, Run } from '../../../model/run/run.ts'
import type { Added } from '../../engine.ts'
import { afterDisplaced, runFrom, withChanges, afterReplace } from '../../transitions.ts'
import { nameOf } from '../mapping/run-row.ts'
import type { RunRow } from '../mapping/run-row.ts'
import type { Tables } from '../state/tables.ts'

type TaskKey = Pick<NewRun, 'task' | 'key'>

function rowOf (tables: Tables, { task, key }: TaskKey): Run | null {
  const name = nameOf(task, key)
  const row = name === null ? undefined : tables.one<RunRow>('select * from run where name = ? and freed is null', name)
  return row ? tables.toRun(row) : null
}

const isOver = ({ key_until: until }: Run, now: number): boolean => typeof until === 'number' && until <= now

/** The run that holds this key, or null. Changes nothing. */
export function keyHolder (tables: Tables, { now, ...name }: TaskKey & { now: number }): Run | null {
  const run = rowOf(tables, name)
  return run && !isOver(run, now) ? run : null
}

/** The run that holds this key, or null. Releases a key whose time is over. */
export function claimKey (tables: Tables, ask: TaskKey, now: number): Run | null {
  const run = rowOf(tables, ask)
  if (!run || !isOver(run, now)) return run
  tables.free(run)
  return null
}

/** Inserts a run. When another run holds its key, the conflict policy decides. */
export function addOne (tables: Tables, ask: NewRun, now: number): Added {
  const known = claimKey(tables, ask, now)
  if (!known) return create(tables, ask, now)
  const conflict = ask.unique?.conflict ?? 'return'
  if (conflict === 'keep_last' && known.state === 'running') {
    displace(tables, known)
    return create(tables, ask, now)
  }
  if (conflict === 'return' || known.state === 'running' || isFinal(known.state)) {
    return { run: known, created: false, conflict: 'returned' }
  }
  return conflict === 'reschedule' ? reschedule(tables, known, ask) : replace(tables, known, ask)
}

// freed = 2: a newer run holds the key and this one may not wait again. freed = 1: the key is free.
function displace (tables: Tables, { id }: Run): void {
  tables.run('update run set freed = 2 where id = ?', decodeId(id))
}

/** The run after its attempt, skipped instead of queued when a newer run with its key displaced it. */
export function skippedIfDisplaced (tables: Tables, { before, after }: { before: Run, after: Run }, now: number): Run {
  if (
    after.key === null || after.state !== 'queued' ||
    !tables.one('select 1 from run where id = ? and freed = 2', decodeId(after.id))
  ) return after
  return afterDisplaced({ ...after, due_at: before.due_at }, now)
}

/** Lets a displaced run wait again because it is retried by hand. */
export function clearDisplaced (tables: Tables, { id, key }: Run): void {
  if (key !== null) tables.run('update run set freed = 1 where id = ? and freed = 2', decodeId(id))
}

function create (tables: Tables, ask: NewRun, now: number): Added {
  const run = runFrom(ask, tables.ids.nextId(now), now)
  tables.insert(run, ask)
  if (run.state === 'skipped') tables.hourly.over(run, run, now)
  return { run, created: true }
}

function reschedule (tables: Tables, known: Run, { due_at, moved = null }: NewRun): Added {
  const run = withChanges(known, { due_at, moved })
  tables.save(known, run)
  return { run, created: false, conflict: 'rescheduled' }
}

function replace (tables: Tables, known: Run, ask: NewRun): Added {
  const run = afterReplace(known, ask)
  tables.save(known, run)
  tables.payloads.set(run.id, ask.payload ?? null)
  tables.run('update run set expires = ? where id = ?', ask.expires ? 1 : null, decodeId(run.id))
  return { run, created: false, conflict: 'replaced' }
}
