import type { SQLInputValue } from 'node:sqlite'
import { cursorInvalid } from '../model/errors.ts'
import { decodeId, encodeId } from '../model/id.ts'
import { SOURCES, STATES } from '../model/run.ts'
import type { Run, State } from '../model/run.ts'
import type { Filter, ListAsk, Page } from './engine.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from './lanes.ts'
import type { RunRow } from './rows.ts'
import type { Store } from './store.ts'

const PER_MS = 4096

/** One of so many is few. */
const FEW = 20

/** One condition of a query and what is bound to it. */
export interface Term { sql: string, values: SQLInputValue[] }

export const term = (sql: string, ...values: SQLInputValue[]): Term => ({ sql, values })

/** The runs that the filters ask for, newest first. Each way through the table follows an index in the order of the ids:
 *  by schedule, by lane and state or source, or by id alone; the ways are merged. */
export function list (store: Store, ask: ListAsk, extra: readonly Term[] = []): Page<Run> {
  const terms = [...filters(store, ask), ...extra]
  const more = ask.limit + 1
  const found = waysFor(store, ask).flatMap(way => walk(store, way, terms, more))
  const ids = found.toSorted((a, b) => b - a).slice(0, ask.limit)
  const items = ids.map(id => store.toRun(store.one<RunRow>('select * from run where id = ?', id)!))
  return { items, next: found.length > ask.limit && ids.length > 0 ? encodeId(ids.at(-1)!) : null }
}

/** How many runs the filters ask for. */
export function howMany (store: Store, ask: Filter, extra: readonly Term[]): number {
  const terms = [...filters(store, ask), ...extra]
  return waysFor(store, ask).reduce((sum, way) => sum + tally(store, [way, ...terms]), 0)
}

function tally (store: Store, all: readonly Term[]): number {
  const text = `select count(*) as n from run ${all.map(({ sql }) => sql).join(' and ')}`
  return store.one<{ n: number }>(text, ...all.flatMap(({ values }) => values))!.n
}

function waysFor (store: Store, ask: Filter): Term[] {
  const states = ask.due_by === undefined ? ask.state : (ask.state ?? ['queued']).filter(state => state === 'queued')
  return ways(store, { ...ask, state: states })
}

function walk (store: Store, way: Term, terms: readonly Term[], limit: number): number[] {
  const all = [way, ...terms]
  const text = `select id from run ${all.map(({ sql }) => sql).join(' and ')} order by id desc limit ?`
  return store.all<{ id: number }>(text, ...all.flatMap(({ values }) => values), limit).map(({ id }) => id)
}

function filters (store: Store, { cursor, from, to, source, due_by, fingerprint }: Filter & { cursor?: string }): Term[] {
  const terms: Term[] = []
  if (cursor !== undefined) terms.push(term('id < ?', cursorNumber(cursor)))
  if (from !== undefined) terms.push(term('id >= ? and created_at >= ?', Math.floor(from) * PER_MS, from))
  if (to !== undefined) terms.push(term('id < ? and created_at < ?', store.numbers.before(Math.ceil(to)), to))
  if (source !== undefined) terms.push(term('source = ?', SOURCES.indexOf(source)))
  if (fingerprint !== undefined) terms.push(term('fingerprint = ?', fingerprint))
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
function ways (store: Store, { task, queue, state, source, schedule, due_by, fingerprint }: Filter): Term[] {
  const lanes = lanesOf(store, task, queue)
  const everywhere = task === undefined && queue === undefined
  if (schedule !== undefined) {
    const among = term(`indexed by run_schedule where schedule = ? and schedule is not null${inStates(state)}`, schedule)
    if (everywhere) return [among]
    return [term(`${among.sql} and lane in (select value from json_each(?))`, schedule, JSON.stringify(lanes.map(({ id }) => id)))]
  }
  if (fingerprint !== undefined && due_by === undefined) {
    return state && !state.includes('failed') ? [] : lanes.map(({ id }) => term('indexed by run_dead where lane = ? and fingerprint = ?', id, fingerprint))
  }
  if (due_by !== undefined) return state?.length === 0 ? [] : lanes.flatMap(lane => dueWay(store, lane, due_by))
  if (source !== undefined && !state) {
    return lanes.map(({ id }) => term('indexed by run_source where lane = ?', id))
  }
  if (everywhere && !state) return [term('not indexed where id > 0')]
  return lanes.flatMap(lane => waysOf(lane, state))
}

function lanesOf (store: Store, task: string | undefined, queue: string | undefined): Lane[] {
  const lanes = task === undefined ? [...store.lanes.byId.values()] : store.lanes.ofTask(task)
  return queue === undefined ? lanes : lanes.filter(lane => lane.queue === queue)
}

/** Where few of the waiting runs are due, those are sorted; else the waiting ones are walked until enough are found. */
function dueWay (store: Store, lane: Lane, due_by: number): Term[] {
  const due = store.lanes.dueAt(lane, due_by)
  if (due === 0) return []
  const few = due * FEW < lane.counts[stateNumber('queued')]!
  return [term(few ? 'indexed by run_queued where state = 1 and lane = ?' : 'indexed by run_state where state = 1 and lane = ?', lane.id)]
}

function waysOf ({ id, counts }: Lane, states: readonly State[] = STATES): Term[] {
  const numbers = [...new Set(states)].map(stateNumber).filter(number => counts[number]! > 0)
  return numbers.map(number => term('indexed by run_state where lane = ? and state = ?', id, number))
}
