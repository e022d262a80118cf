import { triggerInvalid } from '../errors/input-errors.ts'

export type FieldName = 'year' | 'month' | 'day' | 'week' | 'day_of_week' | 'hour' | 'minute' | 'second'

/** Values from `first` to `last`, each `step`. */
export interface Part {
  first: number
  last: number
  step: number
}

/** A weekday (Monday 0) by its place in the month; place 6 is the last one. */
export interface Nth {
  place: number
  weekday: number
}

/** A parsed cron field: a value matches any of its parts, a day also the last day or weekdays by place. `open`: it
 *  contains a `*` or a step. */
export interface Field {
  text: string
  parts: Part[]
  lastDay: boolean
  nth: Nth[]
  open: boolean
  row: Row | null
}

/** For each value the nearest member of a set at or after it, and at or before it; -1 when there is none. */
export interface Row {
  up: Int8Array
  down: Int8Array
  first: number
  last: number
}

/** Where a field stands in a definition, for the error. */
interface Place {
  pointer: string
  field: string
}

/** The syntax of a field: its bounds, its names, of which the first means `base`, and its dialect. */
interface Grammar {
  min: number
  max: number
  names: readonly string[]
  base: number
  dialect: 'fields' | 'crontab'
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] as const
const PLACES = ['1st', '2nd', '3rd', '4th', '5th', 'last']
const SUNDAY_FIRST = ['sun', ...WEEKDAYS.slice(0, 6)]

const plain = (min: number, max: number): Grammar => ({ min, max, names: [], base: 0, dialect: 'fields' })

/** The fields of APScheduler's cron trigger, in its order; weekdays count from Monday 0. */
export const GRAMMARS: Record<FieldName, Grammar> = {
  year: plain(1970, 9999),
  month: { ...plain(1, 12), names: MONTHS, base: 1 },
  day: plain(1, 31),
  week: plain(1, 53),
  day_of_week: { ...plain(0, 6), names: WEEKDAYS },
  hour: plain(0, 23),
  minute: plain(0, 59),
  second: plain(0, 59)
}

const crontab = (name: FieldName): Grammar => ({ ...GRAMMARS[name], dialect: 'crontab' })

/** The fields of a crontab line, crontab(5); weekdays count from Sunday 0 and end with Sunday 7. */
export const CRONTAB_GRAMMARS = {
  second: crontab('second'),
  minute: crontab('minute'),
  hour: crontab('hour'),
  day: crontab('day'),
  month: crontab('month'),
  day_of_week: { min: 0, max: 7, names: SUNDAY_FIRST, base: 0, dialect: 'crontab' }
} as const satisfies Partial<Record<FieldName, Grammar>>

const SHAPE = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/
const DIGITS = /^\d+$/

function wanted ({ min, max, names, dialect }: Grammar, { field }: Place): string {
  const named = names.length > 0 ? ` or ${names[0]} to ${names.at(-1)}` : ''
  const days = field === 'day' && dialect === 'fields' ? ", 'last', '2nd fri', 'last sun'" : ''
  return `${min} to ${max}${named}, as '*', '*/n', 'a', 'a-b', 'a-b/n'${days} or a list of these`
}

function valueOf (word: string, grammar: Grammar, place: Place): number {
  if (DIGITS.test(word)) {
    const value = Number(word)
    if (value >= grammar.min && value <= grammar.max) return value
    throw triggerInvalid({ ...place, found: word, expected: `${grammar.min} to ${grammar.max}` })
  }
  const index = grammar.names.indexOf(word.toLowerCase())
  if (index < 0) throw triggerInvalid({ ...place, found: word, expected: wanted(grammar, place) })
  return index + grammar.base
}

interface StepAsk {
  text: string
  width: number
  dialect: Grammar['dialect']
}

function checkStep (part: Part, { text, width, dialect }: StepAsk, place: Place): Part {
  if (part.step < 1) throw triggerInvalid({ ...place, found: text, expected: 'a step of 1 or more' })
  if (part.step > width) {
    const cron = dialect === 'crontab' ? `; cron takes ${part.first} alone, which is written ${part.first}` : ''
    throw triggerInvalid({ ...place, found: text, expected: `a step no larger than its range (${width})${cron}` })
  }
  return part
}

function checkNames (text: string, words: string[], place: Place): void {
  const numbers = words.filter(word => DIGITS.test(word)).length
  if (numbers === words.length) return
  if (numbers === 0 && !text.includes('/')) return
  throw triggerInvalid({ ...place, found: text, expected: 'names without a step, or numbers' })
}

function rangeOf (text: string, grammar: Grammar, place: Place): Part {
  const found = SHAPE.exec(text)
  if (found === null) throw triggerInvalid({ ...place, found: text, expected: wanted(grammar, place) })
  const [, from, to, by] = found
  const { min, max, dialect } = grammar
  const step = by === undefined ? 1 : Number(by)
  const sundays = dialect === 'crontab' && place.field === 'day_of_week'
  const top = sundays ? 6 : max
  if (from === undefined && by === undefined) return { first: min, last: top, step }
  if (from === undefined) return checkStep({ first: min, last: top, step }, { text, width: max - min, dialect }, place)
  const first = valueOf(from, grammar, place)
  if (dialect === 'fields') checkNames(text, to === undefined ? [from] : [from, to], place)
  // As the end of a range, `sun` is the day after Saturday.
  const ending = sundays && to?.toLowerCase() === 'sun' ? '7' : to
  const last = ending === undefined
    ? (by === undefined ? first : Math.max(first, top))
    : valueOf(ending, grammar, place)
  if (first > last) throw triggerInvalid({ ...place, found: text, expected: 'a range that ascends' })
  if (by === undefined) return { first, last, step }
  const width = dialect === 'crontab' ? max - min : last - first
  return checkStep({ first, last, step }, { text, width, dialect }, place)
}

function nthOf (text: string, place: Place): Nth | null {
  const words = text.toLowerCase().split(/ +/)
  const order = PLACES.indexOf(words[0]!)
  if (order < 0 || words.length !== 2) return null
  const weekday = WEEKDAYS.indexOf(words[1] as typeof WEEKDAYS[number])
  if (weekday < 0) {
    throw triggerInvalid({ ...place, found: text, expected: "a weekday by name, such as '2nd fri' or 'last sun'" })
  }
  return { place: order + 1, weekday }
}

function read (text: string, grammar: Grammar, place: Place): Field {
  const field: Field = { text, parts: [], lastDay: false, nth: [], open: /[*/]/.test(text), row: null }
  const days = place.field === 'day' && grammar.dialect === 'fields'
  for (const item of text.split(',')) {
    const word = item.trim()
    const nth = days ? nthOf(word, place) : null
    if (nth !== null) field.nth.push(nth)
    else if (days && word.toLowerCase() === 'last') field.lastDay = true
    else field.parts.push(rangeOf(word, grammar, place))
  }
  return field
}

const FIELDS_KEPT = 1000
const fields = new Map<Grammar, Map<string, Field>>()

function fieldsOf (grammar: Grammar): Map<string, Field> {
  let known = fields.get(grammar)
  if (known === undefined) fields.set(grammar, known = new Map())
  return known
}

/** Parses one cron field. Throws OFFPEAK_TRIGGER_INVALID with the field and the expected syntax. */
export function parseField (text: string, grammar: Grammar, place: Place): Field {
  const kept = fieldsOf(grammar)
  const known = kept.get(text)
  if (known !== undefined) return known
  const field = read(text, grammar, place)
  if (kept.size >= FIELDS_KEPT) kept.clear()
  kept.set(text, field)
  return field
}
