import { isDeepStrictEqual } from 'node:util'
import type { TSchema } from 'typebox'
import type { Detail } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import { foundWords, pointerStep } from '../base/check.ts'
import { milliseconds } from '../base/duration.ts'

/** How far the payload of a run may go from what is configured, as the word `configured` of a setting in `input` says it. */
export const BOUNDS = ['fixed', 'within', 'host', 'some', 'globs', 'more', 'at_most', 'at_least'] as const
type Bound = typeof BOUNDS[number]

/** The words of a setting's schema. `configured`: its bound, true for `fixed`; `configured_or`: a value that is always taken; `configured_when`: the
 *  bound counts only when one of these settings is configured; `configured_in`: the settings that name the folders, instead of its own;
 *  `configured_with`: it lies as far below its own folder as that setting does below its; `uploads`: a file that was sent is taken too. */
interface Words {
  configured?: Bound | true
  configured_or?: unknown
  configured_when?: string[]
  configured_in?: string[]
  configured_with?: string
  uploads?: boolean
  title?: string
}

type Plain = Record<string, unknown>
type Node = Words & { properties?: Record<string, Node>, configured?: unknown }

/** What is left of a path below a folder, or null when it is not below it. */
type Below = (folder: string, path: string) => string | null

/** `payload`: what the run would be given. `configured`: the payload of the definition in force. `uploads`: the folder of files that were sent. */
export interface BoundsAsk { input: TSchema, configured: Json, payload: unknown, uploads: string, below: Below }

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): unknown[] => Array.isArray(value) ? value : value === undefined ? [] : [value]

/** The folders that a setting may lie in. */
export const foldersOf = (name: string, { configured_in: names = [name] }: Words, configured: Plain): string[] =>
  names.flatMap(one => listOf(configured[one])).filter(folder => typeof folder === 'string' && folder !== '') as string[]

// Only which is larger counts: the units of one setting are all of the same kind.
const UNITS = ['', 'k', 'm', 'g', 't']
const SIZE = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i

function bytesOf (text: string): number | null {
  const [, count, unit = ''] = SIZE.exec(text) ?? []
  return count === undefined ? null : Number(count) * 1024 ** UNITS.indexOf(unit.toLowerCase())
}

function sizeOf (value: unknown, { title }: Words): number | null {
  if (typeof value === 'number') return title === 'duration' ? value * 1000 : value
  if (typeof value !== 'string') return null
  try {
    return title === 'duration' ? milliseconds(value) : bytesOf(value)
  } catch {
    return null
  }
}

function hostFits (value: unknown, configured: Plain, name: string): boolean {
  const own = URL.parse(String(configured[name]))
  const asked = URL.parse(String(value))
  if (asked === null) return false
  return asked.origin === own?.origin || listOf(configured.allow).some(one => one === asked.host || one === asked.hostname)
}

interface Check { name: string, words: Words, value: unknown, configured: Plain, payload: Plain, uploads: string, below: Below }

function isWithin ({ name, words, value, configured, payload, uploads, below }: Check): boolean {
  if (typeof value !== 'string') return false
  if (words.uploads && (below(uploads, value) ?? '') !== '') return true
  const rests = foldersOf(name, words, configured).map(folder => below(folder, value)).filter(rest => rest !== null)
  const other = words.configured_with
  if (other === undefined) return rests.length > 0
  return typeof configured[other] === 'string' && typeof payload[other] === 'string' && rests.includes(below(configured[other], payload[other])!)
}

/** True for a list with all of another one in its order, and more that takes nothing of it back, as a pattern does that begins with `!`. */
function isLonger (list: readonly unknown[], configured: readonly unknown[]): boolean {
  let next = 0
  for (const one of list) {
    if (next < configured.length && one === configured[next]) next++
    else if (typeof one === 'string' && one.trimStart().startsWith('!')) return false
  }
  return next === configured.length
}

const ANY = ['**', '**/*']

const FITS: Record<Bound, (check: Check) => boolean> = {
  fixed: () => false,
  within: isWithin,
  host: ({ name, value, configured }) => hostFits(value, configured, name),
  some: ({ name, value, configured }) => listOf(value).every(one => listOf(configured[name]).includes(one)),
  globs: ({ name, value, configured }) => Array.isArray(value) && (listOf(configured[name]).some(glob => ANY.includes(glob as string)) || value.every(one => listOf(configured[name]).includes(one))),
  more: ({ name, value, configured }) => Array.isArray(value) && isLonger(value, listOf(configured[name])),
  at_most: ({ name, words, value, configured }) => compare(value, configured[name], words) <= 0,
  at_least: ({ name, words, value, configured }) => compare(value, configured[name], words) >= 0
}

function compare (value: unknown, configured: unknown, words: Words): number {
  const [a, b] = [sizeOf(value, words), sizeOf(configured, words)]
  return a === null || b === null ? Number.NaN : a - b
}

const WORDS: Record<Bound, string> = {
  fixed: 'expected what is configured', within: 'expected a path in the folder that is configured', host: 'expected a URL of the host that is configured, or of one in allow',
  some: 'expected some of those that are configured', globs: 'expected some of those that are configured', more: 'expected all that are configured, and more where wanted',
  at_most: 'expected at most what is configured', at_least: 'expected at least what is configured'
}

function isFree ({ words, value, configured, name }: Check): boolean {
  const { configured_when: when, configured_or: or } = words
  if (isDeepStrictEqual(value, configured[name]) && words.configured_with === undefined) return true
  if (or !== undefined && isDeepStrictEqual(value, or)) return true
  return when !== undefined && when.every(one => configured[one] === undefined)
}

const boundOf = ({ configured }: Words): Bound => configured === true || configured === undefined ? 'fixed' : configured

const isBound = (words: Node): boolean => words.configured !== undefined && !Array.isArray(words.configured)

function faultOf (check: Check, pointer: string): Detail[] {
  const { words, value, configured, name } = check
  const bound = boundOf(words)
  if (isFree(check) || (value !== undefined && FITS[bound](check))) return []
  const also = words.uploads ? ', or a file that was sent' : ''
  const set = configured[name] === undefined && words.configured_in === undefined ? '; nothing is: it is set in config.json, or in the definition' : ''
  return [{ pointer, detail: `is bounded by the configuration of the task: found ${foundWords(value)}, ${WORDS[bound]}${also}${set}` }]
}

interface At { node: Node, configured: unknown, payload: unknown, uploads: string, below: Below, pointer: string }

function faultsAt ({ node, configured, payload, uploads, below, pointer }: At): Detail[] {
  const settings = Object.entries(node.properties ?? {})
  if (settings.length === 0) return []
  const [own, given] = [isPlain(configured) ? configured : {}, isPlain(payload) ? payload : {}]
  return settings.flatMap(([name, words]): Detail[] => {
    const at = pointer + pointerStep(name)
    const [set, value] = [Object.hasOwn(own, name) ? own[name] : undefined, Object.hasOwn(given, name) ? given[name] : undefined]
    if (isBound(words)) return faultOf({ name, words: words as Words, value, configured: own, payload: given, uploads, below }, at)
    return words.properties ? faultsAt({ node: words, configured: set, payload: value, uploads, below, pointer: at }) : []
  })
}

/** Where the payload of a run would reach further than is configured. */
export const boundFaults = ({ input, ...ask }: BoundsAsk): Detail[] =>
  faultsAt({ node: input as Node, ...ask, pointer: '/payload' })

/** The settings that have to be configured before anybody may ask for a run, and are not. */
export function unconfigured (input: TSchema | null, configured: Json): string[] {
  const { configured: needed } = (input ?? {}) as Node
  if (!Array.isArray(needed)) return []
  const own = isPlain(configured) ? configured : {}
  return needed.filter((name): name is string => typeof name === 'string' && listOf(own[name]).length === 0)
}

/** The settings of an object that the configuration bounds, as they are configured: a payload that replaces another one has them all the same. */
export function boundSettings (input: TSchema | null, configured: Json): Plain {
  const { properties = {} } = (input ?? {}) as Node
  if (!isPlain(configured)) return {}
  return Object.fromEntries(Object.entries(configured).filter(([name]) => Object.hasOwn(properties, name) && isBound(properties[name]!)))
}

/** A path of a payload that must lie, wherever links lead, in one of these folders. */
export interface BoundPath { pointer: string, path: string, folders: string[] }

/** The paths of a payload that somebody has said, each with its folders. */
export const boundPaths = ({ input, ...ask }: Omit<BoundsAsk, 'below'>): BoundPath[] => pathsAt({ node: input as Node, ...ask, pointer: '/payload' })

function pathsAt ({ node, configured, payload, uploads, pointer }: Omit<At, 'below'>): BoundPath[] {
  if (!isPlain(payload)) return []
  const own = isPlain(configured) ? configured : {}
  return Object.entries(node.properties ?? {}).flatMap(([name, words]): BoundPath[] => {
    const at = pointer + pointerStep(name)
    const [set, value] = [Object.hasOwn(own, name) ? own[name] : undefined, Object.hasOwn(payload, name) ? payload[name] : undefined]
    if (!isBound(words)) return words.properties ? pathsAt({ node: words, configured: set, payload: value, uploads, pointer: at }) : []
    if (words.configured !== 'within' || typeof value !== 'string' || value === set) return []
    return [{ pointer: at, path: value, folders: [...foldersOf(name, words as Words, own), ...words.uploads ? [uploads] : []] }]
  })
}

const BESIDE = ['configured_or', 'configured_when', 'configured_in', 'configured_with']
/** Keywords of JSON Schema with one schema, a list, or schemas by name; `properties` is the one whose schemas are settings. */
const INNER = ['items', 'additionalItems', 'contains', 'not', 'if', 'then', 'else', 'propertyNames', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'anyOf', 'oneOf', 'allOf', 'prefixItems']
const BY_NAME = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']

type Standing = 'input' | 'setting' | 'elsewhere'

/** What is wrong with the words on bounds that one schema has of its own. */
function ownWordFaults (words: Plain, pointer: string, standing: Standing): Detail[] {
  const { configured } = words
  const said = ['configured', ...BESIDE].find(word => words[word] !== undefined)
  if (said === undefined || (standing === 'input' && said === 'configured' && Array.isArray(configured))) return []
  if (standing === 'input') return [{ pointer: `${pointer}/${said}`, detail: `bounds nothing here: expected it in a setting, below 'properties'; only 'configured' may be a list of settings here` }]
  if (standing === 'elsewhere') return [{ pointer: `${pointer}/${said}`, detail: `bounds nothing here: expected it in a setting itself, reached through 'properties' alone` }]
  if (said !== 'configured') return [{ pointer: `${pointer}/${said}`, detail: `goes with 'configured', which is missing` }]
  if (configured === true || BOUNDS.includes(configured as Bound)) return []
  return [{ pointer: `${pointer}/configured`, detail: `found ${foundWords(configured)}, expected true, or one of ${BOUNDS.join(', ')}` }]
}

/** What is wrong with the words on bounds in an `input` schema. One that is not read would leave open what it seems to bound. */
export function boundWordFaults (schema: unknown, pointer: string, standing: Standing = 'input'): Detail[] {
  if (!isPlain(schema)) return []
  const within = (part: unknown, at: string, name: string): Detail[] => Array.isArray(part)
    ? part.flatMap((one, index) => boundWordFaults(one, `${at}/${index}`, 'elsewhere'))
    : boundWordFaults(part, at, name === 'properties' && standing !== 'elsewhere' ? 'setting' : 'elsewhere')
  return [
    ...ownWordFaults(schema, pointer, standing),
    ...INNER.flatMap(name => within(schema[name], `${pointer}/${name}`, name)),
    ...BY_NAME.flatMap(name => Object.entries(isPlain(schema[name]) ? schema[name] : {}).flatMap(([key, inner]) => within(inner, `${pointer}/${name}${pointerStep(key)}`, name)))
  ]
}
