import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { Settings } from 'typebox/system'
import { OffpeakError } from '../errors/errors.ts'
import { inputInvalid } from '../errors/input-errors.ts'
import type { Detail } from '../errors/errors.ts'
import type { Duration } from './duration.ts'
import { INSTANT_EXPECTED, instantOf } from './instant.ts'
import { milliseconds } from './duration.ts'
import { nearest } from './nearest.ts'

const MOST_FAULTS = 100
/** The last instant of a Date, epoch ms. */
const LAST_INSTANT = 8.64e15

type Plain = Record<string, unknown>
type Node = Plain & { type?: string | string[], title?: string, enum?: unknown[], anyOf?: Node[],
  properties?: Record<string, Node>, items?: Node }

const isObject = (value: unknown): value is Plain => typeof value === 'object' && value !== null

/** One step of a JSON pointer, RFC 6901. */
export const pointerStep = (key: string | number): string =>
  `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The JSON pointer of a path. */
export const pointerOf = (path: readonly (string | number)[]): string => path.map(pointerStep).join('')

/** The path of a JSON pointer. */
export const pathOf = (pointer: string): string[] =>
  pointer.split('/').slice(1).map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))

/** `unknown key 'prot': did you mean 'port'?`, or the known keys when none is close. */
export function unknownWords (key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  if (near !== null) return `unknown key '${key.slice(0, 64)}': did you mean '${near}'?`
  return `unknown key '${key.slice(0, 64)}': known are ${known.join(', ') || 'none'}`
}

/** A value in words for a message, shortened. */
export function foundWords (value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return 'a function'
  if (isObject(value)) return 'an object'
  const text = typeof value === 'string' ? `'${value}'` : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const KINDS: Record<string, string> = {
  string: 'text',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
  number: 'a number',
  integer: 'a whole number'
}

function rangeWords (least: unknown, most: unknown): string {
  if (least !== undefined && most !== undefined) return `${least} to ${most}`
  return least !== undefined ? `at least ${least}` : most !== undefined ? `at most ${most}` : ''
}

function limitWords ({ minimum, maximum, minLength, maxLength, minItems, maxItems, pattern }: Plain): string {
  const range = rangeWords(minimum, maximum)
  const characters = rangeWords(minLength, maxLength)
  const items = rangeWords(minItems, maxItems)
  return [
    range && ` from ${range}`.replace('from at', 'of at'),
    characters && ` of ${characters} characters`,
    items && ` of ${items} items`,
    pattern !== undefined && ` that matches ${String(pattern)}`
  ].filter(Boolean).join('')
}

/** What a schema expects, in words. */
export function expectedWords (schema: Node): string {
  if (schema.title === 'duration') return "seconds as a number, or words such as '15m', '1h 30m', 'PT15M'"
  if (schema.title === 'instant') return INSTANT_EXPECTED
  if (schema.title === 'time zone') return "an IANA time zone such as 'Europe/Rome'"
  if (schema.title === 'argument') return 'text without a null character'
  if (schema.enum) return `one of ${schema.enum.map(foundWords).join(', ')}`
  if (schema.anyOf) return schema.anyOf.map(expectedWords).join(', or ')
  const kinds = [schema.type ?? []].flat()
  return (kinds.map(kind => KINDS[kind]).join(' or ') || 'another value') + limitWords(schema)
}

function at (value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => isObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined,
    value)
}

const nodeAt = (schema: TSchema, schemaPath: string): Node => at(schema, schemaPath.split('/').slice(1)) as Node ?? {}

interface Found {
  keyword: string
  schemaPath: string
  instancePath: string
  params: object
}

function detailOf (schema: TSchema, value: unknown, { keyword, schemaPath, instancePath, params }: Found): Detail[] {
  if (keyword === 'additionalProperties' || /\/anyOf\/\d/.test(schemaPath)) return []
  if (keyword === 'boolean') {
    const parent = nodeAt(schema, schemaPath.replace(/\/additionalProperties$/, ''))
    return [{
      pointer: instancePath,
      detail: unknownWords(pathOf(instancePath).at(-1)!, Object.keys(parent.properties ?? {}))
    }]
  }
  if (keyword === 'required') {
    const { requiredProperties = [] } = params as { requiredProperties?: string[] }
    return requiredProperties.map(key => ({ pointer: instancePath, detail: `'${key}' is missing` }))
  }
  const [node, inner] = [nodeAt(schema, schemaPath), at(value, pathOf(instancePath))]
  if (keyword === 'minProperties') {
    return [{
      pointer: instancePath,
      detail: `found an empty object, expected at least one of ${Object.keys(node.properties ?? {}).join(', ')}`
    }]
  }
  // For an object, report the faults against the object branch of the choice.
  const branch = keyword === 'anyOf' && isObject(inner) && !Array.isArray(inner)
    ? node.anyOf?.find(({ type }) => type === 'object')
    : undefined
  const closer = branch === undefined ? [] : schemaFaults(branch as TSchema, inner)
  if (closer.length > 0) return closer.map(({ pointer, detail }) => ({ pointer: instancePath + pointer, detail }))
  const found = Array.isArray(inner) && keyword.endsWith('Items') ? `a list of ${inner.length}` : foundWords(inner)
  const why = node.why === undefined ? '' : `: ${String(node.why)}`
  return [{
    pointer: instancePath,
    detail: `found ${found}, expected ${expectedWords(node)}${shareWords(node, inner)}${why}`
  }]
}

/** Suggests 0.7 for a share written as 70. */
const shareWords = ({ maximum }: Node, found: unknown): string =>
  maximum === 1 && typeof found === 'number' && found > 1 && found <= 100 ? `; did you mean ${found / 100}?` : ''

function schemaFaults (schema: TSchema, value: unknown): Detail[] {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: MOST_FAULTS })
  try {
    const seen = new Set<string>()
    const details = Errors(schema, value).flatMap(found => detailOf(schema, value, found as Found))
    return details.filter(({ pointer, detail }) => seen.size < seen.add(pointer + detail).size)
  } finally {
    Settings.Set({ maxErrors })
  }
}

const answers = (ask: () => unknown): boolean => {
  try {
    ask()
    return true
  } catch {
    return false
  }
}

type Meaning = (value: unknown, schema: Node) => string | null

const notExpected = (value: unknown, schema: Node): string =>
  `found ${foundWords(value)}, expected ${expectedWords(schema)}`
const unless = (isRight: (value: unknown) => boolean): Meaning => (value, schema) =>
  isRight(value) ? null : notExpected(value, schema)

/** A duration may be too long, or 0 where that is refused. */
const durationFault: Meaning = (value, schema) => {
  try {
    if (milliseconds(value as Duration) > 0 || schema.aboveZero === undefined) return null
    return `found ${foundWords(value)}, expected more than 0: ${String(schema.aboveZero)}`
  } catch (error) {
    const tooLong = typeof value === 'number'
      ? value > 0
      : error instanceof OffpeakError && /ten years/.test(error.message)
    return tooLong
      ? `found ${foundWords(value)}, expected at most ten years: write a shorter duration, or leave it out`
      : notExpected(value, schema)
  }
}

const MEANINGS: Record<string, Meaning> = {
  duration: durationFault,
  argument: unless(value => typeof value !== 'string' || !value.includes('\0')),
  instant: unless(value => instantOf(String(value)) !== null),
  'time zone': unless(value => answers(() => new Temporal.ZonedDateTime(0n, String(value))))
}

const NOTHING = {}
const meaningful = new WeakMap<Node, boolean>()

/** The schemas of the values inside a value of this one. */
const innerOf = (
  { properties = {}, patternProperties = {}, items, anyOf = [] }: Node
): Node[] => [...Object.values(properties), ...Object.values(patternProperties as Record<string, Node>), ...anyOf,
  ...items === undefined ? [] : [items]]

/** True when a title in the schema needs a check of its own; cached, since most schemas need none. */
function hasMeaning (schema: Node): boolean {
  const known = meaningful.get(schema)
  if (known !== undefined) return known
  const has = Object.hasOwn(MEANINGS, schema.title ?? '') || innerOf(schema).some(hasMeaning)
  meaningful.set(schema, has)
  return has
}

/** Faults that a schema can only express by its title: durations, instants and time zones. */
function meaningFaults (schema: Node, value: unknown, pointer: string): Detail[] {
  if (value === undefined || value === null || !hasMeaning(schema)) return []
  const means = MEANINGS[schema.title ?? '']
  if (means) {
    const detail = means(value, schema)
    return detail === null ? [] : [{ pointer, detail }]
  }
  if (!isObject(value)) return []
  if (Array.isArray(value)) {
    return schema.items === undefined
      ? []
      : value.flatMap((item, index) => meaningFaults(schema.items!, item, pointer + pointerStep(index)))
  }
  const pattern = Object.values((schema.patternProperties ?? NOTHING) as Record<string, Node>)[0]
  const faults: Detail[] = []
  for (const key of Object.keys(value)) {
    const node = schema.properties?.[key] ?? pattern
    if (node !== undefined) faults.push(...meaningFaults(node, value[key], pointer + pointerStep(key)))
  }
  return faults
}

/** Every fault of a value with its JSON pointer: what was found and what was expected. `fits`: the compiled schema, if
 *  the caller has one. */
export function faultsOf (
  schema: TSchema,
  value: unknown,
  fits = (one: unknown): boolean => Check(schema, one)
): Detail[] {
  const meanings = meaningFaults(schema as Node, value, '')
  if (fits(value)) return meanings
  const faults = schemaFaults(schema, value)
  const known = new Set(faults.map(fault => fault.pointer))
  return [...faults, ...meanings.filter(fault => !known.has(fault.pointer))]
}

/** Epoch ms of an instant from outside: epoch ms, a Date, or ISO 8601 with a zone. Throws OFFPEAK_INPUT_INVALID with
 *  the pointer. */
export function instantIn (value: unknown, { what, pointer }: { what: string, pointer: string }): number {
  const instant = typeof value === 'string' ? instantOf(value) : value instanceof Date ? value.getTime() : value
  if (typeof instant === 'number' && Math.abs(instant) <= LAST_INSTANT) return instant
  throw inputInvalid({
    what,
    errors: [{ pointer, detail: `found ${foundWords(value)}, expected ${INSTANT_EXPECTED}` }]
  })
}
