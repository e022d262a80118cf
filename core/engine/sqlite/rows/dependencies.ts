import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Json } from '../../../model/json/json.ts'
import { CONDITIONS, STATES, isFinal } from '../../../model/run/run.ts'
import type { After, Condition, Prerequisite, Reason, Run, State } from '../../../model/run/run.ts'
import { stateNumber } from '../mapping/state-number.ts'
import { afterEnd, afterReblock, withChanges, afterUnblock } from '../../transitions.ts'
import type { Memory } from '../state/memory.ts'
import type { Tables } from '../state/tables.ts'

/** The maximum length of a chain of causes, and of its message in characters: flows may be of any depth. */
const LONGEST_CHAIN = 50
const MESSAGE_LENGTH = 500

type NewDependency = Omit<Prerequisite, 'state'>

/** The prerequisites of a new run, with refs replaced by ids. */
export const prerequisitesOf = (
  after: readonly After[],
  refs: ReadonlyMap<string, string>
): NewDependency[] =>
  after.map(({ run, condition }) =>
    run.startsWith('#') ? { run: refs.get(run.slice(1))!, ref: run.slice(1), condition } : { run, ref: null, condition }
  )

const isMet = (condition: Condition, state: State): boolean => condition === 'done' || condition === state

/** Adds the dependencies of a blocked run. Finished prerequisites count at once. */
export function addDependencies (
  tables: Tables,
  run: Run,
  { prerequisites, now }: { prerequisites: readonly NewDependency[], now: number }
): void {
  tables.memory.journal.set<Memory, 'hasDependencies'>(tables.memory, 'hasDependencies', true)
  tables.run('update run set awaits = ? where id = ?', prerequisites.length, decodeId(run.id))
  const found = prerequisites.map(wanted => ({ ...wanted, run: tables.read(wanted.run)! }))
  for (const [place, { run: prerequisite, ref, condition }] of found.entries()) {
    const over = isFinal(prerequisite.state)
    tables.run(
      'insert into dependency (run, place, prerequisite, ref, condition, state) values (?, ?, ?, ?, ?, ?)',
      decodeId(run.id),
      place,
      decodeId(prerequisite.id),
      ref,
      CONDITIONS.indexOf(condition),
      over ? stateNumber(prerequisite.state) : null
    )
    if (!over) tables.memory.journal.join(tables.memory.awaited, prerequisite.id)
  }
  const unmet = found.find(({ run: { state }, condition }) => isFinal(state) && !isMet(condition, state))
  if (unmet) skip(tables, run, { prerequisite: unmet.run, condition: unmet.condition, now })
  else if (found.every(({ run: { state } }) => isFinal(state))) tables.save(run, afterUnblock(run, now))
}

/** Updates the dependents of ended runs, and their dependents, until nothing changes. */
export function cascade (tables: Tables): void {
  for (let run = tables.memory.ended.pop(); run; run = tables.memory.ended.pop()) follow(tables, run)
}

function follow (tables: Tables, prerequisite: Run): void {
  tables.memory.journal.leave(tables.memory.awaited, prerequisite.id)
  const number = decodeId(prerequisite.id)
  const rows = tables.all<{ run: number, condition: number }>(
    'select run, condition from dependency where prerequisite = ? and state is null',
    number
  )
  tables.run(
    'update dependency set state = ? where prerequisite = ? and state is null',
    stateNumber(prerequisite.state),
    number
  )
  const links = rows.map(row => ({ id: encodeId(row.run), condition: CONDITIONS[row.condition]! }))
  const unmet = links.filter(({ condition }) => !isMet(condition, prerequisite.state))
  const now = prerequisite.finished_at!
  // Unmet conditions first: a run with two conditions on the same prerequisite must not start because of the other.
  for (const { id, condition } of unmet) {
    for (const run of blocked(tables, id)) skip(tables, run, { prerequisite, condition, now })
  }
  const met = [
    ...new Set(links.map(({ id }) => id))
  ].flatMap(id => blocked(tables, id)).filter(({ id }) => !isOpen(tables, id))
  for (const run of met) queue(tables, run, now)
}

function blocked (tables: Tables, id: string): Run[] {
  const run = tables.read(id)
  return run?.state === 'blocked' ? [run] : []
}

function queue (tables: Tables, run: Run, now: number): void {
  const after = afterUnblock(run, now)
  tables.save(run, after)
  tables.memory.emit({ kind: 'added', run: { ...after } })
}

/** The run, blocked instead of queued when one of its prerequisites is unfinished. */
export const blockedIfOpen = (tables: Tables, run: Run): Run =>
  run.state === 'queued' && tables.memory.hasDependencies && isOpen(tables, run.id) ? afterReblock(run) : run

/** Reads the states of a run's prerequisites again: it waits again for unfinished ones. The outcome of finished ones
 *  does not skip it, because it is retried by hand. */
export function refreshDependencies (tables: Tables, { id }: Run): void {
  if (!tables.memory.hasDependencies) return
  for (const { prerequisite, place } of dependenciesOf(tables, id)) {
    const run = tables.read(encodeId(prerequisite))
    // The outcome of a removed prerequisite is kept.
    if (run === null) continue
    const over = isFinal(run.state)
    tables.run(
      'update dependency set state = ?, result = null where run = ? and place = ?',
      over ? stateNumber(run.state) : null,
      decodeId(id),
      place
    )
    if (!over) tables.memory.journal.join(tables.memory.awaited, run.id)
  }
}

/** Lets the unfinished dependents of a retried run wait for it again, except running ones. */
export function reopenDependents (tables: Tables, { id }: Run, now: number): void {
  if (!tables.memory.hasDependencies) return
  const number = decodeId(id)
  const dependents = tables.all<{ run: number }>(`
    select distinct dependency.run from dependency join run on run.id = dependency.run
    where prerequisite = ? and run.state <= 2`, number)
  for (const { run } of dependents) {
    tables.run('update dependency set state = null where prerequisite = ? and run = ?', number, run)
    const waiting = tables.read(encodeId(run))!
    if (waiting.state === 'queued') blockAgain(tables, waiting, now)
  }
  if (dependents.length > 0) tables.memory.journal.join(tables.memory.awaited, id)
}

/** Blocks a queued run; it takes its timeline along. */
function blockAgain (tables: Tables, run: Run, now: number): void {
  const alone = run.single ? run : withChanges(run, {})
  if (alone !== run) tables.save(run, alone)
  tables.save(alone, afterReblock(alone), now)
}

const isOpen = (tables: Tables, id: string): boolean =>
  tables.one(
    'select 1 from dependency indexed by dependency_open where run = ? and state is null limit 1',
    decodeId(id)
  ) !== undefined

interface Cause {
  prerequisite: Run
  condition: Condition
  now: number
}

function skip (tables: Tables, run: Run, cause: Cause): void {
  const after = afterEnd(run, { now: cause.now, as: 'skipped', reason: reasonOf(cause) })
  tables.save(run, after)
  tables.memory.emit({ kind: 'settled', run: { ...after }, outcome: 'skipped', ms: 0, owner: null })
}

function reasonOf ({ prerequisite, condition }: Cause): Reason {
  const { id, task, state, reason } = prerequisite
  const before = reason?.code === 'dependency_failed' ? reason : null
  const words = `${task} (${id}) ${state === 'completed' || state === 'failed' ? state : `was ${state}`}`
  const why = before ? `${before.message}; so ${words}` : words + detailOf(prerequisite, condition)
  return {
    code: 'dependency_failed',
    message: why.slice(0, MESSAGE_LENGTH),
    chain: [...before?.chain ?? [], id].slice(0, LONGEST_CHAIN)
  }
}

function detailOf ({ state, error, reason }: Run, condition: Condition): string {
  if (state === 'completed') return `, but the condition is ${condition}`
  const message = error?.message ?? reason?.message
  return message ? `: ${message}` : ''
}

interface DependencyRow {
  place: number
  prerequisite: number
  ref: string | null
  condition: number
  state: number | null
  result: string | null
}

const dependenciesOf = (tables: Tables, id: string): DependencyRow[] =>
  tables.memory.hasDependencies
    ? tables.all<DependencyRow>(
      'select place, prerequisite, ref, condition, state, result from dependency where run = ? order by place',
      decodeId(id)
    )
    : []

/** The prerequisites of a run. */
export const prerequisitesFor = (tables: Tables, id: string): Prerequisite[] =>
  dependenciesOf(tables, id).map(({ prerequisite, ref, condition, state }) => {
    const run = encodeId(prerequisite)
    return {
      run,
      ref,
      condition: CONDITIONS[condition]!,
      state: state === null ? tables.read(run)!.state : STATES[state]!
    }
  })

/** The results of a run's prerequisites, by ref, or by id where there is no ref. */
export const resultsFor = (tables: Tables, id: string): Record<string, Json> =>
  Object.fromEntries(dependenciesOf(tables, id).map(({ prerequisite, ref, result }) => {
    const run = encodeId(prerequisite)
    return [ref ?? run, result === null ? tables.part('result', run) : JSON.parse(result) as Json]
  }))
