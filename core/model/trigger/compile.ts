import { triggerInvalid } from '../errors/input-errors.ts'
import type { Args } from './args.ts'
import type { Calendar } from './calendar.ts'
import type { Field, FieldName } from './field.ts'
import type { Trigger, TriggerSpec } from './spec.ts'
import { argsOf, boundsOf, given, jitterOf, pointerTo, zoneFor } from './args.ts'
import { calendarOf } from './calendar.ts'
import { crontabFields, crontabWords } from './crontab.ts'
import { Cron } from './cron.ts'
import { GRAMMARS, parseField } from './field.ts'

const COMMON_ARGS = ['start_date', 'end_date', 'timezone', 'jitter']
const NAMES = Object.keys(GRAMMARS) as FieldName[]

export const CRON_ARGS = [...NAMES, 'expression', ...COMMON_ARGS]
export const CRONTAB_ARGS = COMMON_ARGS

function textOf (args: Args, name: FieldName): string | undefined {
  const value = args[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number' && Number.isInteger(value)) return String(value)
  throw triggerInvalid({ pointer: pointerTo(name), found: value, expected: 'a whole number or a string' })
}

/** The eight field texts. An absent field is `*` before the last given one and its minimum after it; week and
 *  day_of_week are always `*`. */
export function fieldTexts (args: Args): Record<FieldName, string> {
  const texts: Partial<Record<FieldName, string>> = {}
  let after = NAMES.some(name => given(args, name))
  for (let index = NAMES.length - 1; index >= 0; index--) {
    const name = NAMES[index]!
    const text = textOf(args, name)
    if (text !== undefined) after = false
    texts[name] = text ?? (after && name !== 'week' && name !== 'day_of_week' ? String(GRAMMARS[name].min) : '*')
  }
  return texts as Record<FieldName, string>
}

/** Parses one field of a definition. Throws OFFPEAK_TRIGGER_INVALID. */
export const readField = (name: FieldName, text: string) =>
  parseField(text, GRAMMARS[name], { pointer: pointerTo(name), field: name })

function fromFields (args: Args): Calendar {
  const texts = fieldTexts(args)
  const fields: Partial<Record<FieldName, Field>> = {}
  for (const name of NAMES) fields[name] = readField(name, texts[name])
  return calendarOf(fields as Record<FieldName, Field>, { either: false })
}

const fromCrontab = (text: string, pointer: string): Calendar =>
  calendarOf(crontabFields(crontabWords(text, pointer), pointer), { either: true })

function cronTrigger (calendar: Calendar, spec: TriggerSpec, args: Args): Trigger {
  const zone = zoneFor(spec, args)
  return new Cron({ calendar, zone, bounds: boundsOf(args, zone), jitter: jitterOf(args) })
}

/** The crontab string in `trigger_args.expression`, or null; no field may stand beside it. */
export function expressionOf (args: Args): string | null {
  if (!given(args, 'expression')) return null
  const { expression } = args
  const pointer = pointerTo('expression')
  if (typeof expression !== 'string') throw triggerInvalid({ pointer, found: expression, expected: 'a crontab string' })
  const field = NAMES.find(name => given(args, name))
  if (field !== undefined) {
    throw triggerInvalid({ pointer: pointerTo(field), found: args[field], expected: 'no field beside expression' })
  }
  return expression
}

/** A cron trigger of fields, or of a crontab string under `expression`. */
export function fieldTrigger (spec: TriggerSpec): Trigger {
  const args = argsOf(spec, CRON_ARGS)
  const expression = expressionOf(args)
  return cronTrigger(expression === null ? fromFields(args) : fromCrontab(expression, pointerTo('expression')), spec,
    args)
}

/** A cron trigger whose `trigger` is a crontab string. */
export function crontabTrigger (spec: TriggerSpec): Trigger {
  return cronTrigger(fromCrontab(spec.trigger, '/trigger'), spec, argsOf(spec, CRONTAB_ARGS))
}
