import cronstrue from 'cronstrue'
import type { Args } from './args.ts'
import type { Field, FieldName, Nth } from './field.ts'
import type { TriggerSpec } from './spec.ts'
import { argsOf, boundsOf, given, jitterOf, pointerTo, zoneFor } from './args.ts'
import { CRON_ARGS, CRONTAB_ARGS, expressionOf, fieldTexts, readField } from './compile.ts'
import { crontabFields, crontabWords, kindOf } from './crontab.ts'
import { WEEKDAYS } from './field.ts'
import { readInstant } from './instant.ts'
import { INTERVAL_ARGS, intervalSeconds } from './interval.ts'
import { DATE_ARGS } from './once.ts'

const PLACES = ['', 'first', 'second', 'third', 'fourth', 'fifth', 'last']
const LONG_WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const UNITS: [string, number][] = [['week', 604_800], ['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]]

const amount = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`

function spanInWords (total: number): string {
  const parts: string[] = []
  let rest = total
  for (const [unit, length] of UNITS) {
    const count = unit === 'second' ? Math.round(rest * 1000) / 1000 : Math.floor(rest / length)
    // A week counts as such only when nothing else is left: '9 days' says more than '1 week 2 days'.
    if (count === 0 || (unit === 'week' && rest % length !== 0)) continue
    parts.push(amount(count, unit))
    rest -= count * length
  }
  return parts.join(' ')
}

function everyInWords (total: number): string {
  const words = spanInWords(total)
  return `every ${words.startsWith('1 ') && !words.slice(2).includes(' ') ? words.slice(2) : words}`
}

const nthInWords = ({ place, weekday }: Nth) => `the ${PLACES[place]} ${LONG_WEEKDAYS[weekday]}`

function daysInWords ({ parts, lastDay, nth }: Field): string {
  const days = parts.map(({ first, last, step }) =>
    first === last ? `day ${first}` : `days ${first} to ${last}${step > 1 ? ` by ${step}` : ''}`
  )
  return `on ${[...days, ...nth.map(nthInWords), ...lastDay ? ['the last day'] : []].join(' or ')} of the month`
}

function weekdayNames ({ text, parts }: Field): string {
  if (text === '*') return '*'
  const has = (day: number) =>
    parts.some(({ first, last, step }) => day >= first && day <= last && (day - first) % step === 0)
  const days = WEEKDAYS.keys().filter(has).toArray()
  const [first, last] = [days[0]!, days.at(-1)!]
  return days.length > 2 && last - first === days.length - 1
    ? `${WEEKDAYS[first]}-${WEEKDAYS[last]}`
    : days.map(day => WEEKDAYS[day]).join(',')
}

/** A cache of descriptions: cronstrue is slow, and many tasks share their hours. */
const described = new Map<string, string>()
const MOST_DESCRIBED = 1000

function describe (words: string[]): string {
  const line = words.join(' ')
  const known = described.get(line)
  if (known !== undefined) return known
  if (described.size >= MOST_DESCRIBED) described.clear()
  const text = cronstrue.toString(line, { use24HourTimeFormat: true, logicalAndDayFields: true })
  described.set(line, text)
  return text
}

const describeAlone = (words: string[]) => describe(words).replace(/^Every minute, (?:only )?/, '')
const tight = (text: string) => text.replaceAll(/\s+/g, '')

// cronstrue does not support ISO weeks, nor more than one special day, so these are described here.
function fieldsInWords (args: Args): string {
  const texts = fieldTexts(args)
  const read = (name: FieldName) => readField(name, texts[name])
  const day = read('day')
  const special = day.lastDay || day.nth.length > 0
  const { second, minute, hour, month, year } = texts
  for (const name of ['second', 'minute', 'hour', 'month', 'week', 'year'] as const) read(name)
  const line = [second, minute, hour, special ? '*' : day.text, month, weekdayNames(read('day_of_week')), year].map(
    tight
  )
  const everyDay = [texts.day, month, texts.week, texts.day_of_week, year].every(text => text === '*') &&
    !/[*/]/.test(hour)
  const extras = [special ? daysInWords(day) : '',
    texts.week === '*' ? '' : `in ISO week ${texts.week.replaceAll(/\s*,\s*/g, ', ')}`, everyDay ? 'every day' : '']
  return [describe(line), ...extras].filter(Boolean).join(', ')
}

function crontabInWords (text: string, pointer: string): string {
  const words = crontabWords(text, pointer)
  crontabFields(words, pointer)
  const [day, month, weekday] = words.slice(-3)
  const time = words.slice(0, -3)
  if (day !== '*' && weekday !== '*') {
    const season = month === '*' ? '' : `, ${describe(['*', '*', '*', month!, '*']).replace('Every minute, ', '')}`
    return `${describe([...time, day!, '*', '*'])} or ${describeAlone(['*', '*', '*', '*', weekday!])}${season}`
  }
  const daily = words.slice(-3).every(word => word === '*') && !/[*/]/.test(time.at(-1)!)
  return daily ? `${describe(words)}, every day` : describe(words)
}

function aroundInWords (spec: TriggerSpec, args: Args): string {
  const zone = zoneFor(spec, args)
  boundsOf(args, zone)
  const jitter = jitterOf(args)
  const bounds = [['start_date', 'from'], ['end_date', 'until']] as const
  const parts = bounds.filter(([name]) => given(args, name)).map(([name, word]) =>
    `, ${word} ${momentInWords(args[name])}`
  )
  return parts.join('') + (jitter > 0 ? `, up to ${spanInWords(jitter)} late` : '')
}

const momentInWords = (value: unknown) =>
  (value instanceof Date ? value.toISOString() : String(value)).replace(/(\d)T(\d)/, '$1 $2')
const zoneInWords = (spec: TriggerSpec, args: Args) => {
  const zone = args.timezone ?? spec.timezone
  return zone === undefined ? '' : ` (${zone})`
}

function dateInWords (spec: TriggerSpec): string {
  const args = argsOf(spec, DATE_ARGS)
  if (!given(args, 'run_date')) return 'once, as soon as it is known'
  readInstant(args.run_date, zoneFor(spec, args), pointerTo('run_date'))
  const words = momentInWords(args.run_date)
  const local = !/\d(?:Z|[+-]\d\d:\d\d)$/.test(words)
  return `once at ${words}${/:/.test(words) ? '' : ' 00:00'}${local ? zoneInWords(spec, args) : ''}`
}

/** A trigger in plain English: 'every 15 minutes', 'At 03:00, every day (Europe/Rome)', 'once at 2026-12-25 00:00'.
 *  Throws OFFPEAK_TRIGGER_INVALID. */
export function wordsFor (spec: TriggerSpec): string {
  const kind = kindOf(spec.trigger)
  if (kind === 'date') return dateInWords(spec)
  if (kind === 'interval') {
    const args = argsOf(spec, INTERVAL_ARGS)
    return everyInWords(intervalSeconds(args)) + aroundInWords(spec, args)
  }
  const args = argsOf(spec, kind === 'cron' ? CRON_ARGS : CRONTAB_ARGS)
  const expression = kind === 'cron' ? expressionOf(args) : spec.trigger
  const words = expression === null
    ? fieldsInWords(args)
    : crontabInWords(expression, kind === 'cron' ? pointerTo('expression') : '/trigger')
  return words + zoneInWords(spec, args) + aroundInWords(spec, args)
}
