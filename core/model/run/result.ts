import { types } from 'node:util'
import { Fatal, Warned } from './outcome.ts'
import { cut } from '../json/text.ts'
import { failureOf } from './failure.ts'
import { looseJson } from '../json/json.ts'
import type { Json, JsonFault } from '../json/json.ts'

const MOST_WORDS = 1000

/** A result as it is stored. `warning`: that of the task, and which part of the result could not be stored. */
export interface Result {
  result: Json
  warning?: string
}

const nameOf = ({ pointer, detail }: JsonFault) => `${pointer || 'it'} ${detail}`

/** The warning about parts of the result that could not be stored. */
function omission ([first, ...others]: readonly JsonFault[]): string {
  if (first!.kind === 'bytes') return `its result was not kept: ${nameOf(first!)}`
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return `its result was not kept as it was: ${nameOf(first!)}${more}`
}

/** True for a value made by `ctx.warn`; false for a proxy that throws. */
function isWarned (value: unknown): value is Warned {
  try {
    return value instanceof Warned
  } catch {
    return false
  }
}

/** Returns the value of a task's function; throws Fatal for a generator, whose body has not been executed. */
export function executed (value: unknown): unknown {
  if (types.isGeneratorObject(value)) {
    throw new Fatal(
      'The function is a generator and was not executed: remove the * and use await instead of yield'
    )
  }
  return value
}

/** The returned value in its stored form. Parts that cannot be stored are left out with a warning; the run completes
 *  all the same, because its work is done. */
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
