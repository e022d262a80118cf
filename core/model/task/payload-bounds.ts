import { isDeepStrictEqual } from 'node:util'
import type { TSchema } from 'typebox'
import type { Detail } from '../errors/errors.ts'
import type { Json } from '../json/json.ts'
import type { Bound, Half } from './bound-messages.ts'
import { BOUNDS, apartWords, boundMessage, settingKey } from './bound-messages.ts'
import { foundWords, pointerStep } from '../base/check.ts'
import { milliseconds } from '../base/duration.ts'

/** The words of a setting's schema. `configured`: its bound, true for `fixed`; `configured_or`: a value that is always
 *  taken; `configured_when`: the bound counts only when one of these settings is configured; `configured_in`: the
 *  settings that name the folders, instead of its own; `configured_with`: it lies as far below its own folder as that
 *  setting does below its; `uploads`: a file that was sent is taken too. */
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

/** `task`: its id. `payload`: what the run would be given. `configured`: the payload of the definition in force.
 *  `uploads`: the folder of files that were sent. */
export interface PayloadBoundsAsk {
  task: string
  input: TSchema
  configured: Json
  payload: unknown
  uploads: string
  below: Below
}

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): unknown[] => Array.isArray(value) ? value : value === undefined ? [] : [value]

/** The folders that a setting may lie in. */
export const foldersOf = (name: string, { configured_in: names = [name] }: Words, configured: Plain): string[] =>
  names.flatMap(one => listOf(configured[one])).filter(folder =>
    typeof folder === 'string' && folder !== ''
  ) as string[]

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
  return asked.origin === own?.origin ||
    listOf(configured.allow).some(one => one === asked.host || one === asked.hostname)
}

interface Check {
  name: string
  words: Words
  value: unknown
  configured: Plain
  payload: Plain
  uploads: string
  below: Below
}

/** How far a path lies below each of its folders in which it does. */
const restsOf = ({ name, words, value, configured, below }: Check): string[] =>
  typeof value === 'string'
    ? foldersOf(name, words, configured).map(folder => below(folder, value)).filter(rest => rest !== null)
    : []

const isSent = ({ words, value, uploads, below }: Check): boolean =>
  words.uploads === true && typeof value === 'string' && (below(uploads, value) ?? '') !== ''

const isWithin = (check: Check): boolean => isSent(check) || restsOf(check).length > 0

/** True for a list with all of another one in its order, and more that takes nothing of it back, as a pattern does that
 *  begins with `!`. */
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
  globs: ({ name, value, configured }) =>
    Array.isArray(value) &&
    (listOf(configured[name]).some(glob => ANY.includes(glob as string)) ||
      value.every(one => listOf(configured[name]).includes(one))),
  more: ({ name, value, configured }) => Array.isArray(value) && isLonger(value, listOf(configured[name])),
  at_most: ({ name, words, value, configured }) => compare(value, configured[name], words) <= 0,
  at_least: ({ name, words, value, configured }) => compare(value, configured[name], words) >= 0
}

function compare (value: unknown, configured: unknown, words: Words): number {
  const [a, b] = [sizeOf(value, words), sizeOf(configured, words)]
  return a === null || b === null ? Number.NaN : a - b
}

/** True where no bound counts, or the value is one that is always taken. */
function isExcused ({ words, value, configured }: Check): boolean {
  const { configured_when: when, configured_or: or } = words
  return (or !== undefined && isDeepStrictEqual(value, or)) ||
    (when !== undefined && when.every(one => configured[one] === undefined))
}

const isMoved = ({ value, configured, name }: Check): boolean => !isDeepStrictEqual(value, configured[name])

const boundOf = ({ configured }: Words): Bound => configured === true || configured === undefined ? 'fixed' : configured

const isBound = (words: Node): boolean => words.configured !== undefined && !Array.isArray(words.configured)

type Faults = (check: Check, parent: string) => Detail[]

const faultOf = (task: string): Faults => (check, parent) => {
  const { words, value, configured, name } = check
  const bound = boundOf(words)
  if (!isMoved(check) || isExcused(check) || (value !== undefined && FITS[bound](check))) return []
  const pointer = parent + pointerStep(name)
  const places = (bound === 'within' ? words.configured_in ?? [name] : [name]).map(one =>
    settingKey(task, parent + pointerStep(one))
  )
  const folders = foldersOf(name, words, configured)
  const or = words.configured_or
  return [{
    pointer,
    ...boundMessage({
      place: places.join(' or '),
      name,
      bound,
      value,
      configured: configured[name],
      folders,
      or,
      uploads: words.uploads === true
    })
  }]
}

/** The fault of two paths that do not lie equally far below their folders, each of which is in order for itself. */
const apartOf: Faults = (check, parent) => {
  const { words: { configured_with: partner, ...words }, name, value, configured, payload, below } = check
  if (partner === undefined || isSent(check) || isExcused(check)) return []
  const [from, to] = [configured[partner], payload[partner]]
  const rest = typeof from === 'string' && typeof to === 'string' ? below(from, to) : null
  const other: Half = { name: partner, value: to, folder: from, rest, isMoved: !isDeepStrictEqual(to, from) }
  const rests = restsOf(check)
  const own: Half = {
    name,
    value,
    folder: foldersOf(name, words, configured)[0],
    rest: rests[0] ?? null,
    isMoved: isMoved(check)
  }
  if ((!own.isMoved && !other.isMoved) || (rest !== null && rests.includes(rest))) return []
  const [blamed, stays] = own.isMoved ? [own, other] : [other, own]
  return [{ pointer: parent + pointerStep(blamed.name), ...apartWords(blamed, stays) }]
}

interface At {
  node: Node
  task: string
  configured: unknown
  payload: unknown
  uploads: string
  below: Below
  pointer: string
}

const memberOf = (from: Plain, name: string): unknown => Object.hasOwn(from, name) ? from[name] : undefined

function faultsAt ({ node, task, configured, payload, uploads, below, pointer }: At): Detail[] {
  const settings = Object.entries(node.properties ?? {})
  if (settings.length === 0) return []
  const [own, given] = [isPlain(configured) ? configured : {}, isPlain(payload) ? payload : {}]
  const checks = settings.filter(([, words]) => isBound(words)).map(([name, words]): Check => ({
    name,
    words: words as Words,
    value: memberOf(given, name),
    configured: own,
    payload: given,
    uploads,
    below
  }))
  const faults = new Map(checks.map(check => [check.name, faultOf(task)(check, pointer)]))
  // Of a pair, one that is at fault by itself is told, and that alone.
  const apart = checks.filter(({ name, words }) =>
    [name, words.configured_with ?? ''].every(one => (faults.get(one) ?? []).length === 0)
  )
  return [
    ...[...faults.values()].flat(),
    ...apart.flatMap(check => apartOf(check, pointer)),
    ...settings.filter(([, words]) => !isBound(words) && words.properties).flatMap(([name, inner]) =>
      faultsAt({
        node: inner,
        task,
        configured: memberOf(own, name),
        payload: memberOf(given, name),
        uploads,
        below,
        pointer: pointer + pointerStep(name)
      })
    )
  ]
}

/** Where the payload of a run would reach further than is configured. */
export const boundFaults = ({ input, ...ask }: PayloadBoundsAsk): Detail[] =>
  faultsAt({ node: input as Node, ...ask, pointer: '/payload' })

/** The settings that have to be configured before anybody may ask for a run, and are not. */
export function unconfigured (input: TSchema | null, configured: Json): string[] {
  const { configured: needed } = (input ?? {}) as Node
  if (!Array.isArray(needed)) return []
  const own = isPlain(configured) ? configured : {}
  return needed.filter((name): name is string => typeof name === 'string' && listOf(own[name]).length === 0)
}

/** The settings of an object that the configuration bounds, as they are configured: a payload that replaces another one
 *  has them all the same. */
export function boundSettings (input: TSchema | null, configured: Json): Plain {
  const { properties = {} } = (input ?? {}) as Node
  if (!isPlain(configured)) return {}
  return Object.fromEntries(
    Object.entries(configured).filter(([name]) => Object.hasOwn(properties, name) && isBound(properties[name]!))
  )
}

/** A path of a payload that must lie, wherever links lead, in one of these folders. */
export interface BoundPath {
  pointer: string
  path: string
  folders: string[]
}

/** The paths of a payload that somebody has said, each with its folders. */
export const boundPaths = ({ input, ...ask }: Omit<PayloadBoundsAsk, 'below' | 'task'>): BoundPath[] =>
  pathsAt({ node: input as Node, ...ask, pointer: '/payload' })

function pathsAt ({ node, configured, payload, uploads, pointer }: Omit<At, 'below' | 'task'>): BoundPath[] {
  if (!isPlain(payload)) return []
  const own = isPlain(configured) ? configured : {}
  return Object.entries(node.properties ?? {}).flatMap(([name, words]): BoundPath[] => {
    const at = pointer + pointerStep(name)
    const [set, value] = [memberOf(own, name), memberOf(payload, name)]
    if (!isBound(words)) {
      return words.properties
        ? pathsAt({ node: words, configured: set, payload: value, uploads, pointer: at })
        : []
    }
    if (words.configured !== 'within' || typeof value !== 'string' || value === set) return []
    return [{
      pointer: at,
      path: value,
      folders: [...foldersOf(name, words as Words, own), ...words.uploads ? [uploads] : []]
    }]
  })
}

const BESIDE = ['configured_or', 'configured_when', 'configured_in', 'configured_with']
/** Keywords of JSON Schema with one schema, a list, or schemas by name; `properties` is the one whose schemas are
 *  settings. */
const INNER = ['items', 'additionalItems', 'contains', 'not', 'if', 'then', 'else', 'propertyNames',
  'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'anyOf', 'oneOf', 'allOf', 'prefixItems']
const BY_NAME = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']

type Standing = 'input' | 'setting' | 'elsewhere'

/** What is wrong with the words on bounds that one schema has of its own. */
function ownWordFaults (words: Plain, pointer: string, standing: Standing): Detail[] {
  const { configured } = words
  const said = ['configured', ...BESIDE].find(word => words[word] !== undefined)
  if (said === undefined || (standing === 'input' && said === 'configured' && Array.isArray(configured))) return []
  if (standing === 'input') {
    return [{
      pointer: `${pointer}/${said}`,
      detail:
        `bounds nothing here: expected it in a setting, below 'properties'; only 'configured' may be a list of settings here`
    }]
  }
  if (standing === 'elsewhere') {
    return [{
      pointer: `${pointer}/${said}`,
      detail: `bounds nothing here: expected it in a setting itself, reached through 'properties' alone`
    }]
  }
  if (said !== 'configured') {
    return [{ pointer: `${pointer}/${said}`, detail: `goes with 'configured', which is missing` }]
  }
  if (configured === true || BOUNDS.includes(configured as Bound)) return []
  return [{
    pointer: `${pointer}/configured`,
    detail: `found ${foundWords(configured)}, expected true, or one of ${BOUNDS.join(', ')}`
  }]
}

/** What is wrong with the words on bounds in an `input` schema. One that is not read would leave open what it seems to
 *  bound. */
export function boundWordFaults (schema: unknown, pointer: string, standing: Standing = 'input'): Detail[] {
  if (!isPlain(schema)) return []
  const within = (part: unknown, at: string, name: string): Detail[] =>
    Array.isArray(part)
      ? part.flatMap((one, index) => boundWordFaults(one, `${at}/${index}`, 'elsewhere'))
      : boundWordFaults(part, at, name === 'properties' && standing !== 'elsewhere' ? 'setting' : 'elsewhere')
  return [
    ...ownWordFaults(schema, pointer, standing),
    ...INNER.flatMap(name => within(schema[name], `${pointer}/${name}`, name)),
    ...BY_NAME.flatMap(name =>
      Object.entries(isPlain(schema[name]) ? schema[name] : {}).flatMap(([key, inner]) =>
        within(inner, `${pointer}/${name}${pointerStep(key)}`, name)
      )
    )
  ]
}
