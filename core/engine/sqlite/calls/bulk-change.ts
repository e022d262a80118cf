import { FINAL_STATES, isFinal } from '../../../model/run/run.ts'
import type { Json } from '../../../model/json/json.ts'
import type { Reason, Run, State } from '../../../model/run/run.ts'
import type { BulkAction, BulkAsk, BulkResult } from '../../engine.ts'
import type { RunFilter } from '../../reports.ts'
import { withChanges } from '../../transitions.ts'
import { countRuns, list } from '../lists/list.ts'
import { writeRecord } from '../rows/audit-records.ts'
import { removeRuns } from '../rows/remove-runs.ts'
import { cancel, retry } from './settle.ts'
import type { Tables } from '../state/tables.ts'
import { term } from '../sql/condition.ts'
import type { Term } from '../sql/condition.ts'

/** The maximum number of runs that one call changes. */
const SLICE = 1000

const DELETED: Reason = { code: 'deleted', message: 'Deleted in bulk' }

const WAITING: State[] = ['blocked', 'queued']

/** `states`: those that the action applies to. `usual`: the default when the filter names none. `more`: further
 *  conditions. */
interface ActionRule {
  states: State[]
  usual?: State[]
  more(now: number): Term[]
}

const ACTION_RULES: Record<BulkAction, ActionRule> = {
  cancel: { states: [...WAITING, 'running'], more: () => [term('cancel is null')] },
  retry: { states: FINAL_STATES, usual: ['failed'], more: () => [] },
  remove: { states: FINAL_STATES, more: () => [] },
  promote: { states: WAITING, more: now => [term('due_at > ?', now)] }
}

function asked (tables: Tables, { filter, act, now, tasks }: BulkAsk): { filter: RunFilter, terms: Term[] } {
  const { states, usual = states, more } = ACTION_RULES[act]
  const state = filter.state ? filter.state.filter(word => states.includes(word)) : usual
  return {
    filter: { ...filter, state },
    terms: tasks === undefined ? more(now) : [...more(now), ofTasks(tables, tasks)]
  }
}

const ofTasks = (tables: Tables, tasks: readonly string[]): Term =>
  term(
    'lane in (select value from json_each(?))',
    JSON.stringify(tasks.flatMap(task => tables.memory.lanes.ofTask(task).map(({ id }) => id)))
  )

/** The free places of the bounded queues; empty for actions that queue nothing. */
function roomOf ({ memory: { lanes } }: Tables, { act, bounds = {} }: BulkAsk): Map<string, number> {
  if (act !== 'retry') return new Map()
  return new Map(Object.entries(bounds).map(([queue, most]) => [queue, Math.max(0, most - lanes.waitingIn(queue))]))
}

/** The result of a dry run: how many runs match, and how many would not fit into their queues. */
function foreseen (tables: Tables, ask: BulkAsk): BulkResult {
  const { filter, terms } = asked(tables, ask)
  const refused = [...roomOf(tables, ask)].map(([queue, room]) => {
    const isOutside = filter.queue !== undefined && filter.queue !== queue
    return [queue, isOutside ? 0 : Math.max(0, countRuns(tables, { ...filter, queue }, terms) - room)] as const
  })
  const matched = countRuns(tables, filter, terms)
  return { matched, runs: [], refused: Object.fromEntries(refused.filter(([, many]) => many > 0)), next: null }
}

/** Applies an action to many runs, newest first, or counts them in a dry run. */
export function bulkChange (tables: Tables, ask: BulkAsk): BulkResult {
  if (ask.dry_run) return foreseen(tables, ask)
  const { filter, terms } = asked(tables, ask)
  const matched = ask.cursor === undefined ? countRuns(tables, filter, terms) : null
  const limit = Math.min(SLICE, ask.limit)
  const { items, next } = list(
    tables,
    { ...filter, limit, ...ask.cursor !== undefined && { cursor: ask.cursor } },
    terms
  )
  const room = roomOf(tables, ask)
  const { true: fitting = [], false: refused = [] } = Object.groupBy(
    items,
    run => String(takeRoom(room, run)) as 'true' | 'false'
  )
  const runs = ask.act === 'remove'
    ? removed(tables, fitting, ask.reason)
    : fitting.map((run, place) => actOn(tables, run, { ask, place }))
  if (ask.reason && runs.length > 0) recordAll(tables, ask, runs.length)
  return { matched, runs, refused: counted(refused), next }
}

function removed (tables: Tables, runs: Run[], reason: Reason = DELETED): Run[] {
  removeRuns(tables, runs)
  for (const run of runs) tables.memory.emit({ kind: 'removed', run, reason })
  return runs
}

function counted (runs: readonly Run[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(runs, ({ queue }) => queue)].map(([queue, same]) => [queue, same.length]))
}

/** Takes a place in the queue of a run. False: the queue is full. */
function takeRoom (room: Map<string, number>, { queue }: Run): boolean {
  const left = room.get(queue)
  if (left === 0) return false
  if (left !== undefined) room.set(queue, left - 1)
  return true
}

const recordAll = (tables: Tables, { act: action, filter, reason, now }: BulkAsk, count: number): void =>
  writeRecord(
    tables,
    { at: now, by: reason?.by ?? '', action, subject: '*', detail: { filter, reason, count } as unknown as Json }
  )

interface ActContext {
  ask: BulkAsk
  place: number
}

function actOn (
  tables: Tables,
  run: Run,
  { ask: { act, now, reason, every_ms: every = 0, place: before = 0 }, place }: ActContext
): Run {
  const { id } = run
  if (act === 'cancel') {
    return cancel(
      tables,
      { id, now, reason: reason ?? { code: 'cancelled', message: 'Cancelled in bulk' } }
    )!
  }
  if (act === 'retry') return retry(tables, { id, now, due_at: now + (before + place) * every })!
  const after = withChanges(run, { due_at: now, moved: null })
  tables.save(run, after)
  tables.memory.emit({ kind: 'edited', run: { ...after }, by: reason?.by ?? '' })
  return after
}

/** Removes a finished run and records the reason. */
export function discard (tables: Tables, { id, reason, now }: { id: string, reason: Reason, now: number }): Run | null {
  const run = tables.read(id)
  if (!run || !isFinal(run.state)) return run
  removeRuns(tables, [run])
  tables.memory.emit({ kind: 'removed', run, reason })
  const { code, message, by = '' } = reason
  writeRecord(
    tables,
    { at: now, by, action: 'discard', subject: id, detail: { task: run.task, state: run.state, code, message } }
  )
  return run
}
