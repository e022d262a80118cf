import type { SQLInputValue } from 'node:sqlite'
import { SOURCES, STATES } from '../model/run.ts'
import type { State } from '../model/run.ts'
import type { Filter } from './engine.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from './lanes.ts'
import type { Store } from './store.ts'

/** One condition of a query and what is bound to it. */
export interface Term { sql: string, values: SQLInputValue[] }

export const term = (sql: string, ...values: SQLInputValue[]): Term => ({ sql, values })

/** An index to follow in the order of the ids. `also`: a second one that has to lead to the same runs. `place`: it meets all runs of a lane
 *  in a state, and no others. */
export interface Way extends Term { also?: Term, place?: { lane: Lane, state: State } }

/** One of so many is few. */
const FEW = 20

/** So many runs are soon looked through. */
const SOON = 5000

const OPEN: readonly State[] = ['blocked', 'queued', 'running']

const inStates = (states: readonly State[] | undefined): string =>
  states ? ` and state in (${states.map(stateNumber).join(', ')})` : ''

/** The ways through the table that meet every run in question once: by schedule, by lane and state or source, or by id alone. */
export function waysFor (store: Store, ask: Filter): Way[] {
  const { task, queue, source, schedule, due_by, fingerprint } = ask
  const state = due_by === undefined ? ask.state : (ask.state ?? ['queued']).filter(word => word === 'queued')
  const lanes = lanesOf(store, ask)
  const everywhere = task === undefined && queue === undefined
  if (schedule !== undefined) return scheduleWays(lanes, { schedule, state, everywhere })
  if (fingerprint !== undefined && due_by === undefined) {
    return state && !state.includes('failed') ? [] : lanes.map(({ id }) => term('indexed by run_dead where lane = ? and fingerprint = ?', id, fingerprint))
  }
  if (due_by !== undefined) return state?.length === 0 ? [] : lanes.flatMap(lane => dueWay(store, lane, due_by))
  if (source !== undefined && !state) return lanes.map(({ id }) => term('indexed by run_source where lane = ? and source = ?', id, SOURCES.indexOf(source)))
  if (everywhere && !state) return [term('not indexed where true')]
  return lanes.flatMap(lane => stateWays(lane, state)).map(way => source === undefined ? way : { ...way, also: sourceOf(way, source) })
}

function sourceOf ({ place }: Way, source: NonNullable<Filter['source']>): Term {
  return term('indexed by run_source where lane = ? and source = ?', place!.lane.id, SOURCES.indexOf(source))
}

/** The lanes of a task, of a queue, of both or all. */
export function lanesOf (store: Store, { task, queue }: Pick<Filter, 'task' | 'queue'>): Lane[] {
  const lanes = task === undefined ? [...store.lanes.byId.values()] : store.lanes.ofTask(task)
  return queue === undefined ? lanes : lanes.filter(lane => lane.queue === queue)
}

/** Few of the runs of a schedule are open; of those that are over, a state that few runs are in is looked through for the schedule. */
function scheduleWays (lanes: Lane[], { schedule, state, everywhere }: { schedule: string, state: State[] | undefined, everywhere: boolean }): Way[] {
  const open = state?.every(word => OPEN.includes(word)) ?? false
  const rare = !open && state !== undefined && lanes.reduce((sum, lane) => sum + countOf(lane, state), 0) <= SOON
  if (rare) return lanes.flatMap(lane => stateWays(lane, state)).map(({ sql, values }) => term(`${sql} and schedule = ?`, ...values, schedule))
  const along = open ? 'indexed by run_open where schedule = ? and schedule is not null and state <= 2' : 'indexed by run_schedule where schedule = ? and schedule is not null'
  const among = term(`${along}${inStates(state)}`, schedule)
  if (everywhere) return [among]
  return [term(`${among.sql} and lane in (select value from json_each(?))`, schedule, JSON.stringify(lanes.map(({ id }) => id)))]
}

const countOf = ({ counts }: Lane, states: readonly State[]): number => states.reduce((sum, state) => sum + counts[stateNumber(state)]!, 0)

/** Where few of the waiting runs are due, those are sorted; else the waiting ones are walked until enough are found. */
function dueWay (store: Store, lane: Lane, due_by: number): Way[] {
  const due = store.lanes.dueAt(lane, due_by)
  if (due === 0) return []
  const few = due * FEW < lane.counts[stateNumber('queued')]!
  return [term(few ? 'indexed by run_queued where state = 1 and lane = ?' : 'indexed by run_state where state = 1 and lane = ?', lane.id)]
}

function stateWays (lane: Lane, states: readonly State[] = STATES): Way[] {
  return [...new Set(states)].filter(state => countOf(lane, [state]) > 0)
    .map(state => ({ ...term('indexed by run_state where lane = ? and state = ?', lane.id, stateNumber(state)), place: { lane, state } }))
}
