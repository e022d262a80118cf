import { Fatal, RetryAfter, Skip } from './outcome.ts'
import { DAY } from '../base/duration.ts'
import { shownJson } from '../base/json.ts'
import type { Failure } from './outcome.ts'

const MOST_MESSAGE = 4000
const MOST_STACK = 8000
const CAUSES = 5
const SHOWN = { bytes: MOST_MESSAGE, depth: 5 }
/** No attempt asks to be tried again later than this. */
const LONGEST_WAIT = 3650 * DAY

const clean = (text: string, limit: number) =>
  text.slice(0, limit).toWellFormed().replaceAll('\u0000', '\uFFFD')

/** Reads one property; a getter that throws is an answer too. */
function read (value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function wordsOf (value: unknown): string {
  try {
    if (typeof value === 'string') return value
    return isObject(value) ? JSON.stringify(shownJson(value, SHOWN)) : String(value)
  } catch {
    return 'a value that cannot be read'
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Anything that can be thrown, as a bounded plain object: circles in the causes are cut, getters that throw are passed
 *  over. */
export function failureOf (thrown: unknown, causes = CAUSES): Failure {
  if (!isObject(thrown)) return { name: 'Error', message: clean(wordsOf(thrown), MOST_MESSAGE) }
  const [name, message, code, stack, cause] = [
    'name', 'message', 'code', 'stack', 'cause'
  ].map(key => read(thrown, key))
  const failure: Failure = {
    name: typeof name === 'string' && name !== '' ? clean(name, 100) : 'Error',
    message: clean(typeof message === 'string' ? message : wordsOf(thrown), MOST_MESSAGE)
  }
  if (typeof code === 'string' || typeof code === 'number') failure.code = clean(String(code), 100)
  if (typeof stack === 'string') failure.stack = clean(stack, MOST_STACK)
  if (cause !== undefined && causes > 0) failure.cause = failureOf(cause, causes - 1)
  return failure
}

/** What a task meant by throwing. `ms`: how long to wait before the next attempt, absent when the backoff decides. */
export interface Thrown { as: 'skip' | 'retry' | 'fatal' | 'error', error: Failure, ms?: number }

const MEANINGS = [[Skip, 'skip'], [RetryAfter, 'retry'], [Fatal, 'fatal']] as const

function meaningOf (thrown: unknown): Thrown['as'] {
  try {
    return MEANINGS.find(([kind]) => thrown instanceof kind)?.[1] ?? 'error'
  } catch {
    // A proxy whose prototype cannot be asked for.
    return 'error'
  }
}

/** Anything that can be thrown, and what it means for the run. Never throws. */
export function thrownOf (thrown: unknown): Thrown {
  const as = meaningOf(thrown)
  const error = failureOf(thrown)
  const ms = as === 'retry' ? read(thrown, 'ms') : undefined
  if (typeof ms !== 'number' || !(ms >= 0)) return { as, error }
  return { as, error, ms: Math.min(Math.ceil(ms), LONGEST_WAIT) }
}
