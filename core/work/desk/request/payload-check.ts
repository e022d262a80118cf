import { Compile } from 'typebox/compile'
import { faultsOf } from '../../../model/base/check.ts'
import { within } from '../../../load/define/within.ts'
import type { Detail } from '../../../model/errors/errors.ts'
import type { Json } from '../../../model/json/json.ts'
import type { TSchema } from 'typebox'
import type { Task } from '../../../model/task/task.ts'

type Check = { run: ReturnType<typeof Compile>, isPlain: boolean }

/** The compiled check of each task; null when its schema takes too long to compile. */
const checks = new WeakMap<Task, Check | null>()

/** The time limit of a check: a constant, and an amount for each character of the payload, ms. */
const CHECK_MS = 8
const MS_PER_CHARACTER = 1 / 16_384
const COMPILE_MS = 500

/** Keywords whose check may take more than linear time. */
const COSTLY_WORDS = ['pattern', 'patternProperties', 'propertyNames', 'format', 'uniqueItems', 'contains', '\\$ref',
  '\\$dynamicRef', '\\$recursiveRef', 'oneOf', 'anyOf', 'allOf', 'not', 'if', 'dependentSchemas', 'unevaluated\\w+']
const COSTLY = new RegExp(`"(?:${COSTLY_WORDS.join('|')})":`)

const tooLong = (ms: number): Detail => ({
  pointer: '',
  detail:
    `cannot be checked within ${ms} ms: the input schema of its task has a pattern, reference or list that takes ` +
    'more than linear time'
})

function checkOf (task: Task, input: TSchema): Check | null {
  const known = checks.get(task)
  if (known !== undefined) return known
  const compiled = within(COMPILE_MS, () => Compile(input))
  const check = compiled.isDone ? { run: compiled.value, isPlain: !COSTLY.test(JSON.stringify(input)) } : null
  checks.set(task, check)
  return check
}

/** The faults of a payload against the input schema of its task. The time limit grows linearly with the payload,
 *  whatever the schema. */
export function payloadFaults (task: Task, input: TSchema, payload: Json): Detail[] {
  const check = checkOf(task, input)
  if (check === null) return [tooLong(COMPILE_MS)]
  if (check.isPlain) return check.run.Check(payload) ? [] : faultsOf(input, payload)
  const ms = CHECK_MS + Math.ceil((JSON.stringify(payload)?.length ?? 0) * MS_PER_CHARACTER)
  try {
    const fits = within(ms, () => check.run.Check(payload))
    if (!fits.isDone) return [tooLong(ms)]
    if (fits.value) return []
    const faults = within(ms, () => faultsOf(input, payload))
    return faults.isDone ? faults.value : [{ pointer: '', detail: 'does not fit the input schema of its task' }]
  } catch (error) {
    // Circular references overflow the stack.
    if (!(error instanceof RangeError)) throw error
    return [{ pointer: '', detail: 'cannot be checked: the input schema of its task has circular references' }]
  }
}
