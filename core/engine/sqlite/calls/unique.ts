import { decodeId } from '../../../model/run/id.ts'
import { isFinal } from '../../../model/run/run.ts'
import type { NewRun, Run } from '../../../model/run/run.ts'
import type { Added } from '../../engine.ts'
import { afterDisplaced, born, replacedBy } from '../../transitions.ts'
import { nameOf } from '../state/rows.ts'
import type { RunRow } from '../state/rows.ts'
import type { Store } from '../state/store.ts'

type Named = Pick<NewRun, 'task' | 'key'>

function rowOf (store: Store, { task, key }: Named): Run | null {
  const name = nameOf(task, key)
  const row = name === null ? undefined : store.one<RunRow>('select * from run where name = ? and freed is null', name)
  return row ? store.toRun(row) : null
}

const isOver = ({ key_until: until }: Run, now: number): boolean => typeof until === 'number' && until <= now

/** The run whose own this task and key is, or null; nothing is changed. */
export function holder (store: Store, { now, ...name }: Named & { now: number }): Run | null {
  const run = rowOf(store, name)
  return run && !isOver(run, now) ? run : null
}

/** The run whose own this task and key is, or null. A key whose time is over is given free by the way. */
export function named (store: Store, ask: Named, now: number): Run | null {
  const run = rowOf(store, ask)
  if (!run || !isOver(run, now)) return run
  store.free(run)
  return null
}

/** Inserts one run, unless one has its task and key: then what was asked for says what becomes of that one. */
export function addOne (store: Store, ask: NewRun, now: number): Added {
  const known = named(store, ask, now)
  if (!known) return create(store, ask, now)
  const conflict = ask.unique?.conflict ?? 'return'
  if (conflict === 'keep_last' && known.state === 'running') {
    displace(store, known)
    return create(store, ask, now)
  }
  if (conflict === 'return' || known.state === 'running' || isFinal(known.state)) return { run: known, created: false, conflict: 'returned' }
  return conflict === 'reschedule' ? reschedule(store, known, ask) : replace(store, known, ask)
}

// 2: its key is another's now that is to be the last; 1: its key is free for whoever comes.
function displace (store: Store, { id }: Run): void {
  store.sql('update run set freed = 2 where id = ?').run(decodeId(id))
}

/** A run as it goes on from its attempt: one that would wait again although a newer one with its key is to be the last ends instead. */
export function unlessDisplaced (store: Store, { before, after }: { before: Run, after: Run }, now: number): Run {
  if (after.key === null || after.state !== 'queued' || !store.one('select 1 from run where id = ? and freed = 2', decodeId(after.id))) return after
  return afterDisplaced({ ...after, due_at: before.due_at }, now)
}

/** A run that somebody tries again by hand is one of its own. */
export function forgive (store: Store, { id, key }: Run): void {
  if (key !== null) store.sql('update run set freed = 1 where id = ? and freed = 2').run(decodeId(id))
}

function create (store: Store, ask: NewRun, now: number): Added {
  const run = born(ask, store.numbers.nextId(now), now)
  store.insert(run, ask)
  if (run.state === 'skipped') store.count(run, run, now)
  return { run, created: true }
}

function reschedule (store: Store, known: Run, { due_at, moved = null }: NewRun): Added {
  const run: Run = { ...known, due_at, moved }
  store.rewrite(known, run)
  return { run, created: false, conflict: 'rescheduled' }
}

function replace (store: Store, known: Run, ask: NewRun): Added {
  const run = replacedBy(known, ask)
  store.rewrite(known, run)
  store.payloads.set(run.id, ask.payload ?? null)
  store.sql('update run set expires = ? where id = ?').run(ask.expires ? 1 : null, decodeId(run.id))
  return { run, created: false, conflict: 'replaced' }
}
