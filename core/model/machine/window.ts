import { WEEKDAYS } from '../config/limits.ts'
import { segmentAt, WIDEST, zoneOf } from '../trigger/zone.ts'
import type { Config } from '../config/config.ts'
import type { WindowSetting } from '../config/limits.ts'
import type { Zone } from '../trigger/zone.ts'

/** A compiled time window. `start` and `end` are seconds after midnight; an `end` not after the start is on the next
 *  day. */
export interface Window {
  name: string
  zone: Zone
  start: number
  end: number
  /** Whether it opens on each day, Monday first. */
  days: readonly boolean[]
  /** Share of the slots available while it is open; 1: no limit. */
  resource_limit: number
}

/** One opening, epoch ms; `to` is exclusive. */
interface Opening {
  from: number
  to: number
}

const DAY = 86_400
const INLINE = /^((?:[01]\d|2[0-3]):[0-5]\d)\s*-\s*((?:[01]\d|2[0-3]):[0-5]\d|24:00)$/

const secondsOf = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 3600 + minutes * 60
}

/** The window of a setting; throws OFFPEAK_TRIGGER_INVALID on an unknown time zone. */
export function windowOf (name: string, setting: WindowSetting, timezone: string): Window {
  const { start, end, days, resource_limit: limit = 1, timezone: own = timezone } = setting
  return {
    name,
    zone: zoneOf(own, '/timezone'),
    start: secondsOf(start),
    end: secondsOf(end),
    days: WEEKDAYS.map(day => days === undefined || days.includes(day)),
    resource_limit: limit
  }
}

/** The window of a text such as '01:00-05:00', or null for any other text. */
export function inlineWindow (text: string, timezone: string): Window | null {
  const [, start, end] = INLINE.exec(text.trim()) ?? []
  return start === undefined ? null : windowOf(text, { start, end: end! }, timezone)
}

/** The first instant (epoch seconds) at which the wall clock shows a time; in a gap, the end of the gap. */
function shownAt (zone: Zone, wall: number): number {
  let segment = segmentAt(zone, wall - WIDEST)
  while (wall >= segment.close) segment = segmentAt(zone, segment.to)
  return wall >= segment.open ? wall - segment.offset : segment.from
}

/** The opening that begins on a day (counted from 1970-01-01 by the wall), or null. */
function openingOn ({ zone, start, end, days }: Window, day: number): Opening | null {
  if (!days[(((day + 3) % 7) + 7) % 7]) return null
  const from = shownAt(zone, day * DAY + start)
  const to = shownAt(zone, (end > start ? day : day + 1) * DAY + end)
  return from < to ? { from: from * 1000, to: to * 1000 } : null
}

const dayOf = ({ zone }: Window, at: number): number => {
  const seconds = Math.floor(at / 1000)
  return Math.floor((seconds + segmentAt(zone, seconds).offset) / DAY)
}

// A window that does not open for more than a year counts as one that never opens.
const DAYS_AHEAD = 400

/** The opening that contains an instant, or else the next one; null when there is none. Adjacent openings are
 *  joined. */
export function openingAt (window: Window, at: number): Opening | null {
  const today = dayOf(window, at)
  for (let day = today - 1; day < today + DAYS_AHEAD; day++) {
    const opening = openingOn(window, day)
    if (opening === null || opening.to <= at) continue
    return { from: opening.from, to: endOf(window, day, opening) }
  }
  return null
}

function endOf (window: Window, first: number, { to }: Opening): number {
  let end = to
  for (let day = first + 1; day < first + 9; day++) {
    const next = openingOn(window, day)
    if (next === null || next.from > end) return end
    end = Math.max(end, next.to)
  }
  return Infinity
}

/** True while the window is open. */
export const isOpen = (window: Window, at: number): boolean => {
  const opening = openingAt(window, at)
  return opening !== null && opening.from <= at
}

const compiled = new WeakMap<object, Map<string, Window>>()

/** The windows of a configuration, by name. */
export function windowsOf (
  { scheduling, manager }: Pick<Config, 'scheduling' | 'manager'>
): ReadonlyMap<string, Window> {
  const known = compiled.get(scheduling.time_windows)
  if (known) return known
  const entries = Object.entries(scheduling.time_windows).map(([name, setting]) =>
    [name, windowOf(name, setting, manager.timezone)] as const
  )
  const windows = new Map(entries)
  compiled.set(scheduling.time_windows, windows)
  return windows
}

/** The next instant at which a window of the configuration opens or closes, epoch ms, or null. */
export function nextWindowChange (config: Pick<Config, 'scheduling' | 'manager'>, at: number): number | null {
  let next = Infinity
  for (const window of windowsOf(config).values()) {
    const opening = openingAt(window, at)
    if (opening !== null) next = Math.min(next, opening.from > at ? opening.from : opening.to)
  }
  return next === Infinity ? null : next
}

/** The window in force: the open window with the lowest resource_limit, the first among equals; null when none is
 *  open. */
export function windowAt (
  config: Pick<Config, 'scheduling' | 'manager'>,
  at: number
): Window & { closes_at: number } | null {
  let found: Window & { closes_at: number } | null = null
  for (const window of windowsOf(config).values()) {
    const opening = openingAt(window, at)
    if (opening === null || opening.from > at || (found !== null && found.resource_limit <= window.resource_limit)) {
      continue
    }
    found = { ...window, closes_at: opening.to }
  }
  return found
}
