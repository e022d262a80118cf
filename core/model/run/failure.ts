import { Fatal, RetryAfter, Skip } from './outcome.ts'
import { DAY } from '../base/duration.ts'
import { cut, isReadable } from '../json/text.ts'
import { ownFrame } from '../errors/own-frame.ts'
import { shownJson } from '../json/json.ts'
import type { Failure } from './outcome.ts'

const MOST_MESSAGE = 4000
const MOST_STACK = 8000
const MOST_PLACE = 300
const CAUSES = 5
/** Formatting a larger BigInt takes long. */
const LARGEST_BIGINT = 10n ** 1000n
const SHOWN = { bytes: MOST_MESSAGE, depth: 5 }
/** The longest wait that `ctx.retryAfter` can request, ms. */
const LONGEST_WAIT = 3650 * DAY

const clean = (text: string, limit: number) => cut(text, limit).toWellFormed().replaceAll('\u0000', '\uFFFD')

/** The value of a property, or undefined when its getter throws. */
function read (value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

/** Any value as text; never throws. */
export function wordsOf (value: unknown): string {
  try {
    if (typeof value === 'string') return value
    if (isObject(value)) return JSON.stringify(shownJson(value, SHOWN))
    if (typeof value === 'bigint' && (value > LARGEST_BIGINT || value < -LARGEST_BIGINT)) {
      return 'a BigInt with more than 1000 digits'
    }
    return typeof value === 'function' ? Function.prototype.toString.call(value) : String(value)
  } catch {
    return 'a value that cannot be read'
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The message and the stack of an error. The stack of an error with a very long message is not read: V8 builds it from
 *  the message at that moment. */
function textsOf (thrown: object): Pick<Failure, 'message' | 'stack'> {
  const message = read(thrown, 'message')
  if (typeof message === 'string' && !isReadable(message)) return { message: clean(message, MOST_MESSAGE) }
  const stack = read(thrown, 'stack')
  return {
    message: clean(typeof message === 'string' ? message : wordsOf(thrown), MOST_MESSAGE),
    ...typeof stack === 'string' && { stack: clean(stack, MOST_STACK) }
  }
}

/** Any thrown value as a bounded plain object, with at most `causes` nested causes. Never throws. */
export function failureOf (thrown: unknown, causes = CAUSES): Failure {
  if (!isObject(thrown)) return { name: 'Error', message: clean(wordsOf(thrown), MOST_MESSAGE) }
  const [name, code, cause] = ['name', 'code', 'cause'].map(key => read(thrown, key))
  const { message, stack } = textsOf(thrown)
  const failure: Failure = { name: typeof name === 'string' && name !== '' ? clean(name, 100) : 'Error', message }
  if (typeof code === 'string' || typeof code === 'number') failure.code = clean(String(code), 100)
  if (stack !== undefined) {
    const at = ownFrame(stack)
    if (at !== undefined) failure.at = clean(at, MOST_PLACE)
    failure.stack = stack
  }
  if (cause !== undefined && causes > 0) failure.cause = failureOf(cause, causes - 1)
  return failure
}

/** A thrown value and its meaning. `ms`: the wait before the next attempt; absent: the backoff decides. */
export interface Thrown {
  as: 'skip' | 'retry' | 'fatal' | 'error'
  error: Failure
  ms?: number
}

const MEANINGS = [[Skip, 'skip'], [RetryAfter, 'retry'], [Fatal, 'fatal']] as const

function meaningOf (thrown: unknown): Thrown['as'] {
  try {
    return MEANINGS.find(([kind]) => thrown instanceof kind)?.[1] ?? 'error'
  } catch {
    // `instanceof` throws for some proxies.
    return 'error'
  }
}

/** Any thrown value with its meaning for the run. Never throws. */
export function thrownOf (thrown: unknown): Thrown {
  const as = meaningOf(thrown)
  const error = failureOf(thrown)
  const ms = as === 'retry' ? read(thrown, 'ms') : undefined
  if (typeof ms !== 'number' || !(ms >= 0)) return { as, error }
  return { as, error, ms: Math.min(Math.ceil(ms), LONGEST_WAIT) }
}
