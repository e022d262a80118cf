import type { Field, FieldName, Nth, Part } from './field.ts'
import { daysBefore, daysFrom, FIRST_YEAR, isoWeek, LAST_DAY, LAST_YEAR, monthLength, packedDate, shapeOf, SHAPES } from './civil.ts'

type DateField = Extract<FieldName, 'year' | 'month' | 'day' | 'week' | 'day_of_week'>

/** The dates that match a schedule. The months and days that match are found once for each shape of a year, then kept. */
export interface Dates {
  every: boolean
  years: Part[]
  /** The days (bit 0 is the 1st) of a month (0 to 11) in a year of a shape. */
  daysIn: (shape: number, month: number) => number
  /** Bits of the months that have a day at all, by shape; -1 is not known yet. */
  months: Int16Array
  /** Bits of the days, by shape and month; -1 is not known yet. */
  days: Int32Array
  monthBits: number
}

const ALL_DAYS = 0x7fff_ffff
const ALL_WEEKDAYS = 127
const ALL_MONTHS = 0x0fff

function bitsOf ({ parts }: Field, base: number): number {
  let bits = 0
  for (const { first, last, step } of parts) for (let value = first; value <= last; value += step) bits |= 1 << value - base
  return bits
}

function weeksOf ({ text, parts }: Field): Set<number> | null {
  if (text === '*') return null
  const weeks = new Set<number>()
  for (const { first, last, step } of parts) for (let value = first; value <= last; value += step) weeks.add(value)
  return weeks
}

const highest = (bits: number) => 31 - Math.clz32(bits)
const lowest = (bits: number) => 31 - Math.clz32(bits & -bits)

function nthBit ({ place, weekday }: Nth, first: number, length: number): number {
  const start = (weekday - first + 7) % 7
  const day = start + 7 * (place === 6 ? Math.trunc((length - 1 - start) / 7) : place - 1)
  return day < length ? 1 << day : 0
}

function weekdayBits (weekdays: number, first: number): number {
  let bits = 0
  for (let day = 0; day < 31; day++) if (weekdays >> ((first + day) % 7) & 1) bits |= 1 << day
  return bits
}

function weekBits (weeks: Set<number>, shape: number, month: number): number {
  let bits = 0
  for (let day = 0; day < monthLength(shape, month); day++) if (weeks.has(isoWeek(shape, daysBefore(shape, month) + day))) bits |= 1 << day
  return bits
}

/** The dates of five fields; `either` says that a day matches by day or by day_of_week when neither is a bare `*`. */
export function datesOf (fields: Record<DateField, Field>, { either }: { either: boolean }): Dates {
  const plain = bitsOf(fields.day, 1)
  const weekdays = bitsOf(fields.day_of_week, 0)
  const weeks = weeksOf(fields.week)
  const or = either && fields.day.text !== '*' && fields.day_of_week.text !== '*'
  const monthBits = bitsOf(fields.month, 1)
  const years = fields.year.parts
  const anyYear = years.some(({ first, last, step }) => first === FIRST_YEAR && last === LAST_YEAR && step === 1)
  const anyDay = or ? plain === ALL_DAYS || weekdays === ALL_WEEKDAYS : plain === ALL_DAYS && weekdays === ALL_WEEKDAYS

  function daysIn (shape: number, month: number): number {
    const length = monthLength(shape, month)
    const first = (shape % 7 + daysBefore(shape, month)) % 7
    const last = fields.day.lastDay ? 1 << (length - 1) : 0
    const byDay = fields.day.nth.reduce((bits, nth) => bits | nthBit(nth, first, length), plain | last)
    const byWeekday = weekdayBits(weekdays, first)
    const bits = or ? byDay | byWeekday : byDay & byWeekday
    return bits & (weeks === null ? ALL_DAYS : weekBits(weeks, shape, month)) & (ALL_DAYS >>> (31 - length))
  }

  return {
    every: anyYear && weeks === null && anyDay && monthBits === ALL_MONTHS,
    years,
    daysIn,
    months: new Int16Array(SHAPES).fill(-1),
    days: new Int32Array(SHAPES * 12).fill(-1),
    monthBits
  }
}

function daysOf (dates: Dates, shape: number, month: number): number {
  const known = dates.days[shape * 12 + month]!
  return known >= 0 ? known : dates.days[shape * 12 + month] = dates.daysIn(shape, month)
}

function monthsOf (dates: Dates, shape: number): number {
  const known = dates.months[shape]!
  if (known >= 0) return known
  let bits = 0
  for (let month = 0; month < 12; month++) if (dates.monthBits >> month & 1 && daysOf(dates, shape, month) > 0) bits |= 1 << month
  return dates.months[shape] = bits
}

// 400 years hold every shape, in the same order again and again: after 400 members a part has shown all that it has.
const CYCLE = 400

const isMember = ({ years }: Dates, year: number) => years.some(({ first, last, step }) => year >= first && year <= last && (year - first) % step === 0)

/** The first year from one on that has a matching day; past the last year when there is none. */
function yearUp (dates: Dates, from: number): number {
  let best = LAST_YEAR + 1
  for (const { first, last, step } of dates.years) {
    const start = from <= first ? first : first + Math.ceil((from - first) / step) * step
    const end = Math.min(last, best - 1, start + step * CYCLE)
    for (let year = start; year <= end; year += step) {
      if (monthsOf(dates, shapeOf(year)) === 0) continue
      best = year
      break
    }
  }
  return best
}

/** The last year up to one that has a matching day; -1 when there is none. */
function yearDown (dates: Dates, from: number): number {
  let best = -1
  for (const { first, last, step } of dates.years) {
    const start = first + Math.floor((Math.min(from, last) - first) / step) * step
    const end = Math.max(first, best + 1, start - step * CYCLE)
    for (let year = start; year >= end; year -= step) {
      if (monthsOf(dates, shapeOf(year)) === 0) continue
      best = year
      break
    }
  }
  return best
}

/** The first matching day number at or after one; -1 when there is none. */
export function dayUp (dates: Dates, day: number): number {
  if (day > LAST_DAY) return -1
  if (dates.every) return day
  const date = packedDate(day)
  const year = date >> 9
  const dayOfMonth = date & 31
  if (isMember(dates, year)) {
    const shape = shapeOf(year)
    const month = (date >> 5 & 15) - 1
    const months = monthsOf(dates, shape)
    const rest = months >> month & 1 ? daysOf(dates, shape, month) & -1 << dayOfMonth - 1 : 0
    if (rest !== 0) return day - dayOfMonth + 1 + lowest(rest)
    const later = months & -2 << month
    if (later !== 0) return firstIn(dates, { year, shape, month: lowest(later) })
  }
  const next = yearUp(dates, year + 1)
  if (next > LAST_YEAR) return -1
  const shape = shapeOf(next)
  return firstIn(dates, { year: next, shape, month: lowest(monthsOf(dates, shape)) })
}

/** The last matching day number at or before one; -1 when there is none. */
export function dayDown (dates: Dates, from: number): number {
  const day = Math.min(from, LAST_DAY)
  if (day < 0 || dates.every) return Math.max(day, -1)
  const date = packedDate(day)
  const year = date >> 9
  const dayOfMonth = date & 31
  if (isMember(dates, year)) {
    const shape = shapeOf(year)
    const month = (date >> 5 & 15) - 1
    const months = monthsOf(dates, shape)
    const rest = months >> month & 1 ? daysOf(dates, shape, month) & ALL_DAYS >>> 31 - dayOfMonth : 0
    if (rest !== 0) return day - dayOfMonth + 1 + highest(rest)
    const earlier = months & (1 << month) - 1
    if (earlier !== 0) return lastIn(dates, { year, shape, month: highest(earlier) })
  }
  const previous = yearDown(dates, year - 1)
  if (previous < 0) return -1
  const shape = shapeOf(previous)
  return lastIn(dates, { year: previous, shape, month: highest(monthsOf(dates, shape)) })
}

interface Month { year: number, shape: number, month: number }

const firstIn = (dates: Dates, { year, shape, month }: Month) => daysFrom(year, month + 1, 1) + lowest(daysOf(dates, shape, month))
const lastIn = (dates: Dates, { year, shape, month }: Month) => daysFrom(year, month + 1, 1) + highest(daysOf(dates, shape, month))
