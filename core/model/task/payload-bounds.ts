import { isDeepStrictEqual } from 'node:util'
import type { TSchema } from 'typebox'
import type { Detail } from '../errors/errors.ts'
import type { Json } from '../json/json.ts'
import type { Bound, Half } from './bound-messages.ts'
import { apartWords, boundMessage, settingKey } from './bound-messages.ts'
import { FITS, foldersOf, isPlain, isSent, listOf, restsOf } from './bound-fits.ts'
import { pointerStep } from '../base/check.ts'
import type { Below, Check, Node, Plain, Words } from './bound-fits.ts'

/** `settings`: the key of its settings, such as `tasks.hello`. `payload`: that of the run. `configured`: the payload of
 *  the definition in force. `uploads`: the folder of uploaded files. */
interface PayloadBoundsAsk {
  settings: string
  input: TSchema
  configured: Json
  payload: unknown
  uploads: string
  below: Below
}

/** True where the bound does not apply, or the value is always accepted. */
function isExcused ({ words, value, configured }: Check): boolean {
  const { configured_when: when, configured_or: or } = words
  return (or !== undefined && isDeepStrictEqual(value, or)) ||
    (when !== undefined && when.every(one => configured[one] === undefined))
}

const isMoved = ({ value, configured, name }: Check): boolean => !isDeepStrictEqual(value, configured[name])

const boundOf = ({ configured }: Words): Bound => configured === true || configured === undefined ? 'fixed' : configured

const isBound = (words: Node): boolean => words.configured !== undefined && !Array.isArray(words.configured)

type Faults = (check: Check, parent: string) => Detail[]

const faultOf = (settings: string): Faults => (check, parent) => {
  const { words, value, configured, name } = check
  const bound = boundOf(words)
  if (!isMoved(check) || isExcused(check) || (value !== undefined && FITS[bound](check))) return []
  const pointer = parent + pointerStep(name)
  const places = (bound === 'within' ? words.configured_in ?? [name] : [name]).map(one =>
    settingKey(settings, parent + pointerStep(one))
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

/** The fault of two paths that are each within bounds but not equally far below their folders. */
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
  settings: string
  configured: unknown
  payload: unknown
  uploads: string
  below: Below
  pointer: string
}

const memberOf = (from: Plain, name: string): unknown => Object.hasOwn(from, name) ? from[name] : undefined

function faultsAt ({ node, settings: key, configured, payload, uploads, below, pointer }: At): Detail[] {
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
  const faults = new Map(checks.map(check => [check.name, faultOf(key)(check, pointer)]))
  // A pair is compared only when neither path has a fault of its own.
  const apart = checks.filter(({ name, words }) =>
    [name, words.configured_with ?? ''].every(one => (faults.get(one) ?? []).length === 0)
  )
  return [
    ...[...faults.values()].flat(),
    ...apart.flatMap(check => apartOf(check, pointer)),
    ...settings.filter(([, words]) => !isBound(words) && words.properties).flatMap(([name, inner]) =>
      faultsAt({
        node: inner,
        settings: key,
        configured: memberOf(own, name),
        payload: memberOf(given, name),
        uploads,
        below,
        pointer: pointer + pointerStep(name)
      })
    )
  ]
}

/** The faults of a payload that exceeds its configured bounds. */
export const boundFaults = ({ input, ...ask }: PayloadBoundsAsk): Detail[] =>
  faultsAt({ node: input as Node, ...ask, pointer: '/payload' })

/** The settings that must be configured before runs can be requested, and are not. */
export function unconfigured (input: TSchema | null, configured: Json): string[] {
  const { configured: needed } = (input ?? {}) as Node
  if (!Array.isArray(needed)) return []
  const own = isPlain(configured) ? configured : {}
  return needed.filter((name): name is string => typeof name === 'string' && listOf(own[name]).length === 0)
}

/** The configured values of the bound settings of a payload; a payload that replaces another one keeps them. */
export function boundSettings (input: TSchema | null, configured: Json): Plain {
  const { properties = {} } = (input ?? {}) as Node
  if (!isPlain(configured)) return {}
  return Object.fromEntries(
    Object.entries(configured).filter(([name]) => Object.hasOwn(properties, name) && isBound(properties[name]!))
  )
}

/** A path in a payload that must lie in one of the folders after links are resolved. */
interface BoundPath {
  pointer: string
  path: string
  folders: string[]
}

/** The paths in a payload that differ from the configuration, each with its folders. */
export const boundPaths = ({ input, ...ask }: Omit<PayloadBoundsAsk, 'below' | 'settings'>): BoundPath[] =>
  pathsAt({ node: input as Node, ...ask, pointer: '/payload' })

function pathsAt ({ node, configured, payload, uploads, pointer }: Omit<At, 'below' | 'settings'>): BoundPath[] {
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
