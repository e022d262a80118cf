import type { Field, FieldName, Row } from './field.ts'
import type { Dates } from './dates.ts'
import { datesOf, dayDown, dayUp } from './dates.ts'

const DAY = 86_400

/** A cron schedule over wall-clock seconds, without a zone. */
export interface Calendar {
  /** Hour, minute and second are values, lists or ranges, without `*` or steps. */
  fixed: boolean
  dates: Dates
  hour: Row
  minute: Row
  second: Row
  /** The first and the last matching second of a day. */
  first: number
  last: number
}

const rowOf = (field: Field, size: number): Row => field.row ??= makeRow(field, size)

function makeRow ({ parts }: Field, size: number): Row {
  const up = new Int8Array(size + 1).fill(-1)
  const down = new Int8Array(size + 1).fill(-1)
  for (const { first, last, step } of parts) {
    for (let value = first; value <= last; value += step) down[value] = up[value] = value
  }
  for (let value = 1; value < size; value++) if (down[value]! < 0) down[value] = down[value - 1]!
  for (let value = size - 1; value >= 0; value--) if (up[value]! < 0) up[value] = up[value + 1]!
  return { up, down, first: up[0]!, last: down[size - 1]! }
}

const DATES_KEPT = 2000
const datesKept = new Map<string, Dates>()

/** Schedules that differ only in the time of day share their dates, which take most of a calendar's memory. */
function datesFor (fields: Record<FieldName, Field>, either: boolean): Dates {
  const { year, month, day, week, day_of_week: weekday } = fields
  const key = `${either ? 'either' : 'both'} ${year.text}|${month.text}|${day.text}|${week.text}|${weekday.text}`
  let dates = datesKept.get(key)
  if (dates !== undefined) return dates
  if (datesKept.size >= DATES_KEPT) datesKept.clear()
  datesKept.set(key, dates = datesOf(fields, { either }))
  return dates
}

/** The calendar of the eight fields. `either`: when day and day_of_week are both restricted, either may match. */
export function calendarOf (fields: Record<FieldName, Field>, { either }: { either: boolean }): Calendar {
  const dates = datesFor(fields, either)
  const hour = rowOf(fields.hour, 24)
  const minute = rowOf(fields.minute, 60)
  const second = rowOf(fields.second, 60)
  return {
    fixed: !fields.hour.open && !fields.minute.open && !fields.second.open,
    dates,
    hour,
    minute,
    second,
    first: hour.first * 3600 + minute.first * 60 + second.first,
    last: hour.last * 3600 + minute.last * 60 + second.last
  }
}

function timeUp ({ hour, minute, second }: Calendar, time: number): number {
  const h = (time / 3600) | 0
  const m = ((time - h * 3600) / 60) | 0
  if (hour.up[h] === h) {
    const start = h * 3600
    const s = minute.up[m] === m ? second.up[time - start - m * 60]! : -1
    if (s >= 0) return start + m * 60 + s
    const laterMinute = minute.up[m + 1]!
    if (laterMinute >= 0) return start + laterMinute * 60 + second.first
  }
  const laterHour = hour.up[h + 1]!
  return laterHour < 0 ? -1 : laterHour * 3600 + minute.first * 60 + second.first
}

function timeDown ({ hour, minute, second }: Calendar, time: number): number {
  const h = (time / 3600) | 0
  const m = ((time - h * 3600) / 60) | 0
  if (hour.down[h] === h) {
    const start = h * 3600
    const s = minute.down[m] === m ? second.down[time - start - m * 60]! : -1
    if (s >= 0) return start + m * 60 + s
    const earlierMinute = m === 0 ? -1 : minute.down[m - 1]!
    if (earlierMinute >= 0) return start + earlierMinute * 60 + second.last
  }
  const earlierHour = h === 0 ? -1 : hour.down[h - 1]!
  return earlierHour < 0 ? -1 : earlierHour * 3600 + minute.last * 60 + second.last
}

/** The first matching wall-clock second at or after one; -1 when there is none before the year 10000. */
export function wallUp (calendar: Calendar, wall: number): number {
  const from = Math.max(wall, 0)
  const day = Math.floor(from / DAY)
  const found = dayUp(calendar.dates, day)
  if (found < 0) return -1
  if (found > day) return found * DAY + calendar.first
  const time = timeUp(calendar, from - day * DAY)
  if (time >= 0) return day * DAY + time
  const next = dayUp(calendar.dates, day + 1)
  return next < 0 ? -1 : next * DAY + calendar.first
}

/** The last matching wall-clock second at or before one; -1 when there is none since 1970. */
export function wallDown (calendar: Calendar, wall: number): number {
  if (wall < 0) return -1
  const day = Math.floor(wall / DAY)
  const found = dayDown(calendar.dates, day)
  if (found < 0) return -1
  if (found < day) return found * DAY + calendar.last
  const time = timeDown(calendar, wall - day * DAY)
  if (time >= 0) return day * DAY + time
  const previous = dayDown(calendar.dates, day - 1)
  return previous < 0 ? -1 : previous * DAY + calendar.last
}
