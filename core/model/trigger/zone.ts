import { triggerInvalid } from '../errors/input-errors.ts'

/** A period with one offset. `from` and `to` are epoch seconds, `offset` and `before` seconds; `open`, `fresh` and
 *  `close` are wall-clock seconds. */
export interface Segment {
  from: number
  to: number
  offset: number
  /** The offset in force just before. */
  before: number
  /** The wall clock at `from`. */
  open: number
  /** The wall time from which fixed times count: after an overlap its end, after a gap of at most 3 hours its
   *  beginning. */
  fresh: number
  /** The wall clock at `to`. */
  close: number
}

/** A time zone and its segments that were needed so far, in order. */
export interface Zone {
  id: string
  segments: Segment[]
  last: Segment
}

/** An upper bound of the difference between any two wall clocks, seconds. */
export const WIDEST = 26 * 3600

// Like Vixie cron: times skipped by a larger gap do not fire later, because it is a correction of the clock.
const MADE_UP = 3 * 3600

const EARLIEST = -8_640_000_000_000
const ZONES_KEPT = 1000
const zones = new Map<string, Zone>()

const stamp = (id: string, ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(id)
const seconds = (time: Temporal.ZonedDateTime | null, none: number) =>
  time === null ? none : time.epochMilliseconds / 1000
const offsetAt = (id: string, ms: number) => stamp(id, ms).offsetNanoseconds / 1e9

function freshFrom ({ open, shut }: { open: number, shut: number }): number {
  return open - shut > MADE_UP ? open : shut
}

function segmentOf (id: string, at: number): Segment {
  // Transitions fall on whole seconds: half a second later is inside the segment that starts at `at`.
  const time = stamp(id, Math.max(at, EARLIEST) * 1000 + 500)
  const offset = time.offsetNanoseconds / 1e9
  const from = seconds(time.getTimeZoneTransition('previous'), -Infinity)
  const to = seconds(time.getTimeZoneTransition('next'), Infinity)
  const before = from === -Infinity ? offset : offsetAt(id, from * 1000 - 1)
  const open = from + offset
  return { from, to, offset, before, open, fresh: freshFrom({ open, shut: from + before }), close: to + offset }
}

function placeFor (segments: Segment[], at: number): number {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (segments[middle]!.to <= at) low = middle + 1
    else high = middle
  }
  return low
}

/** The segment of a zone that contains an instant (epoch seconds). */
export function segmentAt (zone: Zone, at: number): Segment {
  if (at >= zone.last.from && at < zone.last.to) return zone.last
  const place = placeFor(zone.segments, at)
  const known = zone.segments[place]
  if (known !== undefined && known.from <= at) return zone.last = known
  const found = segmentOf(zone.id, at)
  zone.segments.splice(place, 0, found)
  return zone.last = found
}

/** The instant (epoch seconds) of a wall-clock time: in a gap by the offset before it, in an overlap the first
 *  occurrence (RFC 5545, Temporal 'compatible'). */
export function instantOf (zone: Zone, wall: number): number {
  let segment = segmentAt(zone, wall - WIDEST)
  while (wall >= segment.close) segment = segmentAt(zone, segment.to)
  return wall >= segment.open ? wall - segment.offset : wall - segment.before
}

/** The zone of an IANA name (old names included) or of an offset such as '+05:30'. Throws OFFPEAK_TRIGGER_INVALID. */
export function zoneOf (value: unknown, pointer: string): Zone {
  const known = typeof value === 'string' ? zones.get(value) : undefined
  if (known !== undefined) return known
  try {
    const id = String(value)
    if (typeof value !== 'string') throw new TypeError('not a string')
    const first = segmentOf(id, 0)
    const zone = { id, segments: [first], last: first }
    if (zones.size >= ZONES_KEPT) zones.clear()
    zones.set(id, zone)
    return zone
  } catch (cause) {
    throw triggerInvalid({
      pointer,
      found: value,
      expected: "an IANA time zone such as 'Europe/Rome' or an offset such as '+05:30'",
      cause
    })
  }
}
