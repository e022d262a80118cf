import { types } from 'node:util'
import { cut } from '../json/text.ts'
import { failureOf, wordsOf } from './failure.ts'
import { looseJson } from '../json/json.ts'
import type { Failure } from './outcome.ts'
import type { Json } from '../json/json.ts'

/** An argument of a log call as bounded plain data. `own`: the additional fields of an error. */
export type LogPart = { plain: Json } | { error: Failure, own?: Json } | { fields: Record<string, LogPart> }

/** The limits of one argument or field. */
const LIMITS = { bytes: 16 * 1024, depth: 8 }
/** The limit of all arguments of a call together. */
const MOST_BYTES = 32 * 1024
const MOST_WORDS = 30
const MOST_FIELDS = 100
const MOST_KEY = 200

/** The bytes left for the arguments of a call. */
interface Room {
  left: number
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)

const LEFT_OUT = `[left out: the line has more than ${MOST_BYTES} bytes]`

function take (room: Room, json: Json, bytes: number): Json {
  if (bytes > room.left) return LEFT_OUT
  room.left -= bytes
  return json
}

/** The value as JSON; longer text is cut to what is left. */
function shown (value: unknown, room: Room): Json {
  if (room.left <= 0) return LEFT_OUT
  if (typeof value === 'string') {
    const text = cut(value, Math.min(LIMITS.bytes, room.left))
    return take(room, text, text.length)
  }
  if (typeof value === 'symbol' || typeof value === 'function') return take(room, cut(wordsOf(value), 200), 200)
  const { json, faults: [whole], bytes } = looseJson(value, LIMITS)
  if (json === null && whole?.pointer === '') {
    // Reading it cost as much as the limit, which counts towards the cost of the line.
    room.left -= LIMITS.bytes
    return `[left out: it ${whole.detail}]`
  }
  return take(room, json, bytes)
}

/** The first fields of an object. */
function fieldsOf (value: object): [string, unknown][] {
  const fields: [string, unknown][] = []
  for (const key of Object.keys(value).slice(0, MOST_FIELDS)) {
    const inner = readOf(value, key)
    if (inner !== undefined && key !== '__proto__') fields.push([cut(key, MOST_KEY), inner])
  }
  return fields
}

function readOf (value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return '[unreadable]'
  }
}

function errorPart (error: Error, room: Room): LogPart {
  const own = fieldsOf(error)
  const failure = { error: failureOf(error) }
  room.left -= failure.error.message.length + (failure.error.stack?.length ?? 0)
  return own.length === 0
    ? failure
    : { ...failure, own: Object.fromEntries(own.map(([key, inner]) => [key, shown(inner, room)])) }
}

function objectPart (value: object, depth: number, room: Room): LogPart {
  if (room.left <= 0) return { plain: LEFT_OUT }
  if (value instanceof Error) return errorPart(value, room)
  if (depth === 0 || !isPlain(value) || types.isProxy(value) || 'toJSON' in value) return { plain: shown(value, room) }
  return { fields: Object.fromEntries(fieldsOf(value).map(([key, inner]) => [key, partOf(inner, depth - 1, room)])) }
}

function partOf (value: unknown, depth: number, room: Room): LogPart {
  if (!isObject(value)) return { plain: shown(value, room) }
  try {
    return objectPart(value, depth, room)
  } catch {
    return { plain: shown(value, room) }
  }
}

/** The arguments of a log call as plain data. Never throws: a placeholder replaces what cannot be read or exceeds the
 *  limits. */
export function logParts (words: readonly unknown[]): LogPart[] {
  const room = { left: MOST_BYTES }
  return words.slice(0, MOST_WORDS).map(word => partOf(word, 1, room))
}

/** The argument for a logger, with errors restored. */
export function logArgument (part: LogPart): unknown {
  if ('plain' in part) return part.plain
  if ('error' in part) return Object.assign(revived(part.error), part.own)
  return Object.fromEntries(Object.entries(part.fields).map(([key, inner]) => [key, logArgument(inner)]))
}

const hidden = (value: unknown): PropertyDescriptor => ({
  value,
  enumerable: false,
  configurable: true,
  writable: true
})

/** An Error with the fields of a failure from another thread or process. */
export function revived ({ name, message, code, stack, cause }: Failure): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: revived(cause) })
  return dressed(error, { name, code, stack })
}

/** The same error with the given name, code and stack. */
export function dressed<E extends Error> (error: E, { name, code, stack }: Partial<Failure>): E {
  // Loggers take the type of an error from its constructor and only without one from its name.
  if (name !== undefined && error.name !== name) {
    Object.defineProperties(
      error,
      { name: hidden(name), constructor: hidden(undefined) }
    )
  }
  Object.defineProperty(error, 'stack', hidden(stack))
  return code === undefined ? error : Object.assign(error, { code })
}
