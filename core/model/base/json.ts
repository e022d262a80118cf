/** Plain JSON, as it is stored and sent. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface StoreLimits { bytes: number, depth: number }

export const RESULT_LIMITS: StoreLimits = { bytes: 256 * 1024, depth: 32 }

/** A container that is being looked at, in the one that it lies in. */
interface Seen { value: unknown, depth: number, outer: Seen | null }

// NUL and lone surrogates are legal in JavaScript and refused or changed by databases.
const cleanText = (text: string) => text.isWellFormed() && !text.includes('\u0000') ? text : text.toWellFormed().replaceAll('\u0000', '\uFFFD')

function special (value: unknown): Json | undefined {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'function' || typeof value === 'symbol' || value === undefined) return null
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Error) return { name: cleanText(String(value.name)), message: cleanText(String(value.message)) }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  return undefined
}

function isWithin (value: unknown, seen: Seen | null): boolean {
  for (let one = seen; one !== null; one = one.outer) if (one.value === value) return true
  return false
}

function convert (value: unknown, limits: StoreLimits, seen: Seen | null): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return cleanText(value)
  const known = special(value)
  if (known !== undefined) return known
  if (isWithin(value, seen)) return '[circular]'
  const depth = seen === null ? 0 : seen.depth
  if (depth >= limits.depth) return '[too deep]'
  const inner = { value, depth: depth + 1, outer: seen }
  if (Array.isArray(value)) return value.map(item => convert(item, limits, inner))
  if (value instanceof Map) return [...value].map(pair => convert(pair, limits, inner))
  if (value instanceof Set) return [...value].map(item => convert(item, limits, inner))
  return convertObject(value as object, limits, inner)
}

function convertObject (value: object, limits: StoreLimits, seen: Seen): Json {
  const plain: { [key: string]: Json } = {}
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    // Assigned, this key would set the prototype.
    if (item !== undefined && key !== '__proto__') plain[cleanText(key)] = convert(item, limits, seen)
  }
  return plain
}

/** How many bytes a value takes as JSON. */
const bytesOf = (json: Json): number => Buffer.byteLength(JSON.stringify(json))

/** Any value a task returned as JSON that every keeper stores: circles cut, NUL and lone surrogates replaced,
 *  depth and size bounded. Never throws: what cannot be read is named in place. */
export function storable (value: unknown, limits: StoreLimits = RESULT_LIMITS): Json {
  try {
    const json = convert(value, limits, null)
    if (typeof json !== 'object' && typeof json !== 'string') return json
    const bytes = limits.bytes === Infinity ? 0 : bytesOf(json)
    return bytes <= limits.bytes ? json : { truncated: true, bytes, limit: limits.bytes }
  } catch (error) {
    return { unreadable: cleanText(error instanceof Error ? error.message : 'a value that throws when read') }
  }
}

/** The depth of nested arrays and objects, counted no further than `limit` + 1. */
export function depthOf (value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (limit < 0) return 1
  let deepest = 0
  for (const item of Object.values(value)) {
    deepest = Math.max(deepest, depthOf(item, limit - 1))
    if (deepest > limit) break
  }
  return deepest + 1
}
