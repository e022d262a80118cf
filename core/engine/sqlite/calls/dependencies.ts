import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Json } from '../../../model/base/json.ts'
import { CONDITIONS, STATES, isFinal } from '../../../model/run/run.ts'
import type { After, Condition, Prerequisite, Reason, Run, State } from '../../../model/run/run.ts'
import { stateNumber } from '../state/lanes.ts'
import { afterEnd, unblocked } from '../../transitions.ts'
import type { Store } from '../state/store.ts'

/** Ids in a chain of causes, and signs of its message, at most: a flow may be as deep as it likes. */
const LONGEST_CHAIN = 50
const MESSAGE_SIGNS = 500

type Wanted = Omit<Prerequisite, 'state'>

/** What a run waits for, with the ids of the refs. */
export const prerequisitesOf = (after: readonly After[], refs: ReadonlyMap<string, string>): Wanted[] => after.map(({ run, condition }) =>
  run.startsWith('#') ? { run: refs.get(run.slice(1))!, ref: run.slice(1), condition } : { run, ref: null, condition })

const isMet = (condition: Condition, state: State): boolean => condition === 'done' || condition === state

/** Links a blocked run to what it waits for. What is over already counts at once. */
export function link (store: Store, run: Run, { prerequisites, now }: { prerequisites: readonly Wanted[], now: number }): void {
  store.linked = true
  store.sql('update run set awaits = ? where id = ?').run(prerequisites.length, decodeId(run.id))
  const found = prerequisites.map(wanted => ({ ...wanted, run: store.read(wanted.run)! }))
  for (const [place, { run: prerequisite, ref, condition }] of found.entries()) {
    const over = isFinal(prerequisite.state)
    store.sql('insert into dependency (run, place, prerequisite, ref, condition, state) values (?, ?, ?, ?, ?, ?)')
      .run(decodeId(run.id), place, decodeId(prerequisite.id), ref, CONDITIONS.indexOf(condition), over ? stateNumber(prerequisite.state) : null)
    if (!over) store.awaited.add(prerequisite.id)
  }
  const unmet = found.find(({ run: { state }, condition }) => isFinal(state) && !isMet(condition, state))
  if (unmet) skip(store, run, { prerequisite: unmet.run, condition: unmet.condition, now })
  else if (found.every(({ run: { state } }) => isFinal(state))) store.save(run, unblocked(run, now))
}

const NOBODY: readonly Run[] = []

/** Tells the dependents of what has ended, and theirs, until nothing follows from it any more. Answers those that wait no longer. */
export function cascade (store: Store): readonly Run[] {
  if (store.ended.length === 0) return NOBODY
  const followed: Run[] = []
  for (let run = store.ended.pop(); run; run = store.ended.pop()) for (const follower of tell(store, run)) followed.push(follower)
  return followed
}

function tell (store: Store, prerequisite: Run): Run[] {
  store.awaited.delete(prerequisite.id)
  const number = decodeId(prerequisite.id)
  const rows = store.all<{ run: number, condition: number }>('select run, condition from dependency where prerequisite = ? and state is null', number)
  store.sql('update dependency set state = ? where prerequisite = ? and state is null').run(stateNumber(prerequisite.state), number)
  const links = rows.map(row => ({ id: encodeId(row.run), condition: CONDITIONS[row.condition]! }))
  const unmet = links.filter(({ condition }) => !isMet(condition, prerequisite.state))
  const now = prerequisite.finished_at!
  // What can no longer be met comes first: a run that waits for the same one twice must not start by the other.
  const skipped = unmet.flatMap(({ id, condition }) => blocked(store, id).map(run => skip(store, run, { prerequisite, condition, now })))
  const met = [...new Set(links.map(({ id }) => id))].flatMap(id => blocked(store, id)).filter(({ id }) => !isOpen(store, id))
  return [...skipped, ...met.map(run => change(store, run, unblocked(run, now)))]
}

function blocked (store: Store, id: string): Run[] {
  const run = store.read(id)
  return run?.state === 'blocked' ? [run] : []
}

function change (store: Store, before: Run, after: Run): Run {
  store.save(before, after)
  return after
}

const isOpen = (store: Store, id: string): boolean =>
  store.one('select 1 from dependency indexed by dependency_open where run = ? and state is null limit 1', decodeId(id)) !== undefined

interface Cause { prerequisite: Run, condition: Condition, now: number }

const skip = (store: Store, run: Run, cause: Cause): Run =>
  change(store, run, afterEnd(run, { now: cause.now, as: 'skipped', reason: reasonOf(cause) }))

function reasonOf ({ prerequisite, condition }: Cause): Reason {
  const { id, task, state, reason } = prerequisite
  const before = reason?.code === 'dependency_failed' ? reason : null
  const words = `${task} (${id}) ${state === 'completed' || state === 'failed' ? state : `was ${state}`}`
  const why = before ? `${before.message}; so ${words}` : words + detailOf(prerequisite, condition)
  return { code: 'dependency_failed', message: why.slice(0, MESSAGE_SIGNS), chain: [...before?.chain ?? [], id].slice(0, LONGEST_CHAIN) }
}

function detailOf ({ state, error, reason }: Run, condition: Condition): string {
  if (state === 'completed') return ` and was to have ${condition}`
  const said = error?.message ?? reason?.message
  return said ? `: ${said}` : ''
}

interface LinkRow { prerequisite: number, ref: string | null, condition: number, state: number | null, result: string | null }

const linksOf = (store: Store, id: string): LinkRow[] =>
  store.linked ? store.all<LinkRow>('select prerequisite, ref, condition, state, result from dependency where run = ? order by place', decodeId(id)) : []

/** What a run waits for or has waited for. */
export const afterOf = (store: Store, id: string): Prerequisite[] => linksOf(store, id).map(({ prerequisite, ref, condition, state }) => {
  const run = encodeId(prerequisite)
  return { run, ref, condition: CONDITIONS[condition]!, state: state === null ? store.read(run)!.state : STATES[state]! }
})

/** The results of a run's prerequisites, by ref or else by id. */
export const resultsFor = (store: Store, id: string): Record<string, Json> =>
  Object.fromEntries(linksOf(store, id).map(({ prerequisite, ref, result }) => {
    const run = encodeId(prerequisite)
    return [ref ?? run, result === null ? store.part('result', run) : JSON.parse(result) as Json]
  }))
