import { types } from 'node:util'
import { Fatal, Warned } from './outcome.ts'
import { cut } from '../json/text.ts'
import { failureOf } from './failure.ts'
import { looseJson } from '../json/json.ts'
import type { Json, JsonFault } from '../json/json.ts'

const MOST_WORDS = 1000

/** A result as it is stored. `warning`: what the task warned of, and what of the result could not be kept. */
export interface Result {
  result: Json
  warning?: string
}

const nameOf = ({ pointer, detail }: JsonFault) => `${pointer || 'it'} ${detail}`

/** What is missing from the result, in words: it is never something else without a warning. */
function omission ([first, ...others]: readonly JsonFault[]): string {
  if (first!.kind === 'bytes') return `its result was not kept: ${nameOf(first!)}`
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return `its result was not kept as it was: ${nameOf(first!)}${more}`
}

/** True of what `ctx.warn` has made; a proxy that cannot be asked is not. */
function isWarned (value: unknown): value is Warned {
  try {
    return value instanceof Warned
  } catch {
    return false
  }
}

/** What a function has come to; throws when that is a generator, of which nothing has been executed. */
export function executed (value: unknown): unknown {
  if (types.isGeneratorObject(value)) {
    throw new Fatal(
      'The function is a generator, and nothing in it was executed: take the * from it, and await where it yields'
    )
  }
  return value
}

/** What a task has returned, as it is stored. The work is done by then: what cannot be kept is left out with a warning,
 *  and fails nothing. */
export function resultOf (returned: unknown): Result {
  const { message, result } = isWarned(returned) ? returned : { message: null, result: returned }
  const { json, faults } = looseJson(result ?? null)
  const warnings = message === null
    ? []
    : [typeof message === 'string' ? cut(message, MOST_WORDS) : failureOf(message).message]
  if (faults.length > 0) warnings.push(omission(faults))
  return warnings.length === 0
    ? { result: json }
    : { result: json, warning: warnings.join('; ').slice(0, MOST_WORDS).toWellFormed() }
}
