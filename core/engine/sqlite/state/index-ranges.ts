import { SOURCES } from '../../../model/run/run.ts'
import type { Source, State } from '../../../model/run/run.ts'
import type { Lane } from './lanes.ts'
import { stateNumber } from '../mapping/state-number.ts'
import type { Statements } from '../sql/statements.ts'
import { term } from '../sql/condition.ts'
import type { Term } from '../sql/condition.ts'

/** The runs of a lane in a state. */
export interface LaneState {
  lane: Lane
  state: State
}

/** The runs of some lanes and states with one of these sources. */
export interface LaneRanges {
  states: readonly LaneState[]
  sources: readonly Source[]
}

/** The condition of the index run_lane: all runs except queued ones with the source manual. */
export const IN_RUN_LANE = '(state <> 1 or source <> 2)'

/** One range of the index run_lane, ordered by id. */
export const rangeOf = ({ lane, state }: LaneState, source: Source): Term =>
  rangeAt(lane.id, stateNumber(state), SOURCES.indexOf(source))

const rangeAt = (lane: number, state: number, source: number): Term =>
  term(`indexed by run_lane where ${IN_RUN_LANE} and lane = ? and state = ? and source = ?`, lane, state, source)

const STATE_BITS = 3
const EACH = `indexed by run_lane
  where ${IN_RUN_LANE} and lane = place.value >> ${STATE_BITS} and state = place.value & ${(1 << STATE_BITS) - 1}
  and source = origin.value`

const bindings = ({ states: places, sources }: LaneRanges): [string, string] => [
  JSON.stringify(places.map(({ lane, state }) => (lane.id << STATE_BITS) + stateNumber(state))),
  JSON.stringify(sources.map(source => SOURCES.indexOf(source)))
]

/** The `most` ranges with the newest runs that meet a term; no other range has one of the `most` newest runs. One
 *  statement, because there may be a hundred thousand ranges. */
export function newestRanges (
  db: Statements,
  crowd: LaneRanges,
  { meets, most }: { meets: Term, most: number }
): Term[] {
  return db.all<{ place: number, source: number, newest: number | null }>(`
    select place.value as place, origin.value as source, (select id from run ${EACH} and ${meets.sql} order by id desc
      limit 1) as newest
    from json_each(?) as place join json_each(?) as origin
    order by newest desc limit ?`, ...meets.values, ...bindings(crowd), most)
    .filter(({ newest }) => newest !== null)
    .map(({ place, source }) => rangeAt(place >> STATE_BITS, place & (1 << STATE_BITS) - 1, source))
}

/** The number of runs in these ranges that meet a term. */
export const countOf = (db: Statements, crowd: LaneRanges, meets: Term): number =>
  db.one<{ n: number }>(`
  select coalesce(sum((select count(*) from run ${EACH} and ${meets.sql})), 0) as n
  from json_each(?) as place join json_each(?) as origin`, ...meets.values, ...bindings(crowd))!.n

/** The lanes that have a run in one of these states with a number below `number`. */
export function lanesBelow (db: Statements, places: readonly LaneState[], number: number): Set<number> {
  const rows = db.all<{ lane: number }>(`
    select distinct place.value >> ${STATE_BITS} as lane from json_each(?) as place join json_each(?) as origin
    where exists (select 1 from run ${EACH} and id < ?)`, ...bindings({ states: places, sources: SOURCES }), number)
  return new Set(rows.map(({ lane }) => lane))
}
