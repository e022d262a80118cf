import { triggerInvalid } from '../errors/input-errors.ts'
import type { Field, FieldName } from './field.ts'
import { CRONTAB_GRAMMARS, GRAMMARS, parseField } from './field.ts'

const ALIASES: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *'
}

const ORDER = ['second', 'minute', 'hour', 'day', 'month', 'day_of_week'] as const

/** The kind of a `trigger`: one of the three kinds, or a crontab string (an @alias, or fields separated by spaces).
 *  Throws OFFPEAK_TRIGGER_INVALID. */
export function kindOf (trigger: unknown): 'cron' | 'interval' | 'date' | 'crontab' {
  if (trigger === 'cron' || trigger === 'interval' || trigger === 'date') return trigger
  if (typeof trigger === 'string' && /^\s*@|\S\s+\S/.test(trigger)) return 'crontab'
  throw triggerInvalid({
    pointer: '/trigger',
    found: trigger,
    expected: "'cron', 'interval', 'date' or a crontab string such as '0 3 * * *'"
  })
}

/** The five or six fields of a crontab string, with an @alias expanded. Throws OFFPEAK_TRIGGER_INVALID for any other
 *  number of fields. */
export function crontabWords (text: string, pointer: string): string[] {
  const trimmed = text.trim()
  if (!trimmed.startsWith('@')) {
    const words = trimmed.split(/\s+/)
    if (words.length === 5 || words.length === 6) return words
    throw triggerInvalid({ pointer, found: text, expected: 'five crontab fields, or six with the seconds first' })
  }
  const spelled = Object.hasOwn(ALIASES, trimmed.toLowerCase()) ? ALIASES[trimmed.toLowerCase()] : undefined
  if (spelled !== undefined) return spelled.split(' ')
  throw triggerInvalid({ pointer, found: text, expected: `one of ${Object.keys(ALIASES).join(', ')}` })
}

// Crontab counts weekdays from Sunday 0 to Sunday 7, our tables from Monday 0.
function fromMonday (field: Field): Field {
  const parts = field.parts.flatMap(({ first, last, step }) => {
    const days = []
    for (let day = first; day <= last; day += step) days.push((day + 6) % 7)
    return days.map(day => ({ first: day, last: day, step: 1 }))
  })
  return { ...field, parts }
}

/** The eight fields of a crontab string; without seconds it fires at second 0. */
export function crontabFields (words: string[], pointer: string): Record<FieldName, Field> {
  const six = words.length === 6 ? words : ['0', ...words]
  const read = (name: typeof ORDER[number]) =>
    parseField(six[ORDER.indexOf(name)]!, CRONTAB_GRAMMARS[name], { pointer, field: name })
  return {
    second: read('second'),
    minute: read('minute'),
    hour: read('hour'),
    day: read('day'),
    month: read('month'),
    day_of_week: fromMonday(read('day_of_week')),
    week: parseField('*', GRAMMARS.week, { pointer, field: 'week' }),
    year: parseField('*', GRAMMARS.year, { pointer, field: 'year' })
  }
}

/** True for a crontab string with two day fields, one of which has a `*` and a step: cron starts it on days that match
 *  both, and here a day that matches either fires. */
export function isReadOtherwise (text: string): boolean {
  const [day = '*', , weekday = '*'] = text.trim().split(/\s+/).slice(-3)
  return !text.trim().startsWith('@') && day !== '*' && weekday !== '*' &&
    [day, weekday].some(one => one.startsWith('*'))
}
