import { SOURCES, STATES } from '../../../model/run/run.ts'
import type { Source, State } from '../../../model/run/run.ts'
import type { RunFilter } from '../../reports.ts'
import type { Lane } from '../state/lanes.ts'
import { stateNumber } from '../mapping/state-number.ts'
import { IN_RUN_LANE } from '../state/index-ranges.ts'
import type { LaneRanges, LaneState } from '../state/index-ranges.ts'
import type { Tables } from '../state/tables.ts'
import { every, term } from '../sql/condition.ts'
import type { Term } from '../sql/condition.ts'

/** A range of the table or of an index. `sortRows`: the number of rows that must be sorted by id. `byDue`: the range is
 *  ordered by due time. `states`: it contains exactly the runs of these lanes and states. */
export interface IndexRange extends Term {
  sortRows?: number
  byDue?: true
  states?: readonly LaneState[]
}

/** Ranges that together contain each searched run once. */
export interface ListPlan {
  laneRanges: LaneRanges
  others: readonly IndexRange[]
}

/** The number of rows that are sorted without scanning the newest runs first. */
export const MAX_SORTED = 10_000

/** All runs, newest first. */
export const ALL: IndexRange = term('not indexed where true')

const MANUAL: Source = 'manual'

/** The queued runs of a lane, ordered by due time. */
export const queuedOf = ({ id }: Lane): Term => term('indexed by run_queued where state = 1 and lane = ?', id)

const NO_RANGES: LaneRanges = { states: [], sources: [] }

/** Chooses the ranges for a filter: by schedule, by fingerprint, by lane, state and source, or by id. */
export function planList (tables: Tables, ask: RunFilter): ListPlan {
  const { task, queue, source, schedule, due_by, fingerprint } = ask
  const states = statesOf(ask)
  const lanes = lanesOf(tables, ask)
  const isAnywhere = task === undefined && queue === undefined
  if (schedule !== undefined) {
    return {
      laneRanges: NO_RANGES,
      others: scheduleRanges(
        tables,
        { schedule, source, states, lanes: isAnywhere ? null : new Set(lanes.map(({ id }) => id)) }
      )
    }
  }
  if (fingerprint !== undefined) {
    return {
      laneRanges: NO_RANGES,
      others: states.includes('failed') ? lanes.map(lane => failedIn(lane, fingerprint, source)) : []
    }
  }
  if (isAnywhere && source === undefined && ask.state === undefined && due_by === undefined) {
    return { laneRanges: NO_RANGES, others: [ALL] }
  }
  const places = lanes.flatMap(lane => states.map(state => ({ lane, state }))).filter(
    ({ lane, state }) => lane.counts[stateNumber(state)]! > 0
  )
  return lanePlan(tables, places, { source, due_by })
}

/** The states that runs of a filter can be in. */
function statesOf ({ state, due_by, fingerprint }: RunFilter): State[] {
  const states = [...new Set(state ?? STATES)]
  if (due_by !== undefined) return states.filter(word => word === 'queued')
  return fingerprint === undefined ? states : states.filter(word => word === 'failed')
}

function failedIn ({ id }: Lane, fingerprint: string, source: Source | undefined): Term {
  const dead = term('indexed by run_dead where lane = ? and fingerprint = ?', id, fingerprint)
  return source === undefined ? dead : every(dead, term('source = ?', SOURCES.indexOf(source)))
}

/** The lanes of a task, of a queue, of both or all. */
export function lanesOf (tables: Tables, { task, queue }: Pick<RunFilter, 'task' | 'queue'>): readonly Lane[] {
  const lanes = task === undefined ? [...tables.memory.lanes.byId.values()] : tables.memory.lanes.ofTask(task)
  return queue === undefined ? lanes : lanes.filter(lane => lane.queue === queue)
}

interface SchedulePlanAsk {
  schedule: string
  source: Source | undefined
  states: readonly State[]
  lanes: ReadonlySet<number> | null
}

interface ScheduleKind {
  state: number
  lane: number
  source: number
}

/** One range for each kind of run of the schedule; there are few. */
function scheduleRanges (tables: Tables, { schedule, source, states, lanes }: SchedulePlanAsk): IndexRange[] {
  const wanted = new Set(states.map(stateNumber))
  return kindsOf(tables, schedule)
    .filter(
      kind =>
        wanted.has(kind.state) && (lanes?.has(kind.lane) ?? true) &&
        (source ?? SOURCES[kind.source]) === SOURCES[kind.source]
    )
    .map(kind =>
      term(`indexed by run_schedule
      where schedule is not null and schedule = ? and state = ? and lane = ? and source = ?`, schedule, kind.state,
        kind.lane, kind.source)
    )
}

/** Continues at the next kind. With > instead of >=, SQLite would read all runs of a kind first. */
function kindsOf (tables: Tables, schedule: string): ScheduleKind[] {
  const kinds: ScheduleKind[] = []
  for (let kind: ScheduleKind | undefined = { state: 0, lane: 0, source: 0 }; kind;) {
    kind = tables.one<ScheduleKind>(`
      select state, lane, source from run indexed by run_schedule
      where schedule is not null and schedule = ? and (state, lane, source) >= (?, ?, ?)
      order by state, lane, source limit 1`, schedule, kind.state, kind.lane, kind.source + 1)
    if (kind) kinds.push(kind)
  }
  return kinds
}

interface LanePlanAsk {
  source: Source | undefined
  due_by: number | undefined
}

function lanePlan (tables: Tables, places: readonly LaneState[], { source, due_by }: LanePlanAsk): ListPlan {
  const { true: queued = [], false: placed = [] } = Object.groupBy(
    places,
    ({ state }) => String(state === 'queued') as 'true' | 'false'
  )
  const lines = queued.map(
    place => ({
      place,
      sorts: due_by === undefined
        ? place.lane.counts[stateNumber('queued')]!
        : tables.memory.lanes.dueAt(place.lane, due_by)
    })
  )
  const long = lines.filter(({ sorts }) => sorts > MAX_SORTED)
  const isPlaced = source !== undefined && source !== MANUAL
  return {
    laneRanges: {
      states: isPlaced ? [...placed, ...long.map(({ place }) => place)] : placed,
      sources: source === undefined ? SOURCES : [source]
    },
    others: [
      ...sortedTogether(lines.filter(({ sorts }) => sorts > 0 && sorts <= MAX_SORTED), source),
      ...isPlaced ? [] : long.map(line => sortedAlone(tables, line, source))
    ]
  }
}

/** The queued runs of a lane; `sorts`: the number of rows that would have to be sorted. */
interface QueuedLane {
  place: LaneState
  sorts: number
}

/** Lanes with few queued runs are sorted together. */
function sortedTogether (lines: readonly QueuedLane[], source: Source | undefined): IndexRange[] {
  if (lines.length === 0) return []
  const all = term(
    'indexed by run_queued where state = 1 and lane in (select value from json_each(?))',
    JSON.stringify(lines.map(({ place }) => place.lane.id))
  )
  const sorts = lines.reduce((sum, line) => sum + line.sorts, 0)
  if (source === undefined) return [{ ...all, sortRows: sorts, states: lines.map(({ place }) => place) }]
  return [{ ...every(all, term('source = ?', SOURCES.indexOf(source))), sortRows: sorts }]
}

function sortedAlone (tables: Tables, { place, sorts }: QueuedLane, source: Source | undefined): IndexRange {
  const all = queuedOf(place.lane)
  if (source === undefined) return { ...all, sortRows: sorts, byDue: true, states: [place] }
  return { ...isMixed(tables, place.lane) ? every(all, byHand(place.lane)) : all, sortRows: sorts, byDue: true }
}

const OTHERS = `from run as other indexed by run_lane where ${IN_RUN_LANE} and state = 1 and lane = ?`

/** True when a queued run of a lane was not added by hand. */
const isMixed = (tables: Tables, { id }: Lane): boolean => tables.one(`select 1 ${OTHERS} limit 1`, id) !== undefined

// The rows have the source as well, but reading a million rows takes long.
const byHand = ({ id }: Lane): Term => term(`id not in (select id ${OTHERS})`, id)
