import type { Calendar } from './calendar.ts'
import type { Bounds, Trigger } from './spec.ts'
import type { Segment, Zone } from './zone.ts'
import { wallDown, wallUp } from './calendar.ts'
import { LAST_INSTANT } from './spec.ts'
import { segmentAt, WIDEST } from './zone.ts'

const FIRST_SECOND = -WIDEST
const LAST_SECOND = Math.floor(LAST_INSTANT / 1000)

/** A calendar in a zone, and the segment of the zone that was used last. */
interface Schedule {
  readonly calendar: Calendar
  readonly zone: Zone
  segment: Segment
}

function stretch (schedule: Schedule, at: number): Segment {
  const { segment } = schedule
  if (at >= segment.from && at < segment.to) return segment
  return schedule.segment = segmentAt(schedule.zone, at)
}

const opening = ({ calendar }: Schedule, segment: Segment) => calendar.fixed ? segment.fresh : segment.open

// Fixed times skipped by a gap lie between `fresh` and `open`: they fire where the gap ends.
const fireAt = (wall: number, segment: Segment) => Math.max(wall - segment.offset, segment.from)

function firstWall (schedule: Schedule, segment: Segment, at: number): number {
  if (at === segment.from) return opening(schedule, segment)
  return schedule.calendar.fixed ? Math.max(at + segment.offset, segment.fresh) : at + segment.offset
}

function fireUp (schedule: Schedule, at: number): number | null {
  let segment = stretch(schedule, at)
  let wall = wallUp(schedule.calendar, firstWall(schedule, segment, at))
  for (let hop = 0; wall >= 0; hop++) {
    if (wall < segment.close) return fireAt(wall, segment)
    // An overlap repeats earlier wall times, so the next segment is always searched. Later segments do not repeat times
    // before `wall`.
    const leap = hop === 0 ? segment.to : Math.max(segment.to, wall - WIDEST)
    segment = stretch(schedule, leap)
    wall = wallUp(schedule.calendar, opening(schedule, segment))
  }
  return null
}

function fireDown (schedule: Schedule, at: number): number | null {
  let segment = stretch(schedule, at)
  let wall = wallDown(schedule.calendar, at + segment.offset)
  for (let hop = 0; wall >= 0; hop++) {
    if (wall >= opening(schedule, segment)) return fireAt(wall, segment)
    const leap = hop === 0 ? segment.from - 1 : Math.min(segment.from - 1, wall + WIDEST)
    segment = stretch(schedule, leap)
    wall = wallDown(schedule.calendar, segment.close - 1)
  }
  return null
}

/** A compiled cron schedule. There may be a hundred thousand of them, so they share calendars and zones. */
export class Cron implements Trigger, Schedule {
  readonly kind = 'cron'
  readonly jitter: number
  readonly until: number
  readonly calendar: Calendar
  readonly zone: Zone
  segment: Segment
  readonly #start: number

  /** `bounds` are inclusive epoch milliseconds. */
  constructor ({ calendar, zone, bounds, jitter }: { calendar: Calendar, zone: Zone, bounds: Bounds, jitter: number }) {
    this.jitter = jitter
    this.until = bounds.end
    this.calendar = calendar
    this.zone = zone
    this.segment = zone.last
    this.#start = bounds.start
  }

  next (after: number): number | null {
    const at = Math.floor(Math.max(after, this.#start - 1) / 1000) + 1
    if (!(at <= LAST_SECOND)) return null
    const fire = fireUp(this, Math.max(at, FIRST_SECOND))
    return fire === null || fire * 1000 > this.until ? null : fire * 1000
  }

  latest (from: number, to: number): number | null {
    const at = Math.floor(Math.min(to, this.until, LAST_INSTANT) / 1000)
    const fire = at >= FIRST_SECOND ? fireDown(this, at) : null
    return fire === null || fire * 1000 < this.#start || fire * 1000 <= from ? null : fire * 1000
  }

  count (from: number, to: number, cap: number): number {
    let fires = 0
    for (let fire = this.next(from); fires < cap && fire !== null && fire <= to; fires++) fire = this.next(fire)
    return fires
  }
}
