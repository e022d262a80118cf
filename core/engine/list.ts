import type { SQLInputValue } from 'node:sqlite'
import { cursorInvalid } from '../model/errors.ts'
import { decodeId, encodeId } from '../model/id.ts'
import { SOURCES } from '../model/run.ts'
import type { Run, State } from '../model/run.ts'
import type { ListAsk, Page } from './engine.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from './lanes.ts'
import type { RunRow } from './rows.ts'
import type { Store } from './store.ts'

const PER_MS = 4096

/** Up to here the waiting runs of a lane are sorted; beyond, its runs are walked. */
const SORTED = 20_000

/** One condition of a query and what is bound to it. */
interface Term { sql: string, values: SQLInputValue[] }

const term = (sql: string, ...values: SQLInputValue[]): Term => ({ sql, values })

/** The runs that the filters ask for, newest first. Each way through the table follows an index in the order of the ids:
 *  by schedule, by lane and state, or by id alone; the ways are merged. */
export function list (store: Store, ask: ListAsk): Page<Run> {
  const states = ask.due_by === undefined ? ask.state : (ask.state ?? ['queued']).filter(state => state === 'queued')
  const terms = filters(store, ask)
  const more = ask.limit + 1
  const found = ways(store, { ...ask, state: states }).flatMap(way => walk(store, way, terms, more))
  const ids = found.toSorted((a, b) => b - a).slice(0, ask.limit)
  const items = ids.map(id => store.toRun(store.one<RunRow>('select * from run where id = ?', id)!))
  return { items, next: found.length > ask.limit && ids.length > 0 ? encodeId(ids.at(-1)!) : null }
}

function walk (store: Store, way: Term, terms: Term[], limit: number): number[] {
  const all = [way, ...terms]
  const text = `select id from run ${all.map(({ sql }) => sql).join(' and ')} order by id desc limit ?`
  return store.all<{ id: number }>(text, ...all.flatMap(({ values }) => values), limit).map(({ id }) => id)
}

function filters (store: Store, { cursor, from, to, source, due_by }: ListAsk): Term[] {
  const terms: Term[] = []
  if (cursor !== undefined) terms.push(term('id < ?', cursorNumber(cursor)))
  if (from !== undefined) terms.push(term('id >= ? and created_at >= ?', Math.floor(from) * PER_MS, from))
  if (to !== undefined) terms.push(term('id < ? and created_at < ?', store.numbersBefore(Math.ceil(to)), to))
  if (source !== undefined) terms.push(term('source = ?', SOURCES.indexOf(source)))
  if (due_by !== undefined) terms.push(term('due_at <= ?', due_by))
  return terms
}

function cursorNumber (cursor: string): number {
  const number = decodeId(cursor)
  if (number === null) throw cursorInvalid(cursor)
  return number
}

const inStates = (states: readonly State[] | undefined): string =>
  states ? ` and state in (${states.map(stateNumber).join(', ')})` : ''

/** The ways through the table that meet every run in question once. */
function ways (store: Store, { task, queue, state, schedule }: ListAsk): Term[] {
  const lanes = lanesOf(store, task, queue)
  const everywhere = task === undefined && queue === undefined
  if (schedule !== undefined) {
    const among = term(`indexed by run_schedule where schedule = ? and schedule is not null${inStates(state)}`, schedule)
    if (everywhere) return [among]
    return [term(`${among.sql} and lane in (select value from json_each(?))`, schedule, JSON.stringify(lanes.map(({ id }) => id)))]
  }
  if (everywhere && (!state || state.includes('completed'))) return [term(`not indexed where id > 0${inStates(state)}`)]
  return lanes.flatMap(lane => waysOf(lane, state))
}

function lanesOf (store: Store, task: string | undefined, queue: string | undefined): Lane[] {
  const lanes = task === undefined ? [...store.lanes.byId.values()] : store.lanes.ofTask(task)
  return queue === undefined ? lanes : lanes.filter(lane => lane.queue === queue)
}

function waysOf (lane: Lane, states: readonly State[] | undefined): Term[] {
  if (!states) return [term('indexed by run_lane where lane = ?', lane.id)]
  return [...new Set(states)].filter(state => lane.counts[stateNumber(state)]! > 0).map(state => wayOf(lane, state))
}

function wayOf ({ id, counts }: Lane, state: State): Term {
  const number = stateNumber(state)
  if (number >= 4) return term('indexed by run_odd where state >= 4 and lane = ? and state = ?', id, number)
  if (state === 'running') return term('indexed by run_running where state = 2 and lane = ?', id)
  if (state === 'queued' && counts[number]! <= SORTED) return term('indexed by run_queued where state = 1 and lane = ?', id)
  return term('indexed by run_lane where lane = ? and state = ?', id, number)
}
