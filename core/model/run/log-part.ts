import { failureOf } from './failure.ts'
import { shownJson } from '../base/json.ts'
import type { Failure } from './outcome.ts'
import type { Json } from '../base/json.ts'

/** An argument of a log call as plain data, bounded. Errors go as their words, `own` are the fields that were added to
 *  one. */
export type LogPart = { plain: Json } | { error: Failure, own?: Json } | { fields: Record<string, LogPart> }

const LIMITS = { bytes: 64 * 1024, depth: 8 }
const MOST_FIELDS = 100

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)

// Of a longer text the beginning is worth more than its length.
const shown = (value: unknown) =>
  shownJson(typeof value === 'string' ? value.slice(0, LIMITS.bytes / 4) : value, LIMITS)

function errorPart (error: Error): LogPart {
  const own = shownJson({ ...error }, LIMITS)
  return isObject(own) && Object.keys(own).length > 0 ? { error: failureOf(error), own } : { error: failureOf(error) }
}

function objectPart (value: object, depth: number): LogPart {
  if (value instanceof Error) return errorPart(value)
  if (depth === 0 || !isPlain(value) || 'toJSON' in value) return { plain: shown(value) }
  const fields = Object.entries(value).slice(0, MOST_FIELDS).filter(([, inner]) => inner !== undefined)
  return { fields: Object.fromEntries(fields.map(([key, inner]) => [key, logPart(inner, depth - 1)])) }
}

/** The argument as plain data. Never throws: what cannot be read is words in its place. */
export function logPart (value: unknown, depth = 1): LogPart {
  if (!isObject(value)) return {
    plain: typeof value === 'symbol' || typeof value === 'function' ? String(value).slice(0, 200) : shown(value)
  }
  try {
    return objectPart(value, depth)
  } catch {
    return { plain: shown(value) }
  }
}

/** The argument that was made plain, for a logger: an error is one again. */
export function logArgument (part: LogPart): unknown {
  if ('plain' in part) return part.plain
  if ('error' in part) return Object.assign(revived(part.error), part.own)
  return Object.fromEntries(Object.entries(part.fields).map(([key, inner]) => [key, logArgument(inner)]))
}

const hidden = (value: unknown): PropertyDescriptor =>
  ({ value, enumerable: false, configurable: true, writable: true })

/** An error with the words of one that was thrown elsewhere. */
export function revived ({ name, message, code, stack, cause }: Failure): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: revived(cause) })
  return dressed(error, { name, code, stack })
}

/** The error under the name, code and stack of another one. */
export function dressed<E extends Error> (error: E, { name, code, stack }: Partial<Failure>): E {
  // Loggers read the kind of an error off its constructor, and only without one off its name.
  if (name !== undefined && error.name !== name) Object.defineProperties(
    error, { name: hidden(name), constructor: hidden(undefined) }
  )
  Object.defineProperty(error, 'stack', hidden(stack))
  return code === undefined ? error : Object.assign(error, { code })
}
