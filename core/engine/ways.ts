import type { SQLInputValue } from 'node:sqlite'
import { SOURCES, STATES } from '../model/run.ts'
import type { Source, State } from '../model/run.ts'
import type { Filter } from './engine.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from './lanes.ts'
import type { Store } from './store.ts'

/** One condition of a query and what is bound to it. */
export interface Term { sql: string, values: SQLInputValue[] }

export const term = (sql: string, ...values: SQLInputValue[]): Term => ({ sql, values })

/** A way to some runs. `arms`: ranges of an index, each in the order of the ids. `sorts`: so many entries of its one arm have to be sorted for
 *  that. `place`: it meets all runs of a lane in a state, and no others. */
export interface Way { arms: readonly Term[], sorts?: number, place?: { lane: Lane, state: State } }

/** So many runs are soon sorted and looked through. */
export const SOON = 10_000

/** Every run, the newest first. */
export const ALL = term('not indexed where true')

/** What the index run_lane has: all runs but those that are queued by hand. */
const PLACED = '(state <> 1 or source <> 2)'

const BY_HAND: Source = 'manual'

/** The runs of a lane in a state, by who asked for them; of queued ones that nobody asked for by hand. */
export const armOf = ({ id }: Lane, state: State, source: Source): Term =>
  term(`indexed by run_lane where ${PLACED} and lane = ? and state = ? and source = ?`, id, stateNumber(state), SOURCES.indexOf(source))

/** The queued runs of a lane, those due first at the front. */
export const queuedOf = ({ id }: Lane): Term => term('indexed by run_queued where state = 1 and lane = ?', id)

const and = ({ sql, values }: Term, more: Term): Term => term(`${sql} and ${more.sql}`, ...values, ...more.values)

/** The ways that meet every run in question once: by schedule, by what it failed of, by lane and state and source, or by id alone. */
export function waysFor (store: Store, ask: Filter): Way[] {
  const { task, queue, source, schedule, due_by, fingerprint } = ask
  const states = statesOf(ask)
  const lanes = lanesOf(store, ask)
  const everywhere = task === undefined && queue === undefined
  if (schedule !== undefined) return scheduleWays(store, { schedule, source, states, lanes: everywhere ? null : new Set(lanes.map(({ id }) => id)) })
  if (fingerprint !== undefined) return states.includes('failed') ? lanes.map(lane => ({ arms: [deadOf(lane, fingerprint, source)] })) : []
  if (everywhere && source === undefined && ask.state === undefined && due_by === undefined) return [{ arms: [ALL] }]
  return lanes.flatMap(lane => states.flatMap(state => laneWays(store, { lane, state, source, due_by })))
}

/** The states that runs of a filter can be in. */
function statesOf ({ state, due_by, fingerprint }: Filter): State[] {
  const states = [...new Set(state ?? STATES)]
  if (due_by !== undefined) return states.filter(word => word === 'queued')
  return fingerprint === undefined ? states : states.filter(word => word === 'failed')
}

function deadOf ({ id }: Lane, fingerprint: string, source: Source | undefined): Term {
  const dead = term('indexed by run_dead where lane = ? and fingerprint = ?', id, fingerprint)
  return source === undefined ? dead : and(dead, term('source = ?', SOURCES.indexOf(source)))
}

/** The lanes of a task, of a queue, of both or all. */
export function lanesOf (store: Store, { task, queue }: Pick<Filter, 'task' | 'queue'>): Lane[] {
  const lanes = task === undefined ? [...store.lanes.byId.values()] : store.lanes.ofTask(task)
  return queue === undefined ? lanes : lanes.filter(lane => lane.queue === queue)
}

interface ScheduleAsk { schedule: string, source: Source | undefined, states: readonly State[], lanes: ReadonlySet<number> | null }

interface Kind { state: number, lane: number, source: number }

/** One for each kind of run that the schedule has: there is a handful. */
function scheduleWays (store: Store, { schedule, source, states, lanes }: ScheduleAsk): Way[] {
  const wanted = new Set(states.map(stateNumber))
  return kindsOf(store, schedule)
    .filter(kind => wanted.has(kind.state) && (lanes?.has(kind.lane) ?? true) && (source ?? SOURCES[kind.source]) === SOURCES[kind.source])
    .map(kind => ({ arms: [term('indexed by run_schedule where schedule is not null and schedule = ? and state = ? and lane = ? and source = ?',
      schedule, kind.state, kind.lane, kind.source)] }))
}

/** Leaps from each to the next. Asked with > for what comes after one, SQLite would read all runs of that one first. */
function kindsOf (store: Store, schedule: string): Kind[] {
  const kinds: Kind[] = []
  for (let kind: Kind | undefined = { state: 0, lane: 0, source: 0 }; kind;) {
    kind = store.one<Kind>(`
      select state, lane, source from run indexed by run_schedule
      where schedule is not null and schedule = ? and (state, lane, source) >= (?, ?, ?)
      order by state, lane, source limit 1`, schedule, kind.state, kind.lane, kind.source + 1)
    if (kind) kinds.push(kind)
  }
  return kinds
}

interface LaneAsk { lane: Lane, state: State, source: Source | undefined, due_by: number | undefined }

function laneWays (store: Store, { lane, state, source, due_by }: LaneAsk): Way[] {
  if (lane.counts[stateNumber(state)] === 0) return []
  if (state === 'queued') return queuedWays(store, { lane, source, due_by })
  if (source !== undefined) return [{ arms: [armOf(lane, state, source)] }]
  return [{ arms: SOURCES.map(each => armOf(lane, state, each)), place: { lane, state } }]
}

/** Queued runs lie in the order in which they are due; they are sorted, unless it is known where those lie that are sought. */
function queuedWays (store: Store, { lane, source, due_by }: Omit<LaneAsk, 'state'>): Way[] {
  const sorts = due_by === undefined ? lane.counts[stateNumber('queued')]! : store.lanes.dueAt(lane, due_by)
  if (sorts === 0) return []
  if (source === undefined) return [{ arms: [queuedOf(lane)], sorts, place: { lane, state: 'queued' } }]
  if (sorts <= SOON) return [{ arms: [and(queuedOf(lane), term('source = ?', SOURCES.indexOf(source)))], sorts }]
  if (source !== BY_HAND) return [{ arms: [armOf(lane, 'queued', source)] }]
  return [{ arms: [and(queuedOf(lane), byHand(lane))], sorts }]
}

// The row of a run would tell as well, but to read a million of them takes long.
const byHand = ({ id }: Lane): Term =>
  term(`id not in (select id from run as other indexed by run_lane where ${PLACED} and lane = ? and state = 1)`, id)
