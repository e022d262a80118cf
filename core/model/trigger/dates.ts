import type { Field, FieldName, Nth, Part } from './field.ts'
import { daysBefore, daysFrom, FIRST_YEAR, isoWeek, LAST_DAY, LAST_YEAR, monthLength, packedDate, shapeOf,
  SHAPES } from './civil.ts'

type DateField = Extract<FieldName, 'year' | 'month' | 'day' | 'week' | 'day_of_week'>

/** The dates that match a schedule. Matching months and days are computed once for each shape of a year. */
export interface Dates {
  every: boolean
  years: Part[]
  rule: Rule
  /** The computed years, by shape. */
  shapes: (Year | undefined)[]
  /** Whether no year of any shape has a matching day; undefined: not computed yet. */
  barren: boolean | undefined
}

/** The fields of a date as bits: of days (bit 0 is the 1st), weekdays (Monday) and months (January). */
interface Rule {
  days: number
  weekdays: number
  months: number
  weeks: Set<number> | null
  lastDay: boolean
  nth: readonly Nth[]
  or: boolean
}

/** The matching days of a year of one shape: bits of the months that have some, and bits of the days of each month. */
interface Year {
  months: number
  days: number[]
}

const ALL_DAYS = 0x7fff_ffff
const ALL_WEEKDAYS = 127
const ALL_MONTHS = 0x0fff

function bitsOf ({ parts }: Field, base: number): number {
  let bits = 0
  for (const { first, last, step } of parts) {
    for (let value = first; value <= last; value += step) bits |= 1 << value - base
  }
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
  for (let day = 0; day < monthLength(shape, month); day++) {
    if (weeks.has(isoWeek(shape, daysBefore(shape, month) + day))) bits |= 1 << day
  }
  return bits
}

function daysIn ({ days, weekdays, weeks, lastDay, nth, or }: Rule, shape: number, month: number): number {
  const length = monthLength(shape, month)
  const first = (shape % 7 + daysBefore(shape, month)) % 7
  let byDay = lastDay ? days | 1 << (length - 1) : days
  for (const one of nth) byDay |= nthBit(one, first, length)
  const byWeekday = weekdays === ALL_WEEKDAYS ? ALL_DAYS : weekdayBits(weekdays, first)
  const bits = or ? byDay | byWeekday : byDay & byWeekday
  return bits & (weeks === null ? ALL_DAYS : weekBits(weeks, shape, month)) & (ALL_DAYS >>> (31 - length))
}

function yearOf (rule: Rule, shape: number): Year {
  const days: number[] = []
  let months = 0
  for (let month = 0; month < 12; month++) {
    days.push(rule.months >> month & 1 ? daysIn(rule, shape, month) : 0)
    if (days[month]! > 0) months |= 1 << month
  }
  return { months, days }
}

/** The dates of five fields. `either`: when neither day nor day_of_week is a bare `*`, either may match. */
export function datesOf (fields: Record<DateField, Field>, { either }: { either: boolean }): Dates {
  const rule: Rule = {
    days: bitsOf(fields.day, 1),
    weekdays: bitsOf(fields.day_of_week, 0),
    months: bitsOf(fields.month, 1),
    weeks: weeksOf(fields.week),
    lastDay: fields.day.lastDay,
    nth: fields.day.nth,
    or: either && fields.day.text !== '*' && fields.day_of_week.text !== '*'
  }
  const { days, weekdays, months, weeks, or } = rule
  const years = fields.year.parts
  const anyYear = years.some(({ first, last, step }) => first === FIRST_YEAR && last === LAST_YEAR && step === 1)
  const anyDay = or ? days === ALL_DAYS || weekdays === ALL_WEEKDAYS : days === ALL_DAYS && weekdays === ALL_WEEKDAYS
  return {
    every: anyYear && weeks === null && anyDay && months === ALL_MONTHS,
    years,
    rule,
    shapes: Array.from({ length: SHAPES }, () => undefined),
    barren: undefined
  }
}

const yearIn = (dates: Dates, shape: number): Year => dates.shapes[shape] ??= yearOf(dates.rule, shape)
const daysOf = (dates: Dates, shape: number, month: number): number => yearIn(dates, shape).days[month]!
const monthsOf = (dates: Dates, shape: number): number => yearIn(dates, shape).months

/** True for dates that never come, such as 31 February; without this check every year would be searched. */
function isBarren (dates: Dates): boolean {
  let shape = dates.barren === undefined ? 0 : SHAPES
  while (shape < SHAPES && monthsOf(dates, shape) === 0) shape++
  return dates.barren ??= shape === SHAPES
}

// Shapes repeat every 400 years, so a part needs no search beyond the year in which its position in the cycle repeats.
const CYCLE = 400

const divisor = (a: number, b: number): number => b === 0 ? a : divisor(b, a % b)
const roundOf = (step: number): number => step === 1 ? CYCLE : step * CYCLE / divisor(CYCLE, step)

const isMember = ({ years }: Dates, year: number) =>
  years.some(({ first, last, step }) => year >= first && year <= last && (year - first) % step === 0)

/** The first year at or after one that has a matching day; LAST_YEAR + 1 when there is none. */
function yearUp (dates: Dates, from: number): number {
  let best = LAST_YEAR + 1
  if (isBarren(dates)) return best
  for (const { first, last, step } of dates.years) {
    const start = from <= first ? first : first + Math.ceil((from - first) / step) * step
    const end = Math.min(last, best - 1, start + roundOf(step))
    for (let year = start; year <= end; year += step) {
      if (monthsOf(dates, shapeOf(year)) === 0) continue
      best = year
      break
    }
  }
  return best
}

/** The last year at or before one that has a matching day; -1 when there is none. */
function yearDown (dates: Dates, from: number): number {
  let best = -1
  if (isBarren(dates)) return best
  for (const { first, last, step } of dates.years) {
    const start = first + Math.floor((Math.min(from, last) - first) / step) * step
    const end = Math.max(first, best + 1, start - roundOf(step))
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

interface Month {
  year: number
  shape: number
  month: number
}

const firstIn = (dates: Dates, { year, shape, month }: Month) =>
  daysFrom(year, month + 1, 1) + lowest(daysOf(dates, shape, month))
const lastIn = (dates: Dates, { year, shape, month }: Month) =>
  daysFrom(year, month + 1, 1) + highest(daysOf(dates, shape, month))
