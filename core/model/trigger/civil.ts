export const FIRST_YEAR = 1970
export const LAST_YEAR = 9999

/** The number of shapes of a year, which are made of its length, its first weekday, and whether the previous year was a
 *  leap year. */
export const SHAPES = 21

const BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar; month 1 to 12 (Hinnant, days_from_civil). */
export function daysFrom (year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.trunc((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.trunc(yearOfEra / 4) - Math.trunc(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** The date of a day number from 0 on, packed as year << 9 | month << 5 | day; month 1 to 12 (Hinnant,
 *  civil_from_days). */
export function packedDate (days: number): number {
  const z = days + 719_468
  const era = (z / 146_097) | 0
  const dayOfEra = z - era * 146_097
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0))
  const shifted = ((5 * dayOfYear + 2) / 153) | 0
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return (year << 9) | (month << 5) | (dayOfYear - (((153 * shifted + 2) / 5) | 0) + 1)
}

export const LAST_DAY = daysFrom(LAST_YEAR, 12, 31)

const shapes = new Int8Array(LAST_YEAR + 1).fill(-1)

/** The shape of a year from 1970 on: its first weekday (Monday 0), +7 after a leap year, +14 in a leap year. */
export function shapeOf (year: number): number {
  const known = shapes[year]!
  if (known >= 0) return known
  const past = year - 1
  const weekday = (past + Math.trunc(past / 4) - Math.trunc(past / 100) + Math.trunc(past / 400)) % 7
  const shape = isLeap(year) ? weekday + 14 : isLeap(year - 1) ? weekday + 7 : weekday
  shapes[year] = shape
  return shape
}

/** How many days a month (0 to 11) has in a year of this shape. */
export const monthLength = (shape: number, month: number) => MONTH_DAYS[month]! + (month === 1 && shape >= 14 ? 1 : 0)

/** Days from 1 January to the first of a month (0 to 11) in a year of this shape. */
export const daysBefore = (shape: number, month: number) => BEFORE_MONTH[month]! + (month > 1 && shape >= 14 ? 1 : 0)

/** The ISO 8601 week of a day of the year (0-based) in a year of this shape. */
export function isoWeek (shape: number, dayOfYear: number): number {
  const first = shape % 7
  const weekday = (first + dayOfYear) % 7
  const week = Math.trunc((dayOfYear - weekday + 10) / 7)
  // A year has 53 weeks when it starts on Thursday, or on Wednesday and is leap; so did the year before one that
  // starts on Friday, or on Saturday after a leap year.
  if (week === 0) return first === 4 || (first === 5 && shape >= 7 && shape < 14) ? 53 : 52
  if (week < 53) return week
  return first === 3 || (first === 2 && shape >= 14) ? 53 : 1
}
