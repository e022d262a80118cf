import { SOURCES, STATES } from '../../../model/run/run.ts'
import type { Source, State } from '../../../model/run/run.ts'
import type { Filter } from '../../reports.ts'
import type { Lane } from '../state/lanes.ts'
import { stateNumber } from '../state/lanes.ts'
import { PLACED } from '../state/index-ranges.ts'
import type { Crowd, Place } from '../state/index-ranges.ts'
import type { Tables } from '../state/tables.ts'
import { every, term } from '../sql/condition.ts'
import type { Term } from '../sql/condition.ts'

/** A range of the table or of an index. `sorts`: so many entries have to be sorted to be in the order of the ids.
 *  `line`: they lie in the order in which they are due. `places`: it meets all runs there, and no others. */
export interface Way extends Term {
  sorts?: number
  line?: true
  places?: readonly Place[]
}

/** The ways that between them meet every run in question once; a crowd is as many as it has places. */
export interface Ways {
  crowd: Crowd
  others: readonly Way[]
}

/** So many runs are soon sorted and looked through. */
export const SOON = 10_000

/** Every run, the newest first. */
export const ALL: Way = term('not indexed where true')

const BY_HAND: Source = 'manual'

/** The queued runs of a lane, those due first at the front. */
export const queuedOf = ({ id }: Lane): Term => term('indexed by run_queued where state = 1 and lane = ?', id)

const NOBODY: Crowd = { places: [], sources: [] }

/** By schedule, by what it failed of, by lane and state and source, or by id alone. */
export function waysFor (tables: Tables, ask: Filter): Ways {
  const { task, queue, source, schedule, due_by, fingerprint } = ask
  const states = statesOf(ask)
  const lanes = lanesOf(tables, ask)
  const isAnywhere = task === undefined && queue === undefined
  if (schedule !== undefined) {
    return {
      crowd: NOBODY,
      others: scheduleWays(
        tables,
        { schedule, source, states, lanes: isAnywhere ? null : new Set(lanes.map(({ id }) => id)) }
      )
    }
  }
  if (fingerprint !== undefined) {
    return {
      crowd: NOBODY,
      others: states.includes('failed') ? lanes.map(lane => deadOf(lane, fingerprint, source)) : []
    }
  }
  if (isAnywhere && source === undefined && ask.state === undefined && due_by === undefined) {
    return { crowd: NOBODY, others: [ALL] }
  }
  const places = lanes.flatMap(lane => states.map(state => ({ lane, state }))).filter(
    ({ lane, state }) => lane.counts[stateNumber(state)]! > 0
  )
  return laneWays(tables, places, { source, due_by })
}

/** The states that runs of a filter can be in. */
function statesOf ({ state, due_by, fingerprint }: Filter): State[] {
  const states = [...new Set(state ?? STATES)]
  if (due_by !== undefined) return states.filter(word => word === 'queued')
  return fingerprint === undefined ? states : states.filter(word => word === 'failed')
}

function deadOf ({ id }: Lane, fingerprint: string, source: Source | undefined): Term {
  const dead = term('indexed by run_dead where lane = ? and fingerprint = ?', id, fingerprint)
  return source === undefined ? dead : every(dead, term('source = ?', SOURCES.indexOf(source)))
}

/** The lanes of a task, of a queue, of both or all. */
export function lanesOf (tables: Tables, { task, queue }: Pick<Filter, 'task' | 'queue'>): readonly Lane[] {
  const lanes = task === undefined ? [...tables.memory.lanes.byId.values()] : tables.memory.lanes.ofTask(task)
  return queue === undefined ? lanes : lanes.filter(lane => lane.queue === queue)
}

interface ScheduleAsk {
  schedule: string
  source: Source | undefined
  states: readonly State[]
  lanes: ReadonlySet<number> | null
}

interface Kind {
  state: number
  lane: number
  source: number
}

/** One for each kind of run that the schedule has: there is a handful. */
function scheduleWays (tables: Tables, { schedule, source, states, lanes }: ScheduleAsk): Way[] {
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

/** Leaps from each to the next. Asked with > for what comes after one, SQLite would read all runs of that one first. */
function kindsOf (tables: Tables, schedule: string): Kind[] {
  const kinds: Kind[] = []
  for (let kind: Kind | undefined = { state: 0, lane: 0, source: 0 }; kind;) {
    kind = tables.one<Kind>(`
      select state, lane, source from run indexed by run_schedule
      where schedule is not null and schedule = ? and (state, lane, source) >= (?, ?, ?)
      order by state, lane, source limit 1`, schedule, kind.state, kind.lane, kind.source + 1)
    if (kind) kinds.push(kind)
  }
  return kinds
}

interface LaneAsk {
  source: Source | undefined
  due_by: number | undefined
}

function laneWays (tables: Tables, places: readonly Place[], { source, due_by }: LaneAsk): Ways {
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
  const long = lines.filter(({ sorts }) => sorts > SOON)
  const isPlaced = source !== undefined && source !== BY_HAND
  return {
    crowd: {
      places: isPlaced ? [...placed, ...long.map(({ place }) => place)] : placed,
      sources: source === undefined ? SOURCES : [source]
    },
    others: [
      ...shortWays(lines.filter(({ sorts }) => sorts > 0 && sorts <= SOON), source),
      ...isPlaced ? [] : long.map(line => longWay(tables, line, source))
    ]
  }
}

/** The queued runs of a lane, of which so many would have to be sorted. */
interface Line {
  place: Place
  sorts: number
}

/** Short lines are sorted together, however many they are. */
function shortWays (lines: readonly Line[], source: Source | undefined): Way[] {
  if (lines.length === 0) return []
  const all = term(
    'indexed by run_queued where state = 1 and lane in (select value from json_each(?))',
    JSON.stringify(lines.map(({ place }) => place.lane.id))
  )
  const sorts = lines.reduce((sum, line) => sum + line.sorts, 0)
  if (source === undefined) return [{ ...all, sorts, places: lines.map(({ place }) => place) }]
  return [{ ...every(all, term('source = ?', SOURCES.indexOf(source))), sorts }]
}

function longWay (tables: Tables, { place, sorts }: Line, source: Source | undefined): Way {
  const all = queuedOf(place.lane)
  if (source === undefined) return { ...all, sorts, line: true, places: [place] }
  return { ...isMixed(tables, place.lane) ? every(all, byHand(place.lane)) : all, sorts, line: true }
}

const OTHERS = `from run as other indexed by run_lane where ${PLACED} and state = 1 and lane = ?`

/** True when not all of the queued runs of a lane were asked for by hand. */
const isMixed = (tables: Tables, { id }: Lane): boolean => tables.one(`select 1 ${OTHERS} limit 1`, id) !== undefined

// The row of a run would tell as well, but to read a million of them takes long.
const byHand = ({ id }: Lane): Term => term(`id not in (select id ${OTHERS})`, id)
