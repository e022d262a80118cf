import { cursorInvalid } from '../model/errors.ts'
import { decodeId, encodeId } from '../model/id.ts'
import { SOURCES } from '../model/run.ts'
import type { Run } from '../model/run.ts'
import type { Filter, ListAsk, Page } from './engine.ts'
import { stateNumber } from './lanes.ts'
import type { RunRow } from './rows.ts'
import type { Store } from './store.ts'
import { lanesOf, term, waysFor } from './ways.ts'
import type { Term, Way } from './ways.ts'

export { term } from './ways.ts'
export type { Term } from './ways.ts'

const PER_MS = 4096

/** More ways than these are taken only for what is not among the newest runs. */
const MANY = 8

/** So many runs are read one after the other sooner than two indexes are compared. */
const NEAR = 1000

const ALL = term('not indexed where true')

/** The ids between which runs are sought, both left out. */
interface Range { above: number, below: number }

/** What is sought in a range: `most` of the runs that meet all terms, newest first. */
interface Search { range: Range, terms: readonly Term[], most: number }

/** The runs that the filters ask for, newest first. Each way through the table follows an index in the order of the ids, and no further
 *  down than the runs that were found on the ways before. */
export function list (store: Store, ask: ListAsk, extra: readonly Term[] = []): Page<Run> {
  const search = { range: rangeOf(store, ask), terms: [...filters(store, ask), ...extra], most: ask.limit + 1 }
  const ways = waysFor(store, ask)
  const found = ways.length > MANY ? newestFirst(store, { ...search, ask, ways }) : along(store, ways, search, [])
  const ids = found.slice(0, ask.limit)
  const items = ids.map(id => store.toRun(store.one<RunRow>('select * from run where id = ?', id)!))
  return { items, next: found.length > ask.limit && ids.length > 0 ? encodeId(ids.at(-1)!) : null }
}

/** How many runs the filters ask for. */
export function howMany (store: Store, ask: Filter, extra: readonly Term[]): number {
  const range = rangeOf(store, ask)
  const asked = filters(store, ask)
  const terms = [...asked, ...extra]
  const isWhole = ask.from === undefined && ask.to === undefined && asked.length === 0
  return waysFor(store, ask).reduce((sum, way) => sum + ((isWhole ? counted(store, way, extra) : null) ?? tally(store, way, { range, terms })), 0)
}

/** What the lane knows, or null; a run that waits was never asked to stop, for then it would be over. */
function counted (store: Store, { place }: Way, extra: readonly Term[]): number | null {
  if (!place) return null
  const { lane, state } = place
  const [only] = extra
  const all = lane.counts[stateNumber(state)]!
  if (extra.length === 1 && only!.sql === 'due_at > ?' && state === 'queued') return all - store.lanes.dueAt(lane, only!.values[0] as number)
  return extra.every(({ sql }) => sql === 'cancel is null' && state !== 'running') ? all : null
}

/** The number of a run tells on which side of the instant it was created. */
const isExact = (store: Store, instant: number): boolean => store.numbers.exact && Number.isInteger(instant)

const endOf = (store: Store, to: number): number => isExact(store, to) ? to * PER_MS : store.numbers.before(Math.ceil(to))

function rangeOf (store: Store, { cursor, from, to }: Filter & { cursor?: string }): Range {
  return {
    above: from === undefined ? 0 : Math.floor(from) * PER_MS - 1,
    below: Math.min(cursor === undefined ? Number.MAX_SAFE_INTEGER : cursorNumber(cursor), to === undefined ? Infinity : endOf(store, to))
  }
}

function filters (store: Store, { from, to, source, due_by, fingerprint }: Filter): Term[] {
  const terms: Term[] = []
  if (from !== undefined && !isExact(store, from)) terms.push(term('created_at >= ?', from))
  if (to !== undefined && !isExact(store, to)) terms.push(term('created_at < ?', to))
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

/** Looks through the newest runs before it takes every way. */
function newestFirst (store: Store, { ask, ways, ...search }: Search & { ask: Filter, ways: readonly Way[] }): number[] {
  const { range, terms, most } = search
  const reach = reached(store, ALL, range, NEAR)
  const lanes = JSON.stringify(lanesOf(store, ask).map(({ id }) => id))
  const narrow = [...terms, term('lane in (select value from json_each(?))', lanes), ...columns(ask)]
  const found = read(store, ALL, { range: { ...range, above: reach }, terms: narrow, most })
  return reach === range.above ? found : along(store, ways, { ...search, range: { ...range, below: reach + 1 } }, found)
}

/** What the ways see to. */
function columns ({ state, schedule, due_by }: Filter): Term[] {
  const terms: Term[] = []
  if (due_by !== undefined) terms.push(term('state = 1'))
  if (state !== undefined) terms.push(term(`state in (${state.map(stateNumber).join(', ')})`))
  if (schedule !== undefined) terms.push(term('schedule = ?', schedule))
  return terms
}

function along (store: Store, ways: readonly Way[], { range, terms, most }: Search, before: number[]): number[] {
  let found = before
  const near = Math.ceil(NEAR / ways.length)
  for (const way of ways) {
    const above = found.length < most ? range.above : found.at(-1)!
    const more = walk(store, way, { range: { ...range, above }, terms, most }, near)
    if (more.length > 0) found = [...found, ...more].toSorted((a, b) => b - a).slice(0, most)
  }
  return found
}

function walk (store: Store, way: Way, search: Search, near: number): number[] {
  if (way.also === undefined) return read(store, way, search)
  const { range, most } = search
  const reach = reached(store, way, range, near)
  const found = read(store, way, { ...search, range: { ...range, above: reach } })
  if (reach === range.above || found.length >= most) return found
  return [...found, ...meet(store, [way, way.also], { ...search, range: { ...range, below: reach + 1 }, most: most - found.length })]
}

/** Where two ways meet: each is followed in leaps to where the other one stands. */
function meet (store: Store, [one, other]: [Term, Term], { range, terms, most }: Search): number[] {
  const found: number[] = []
  let below = range.below
  const step = (way: Term) => read(store, way, { range: { ...range, below }, terms: [], most: 1 })[0]
  while (found.length < most) {
    const here = step(one)
    if (here === undefined) break
    below = here + 1
    const there = step(other)
    if (there === undefined) break
    below = there === here ? here : there + 1
    if (there === here) found.push(...read(store, term('where id = ?', here), { range, terms, most: 1 }))
  }
  return found
}

/** The id above which a way has so many runs, or the end of the range. */
function reached (store: Store, way: Term, range: Range, count: number): number {
  const { sql, values } = within(way, { range, terms: [] })
  const row = store.one<{ id: number }>(`select id from run ${sql} order by id desc limit 1 offset ?`, ...values, count - 1)
  return row === undefined ? range.above : row.id - 1
}

function read (store: Store, way: Term, search: Search): number[] {
  const { sql, values } = within(way, search)
  return store.all<{ id: number }>(`select id from run ${sql} order by id desc limit ?`, ...values, search.most).map(({ id }) => id)
}

function tally (store: Store, way: Term, search: Omit<Search, 'most'>): number {
  const { sql, values } = within(way, search)
  return store.one<{ n: number }>(`select count(*) as n from run ${sql}`, ...values)!.n
}

function within (way: Term, { range, terms }: Omit<Search, 'most'>): Term {
  const all = [way, term('id > ? and id < ?', range.above, range.below), ...terms]
  return term(all.map(({ sql }) => sql).join(' and '), ...all.flatMap(({ values }) => values))
}
