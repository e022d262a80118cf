import { cursorInvalid } from '../../../model/errors/input-errors.ts'
import { decodeId, encodeId } from '../../../model/run/id.ts'
import { SOURCES } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import type { RunFilter, ListAsk, Page } from '../../reports.ts'
import { stateNumber } from '../mapping/state-number.ts'
import { rangeOf, countOf, newestRanges } from '../state/index-ranges.ts'
import type { LaneRanges, LaneState } from '../state/index-ranges.ts'
import type { RunRow } from '../mapping/run-row.ts'
import type { Tables } from '../state/tables.ts'
import { every, term } from '../sql/condition.ts'
import type { Term } from '../sql/condition.ts'
import { ALL, MAX_SORTED, lanesOf, planList } from './list-plan.ts'
import type { IndexRange, ListPlan } from './list-plan.ts'

const PER_MS = 4096

/** With more ranges than this the newest runs are scanned first. */
const MANY_RANGES = 8

/** The number of newest runs that are scanned before many ranges are read. */
const NEWEST_ROWS = 1000

/** The number of newest runs that are scanned before many rows are sorted. */
const NEWEST_ROWS_BEFORE_SORT = 20_000

/** The searched ids, both bounds exclusive. */
interface IdRange {
  above: number
  below: number
}

/** A search for the newest `most` runs in a range that meet all terms. */
interface Search {
  range: IdRange
  terms: readonly Term[]
  most: number
}

/** The runs that match the filter, newest first. Each index range is read no further than the oldest run that is needed
 *  after the ranges before it. */
export function list (tables: Tables, ask: ListAsk, extra: readonly Term[] = []): Page<Run> {
  const search = { range: idRangeOf(tables, ask), terms: [...filterTerms(tables, ask), ...extra], most: ask.limit + 1 }
  const found = find(tables, ask, search)
  const ids = found.slice(0, ask.limit)
  const items = ids.map(id => tables.toRun(tables.one<RunRow>('select * from run where id = ?', id)!))
  return { items, next: found.length > ask.limit && ids.length > 0 ? encodeId(ids.at(-1)!) : null }
}

function find (tables: Tables, ask: RunFilter, search: Search): number[] {
  const ranges = planList(tables, ask)
  const far = newestRowsFor(ranges)
  if (far === 0) return readRanges(tables, ranges, search, [])
  const terms = [...search.terms, ...columnTerms(tables, ask)]
  const { found, rest } = scanNewest(tables, { ...search, terms }, [Math.min(far, NEWEST_ROWS + search.most), far])
  return rest === null ? found : readRanges(tables, ranges, { ...search, range: rest }, found)
}

/** The number of newest runs that are scanned before the ranges of a plan are read. */
function newestRowsFor ({ laneRanges: crowd, others }: ListPlan): number {
  const sorted = others.reduce((sum, { sortRows: sorts = 0 }) => sum + sorts, 0)
  if (sorted > MAX_SORTED) return NEWEST_ROWS_BEFORE_SORT
  return crowd.states.length + others.length > MANY_RANGES ? NEWEST_ROWS : 0
}

/** The number of runs that match the filter. */
export function countRuns (tables: Tables, ask: RunFilter, extra: readonly Term[]): number {
  const asked = filterTerms(tables, ask)
  const meets = within(idRangeOf(tables, ask), [...asked, ...extra])
  const isWhole = ask.from === undefined && ask.to === undefined && asked.length === 0
  const { laneRanges: crowd, others } = planList(tables, ask)
  const known = (places: readonly LaneState[]) => isWhole ? countKnown(tables, places, extra) : null
  const placed = ask.source === undefined ? known(crowd.states) : null
  return others.reduce(
    (sum, one) => sum + ((one.states && known(one.states)) ?? countRange(tables, one, meets)),
    placed ?? countOf(tables, crowd, meets)
  )
}

/** The number from the counts of the lanes, or null when they do not determine it. */
function countKnown (tables: Tables, places: readonly LaneState[], extra: readonly Term[]): number | null {
  let sum = 0
  for (const place of places) {
    const count = countKnownIn(tables, place, extra)
    if (count === null) return null
    sum += count
  }
  return sum
}

/** Waiting runs are never asked to stop: they end at once. */
function countKnownIn (tables: Tables, { lane, state }: LaneState, extra: readonly Term[]): number | null {
  const [only] = extra
  const all = lane.counts[stateNumber(state)]!
  if (extra.length === 1 && only!.sql === 'due_at > ?' && state === 'queued') {
    return all - tables.memory.lanes.dueAt(lane, only!.values[0] as number)
  }
  return extra.every(({ sql }) => sql === 'cancel is null' && state !== 'running') ? all : null
}

/** True when the ids alone determine which runs were created before the instant. */
const isExact = (tables: Tables, instant: number): boolean => tables.ids.exact && Number.isInteger(instant)

const endOf = (tables: Tables, to: number): number =>
  isExact(tables, to) ? to * PER_MS : tables.ids.before(Math.ceil(to))

function idRangeOf (tables: Tables, { cursor, from, to }: RunFilter & { cursor?: string }): IdRange {
  return {
    above: from === undefined ? 0 : Math.floor(from) * PER_MS - 1,
    below: Math.min(
      cursor === undefined ? Number.MAX_SAFE_INTEGER : cursorNumber(cursor),
      to === undefined ? Infinity : endOf(tables, to)
    )
  }
}

function filterTerms (tables: Tables, { from, to, due_by, fingerprint }: RunFilter): Term[] {
  const terms: Term[] = []
  if (from !== undefined && !isExact(tables, from)) terms.push(term('created_at >= ?', from))
  if (to !== undefined && !isExact(tables, to)) terms.push(term('created_at < ?', to))
  if (fingerprint !== undefined) terms.push(term('fingerprint = ?', fingerprint))
  if (due_by !== undefined) terms.push(term('due_at <= ?', due_by))
  return terms
}

function cursorNumber (cursor: string): number {
  const number = decodeId(cursor)
  if (number === null) throw cursorInvalid(cursor)
  return number
}

/** Scans the newest runs in steps of the given sizes. `rest`: the range that was not scanned; null: it is not
 *  needed. */
function scanNewest (
  tables: Tables,
  { range, terms, most }: Search,
  steps: readonly number[]
): { found: number[], rest: IdRange | null } {
  const found: number[] = []
  let rest = range
  for (const count of steps) {
    const above = idAfter(tables, rest, count)
    found.push(...read(tables, [ALL], { range: { ...rest, above }, terms, most: most - found.length }))
    if (found.length >= most || above === range.above) return { found, rest: null }
    rest = { ...rest, below: above + 1 }
  }
  return { found, rest }
}

/** The conditions that index ranges cover by themselves. */
function columnTerms (tables: Tables, { task, queue, state, source, schedule, due_by }: RunFilter): Term[] {
  const terms: Term[] = []
  if (task !== undefined || queue !== undefined) {
    terms.push(
      term(
        'lane in (select value from json_each(?))',
        JSON.stringify(lanesOf(tables, { task, queue }).map(({ id }) => id))
      )
    )
  }
  if (due_by !== undefined) terms.push(term('state = 1'))
  if (state !== undefined) terms.push(term(`state in (${state.map(stateNumber).join(', ')})`))
  if (source !== undefined) terms.push(term('source = ?', SOURCES.indexOf(source)))
  if (schedule !== undefined) terms.push(term('schedule = ?', schedule))
  return terms
}

/** Reads the ranges of a plan. Ranges that must be sorted come last, when the lower bound is known. */
function readRanges (
  tables: Tables,
  { laneRanges: crowd, others }: ListPlan,
  search: Search,
  before: number[]
): number[] {
  let found = before
  const follow = (ranges: readonly IndexRange[]) => {
    const above = found.length < search.most ? search.range.above : found.at(-1)!
    const more = read(tables, ranges, { ...search, range: { ...search.range, above } })
    if (more.length > 0) found = [...found, ...more].toSorted((a, b) => b - a).slice(0, search.most)
  }
  for (const arms of rangesOf(tables, crowd, search)) follow(arms)
  for (const one of others) follow([one])
  return found
}

/** The ranges of lanes, grouped by what one statement reads. */
function rangesOf (tables: Tables, crowd: LaneRanges, { range, terms, most }: Search): Term[][] {
  if (crowd.states.length <= MANY_RANGES) {
    return crowd.states.map(place => crowd.sources.map(source => rangeOf(place, source)))
  }
  return newestRanges(tables, crowd, { meets: within(range, terms), most }).map(arm => [arm])
}

/** The id above which a range has `count` runs, or the end of the range. */
function idAfter (tables: Tables, range: IdRange, count: number): number {
  const { sql, values } = every(ALL, within(range))
  const row = tables.one<{ id: number }>(
    `select id from run ${sql} order by id desc limit 1 offset ?`,
    ...values,
    count - 1
  )
  return row === undefined ? range.above : row.id - 1
}

function read (tables: Tables, ranges: readonly IndexRange[], { range, terms, most }: Search): number[] {
  const all = ranges.map(one => ({ ...one, ...every(one, within(range, terms)) }))
  const values = all.flatMap(one => one.values)
  return tables.all<{ id: number }>(
    `${all.map(selected).join(' union all ')} order by id desc limit ?`,
    ...values,
    most
  ).map(({ id }) => id)
}

// Runs that are due last were mostly added last: read from that end, few runs displace an earlier result.
const selected = ({ sql, byDue: line }: IndexRange): string =>
  line ? `select id from (select id from run ${sql} order by due_at desc limit -1)` : `select id from run ${sql}`

function countRange (tables: Tables, one: IndexRange, meets: Term): number {
  const { sql, values } = every(one, meets)
  return tables.one<{ n: number }>(`select count(*) as n from run ${sql}`, ...values)!.n
}

const within = ({ above, below }: IdRange, terms: readonly Term[] = []): Term =>
  every(term('id > ? and id < ?', above, below), ...terms)
