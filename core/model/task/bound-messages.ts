import { foundWords, pathOf } from '../base/check.ts'

/** How far a requested payload may differ from the configured one: the values of `configured` in an `input` schema. */
export const BOUNDS = ['fixed', 'within', 'host', 'some', 'globs', 'more', 'at_most', 'at_least'] as const
export type Bound = typeof BOUNDS[number]

/** A value that exceeds its bound. `place`: the key of the bound in config.json. `configured`: the value in force.
 *  `folders`: those allowed for a path. `or`: a value that is always accepted. `uploads`: uploaded files are accepted
 *  too. */
interface Beyond {
  place: string
  name: string
  bound: Bound
  value: unknown
  configured: unknown
  folders: string[]
  or: unknown
  uploads: boolean
}

/** The fault, and a sentence that says what to do. */
interface BoundMessage {
  detail: string
  fix: string
}

/** The key of a setting in config.json, for a JSON pointer of a payload. `settings`: the key of the task. */
export const settingKey = (settings: string, pointer: string): string => [settings, ...pathOf(pointer)].join('.')

const SECRET = /passw|secret|token|api_?key|authorization|cookie|dsn|credential/i
const MOST_CHARACTERS = 200
const MOST_ITEMS = 5

const quoted = (value: unknown): string | null => {
  if (typeof value !== 'string') return typeof value === 'object' && value !== null ? null : String(value)
  return value.length > MOST_CHARACTERS ? `'${value.slice(0, MOST_CHARACTERS)}...'` : `'${value}'`
}

/** A value for an error message, or null when it must not be shown: names that suggest a secret, and URLs, which often
 *  contain a key. */
function shown (name: string, value: unknown): string | null {
  if (SECRET.test(name)) return null
  const items = Array.isArray(value) ? value : [value]
  const words = items.slice(0, MOST_ITEMS).map(one =>
    typeof one === 'string' && one.includes('://') ? null : quoted(one)
  )
  if (items.length === 0 || words.includes(null)) return null
  return words.join(', ') + (items.length > MOST_ITEMS ? ` and ${items.length - MOST_ITEMS} more` : '')
}

const found = (name: string, value: unknown): string =>
  value === undefined ? 'nothing' : shown(name, value) ?? foundWords(value)

const isUnset = ({ bound, configured, folders }: Beyond): boolean =>
  bound === 'within'
    ? folders.length === 0
    : bound === 'some' || bound === 'globs'
    ? [configured ?? []].flat().length === 0
    : bound !== 'more' && configured === undefined

function hostWords (configured: unknown): string {
  const origin = URL.parse(String(configured))?.origin
  return origin === undefined || origin === 'null' ? 'a URL of the host that is configured' : `a URL of ${origin}`
}

/** The expected value and what to do, by bound. `value`: the configured one, null when it must not be shown. */
const MESSAGES: Record<Bound, (value: string | null, one: Beyond) => [expected: string, fix: string]> = {
  fixed: (value, { place, name, or }) => [
    (value ?? 'what is configured') + (or === undefined ? '' : `, or ${foundWords(or)}`),
    `Change ${place} in config.json, or leave '${name}' out of the payload.`
  ],
  within: (_value, { place, name, folders }) => {
    const words = shown(name, folders)
    return [
      words === null ? 'a path in the folder that is configured' : `${words}, or a path below`,
      `Name a folder in ${place} of config.json in which it lies, or ask for a path in ${
        words ?? 'the one that is configured'
      }.`
    ]
  },
  host: (
    _value,
    { place, configured }
  ) => [`${hostWords(configured)}, or of a host in 'allow'`,
    `Change ${place} in config.json, or ask for ${hostWords(configured)}.`],
  some: (value, { place }) => listed('some of', value, place),
  globs: (value, { place }) => listed('some of', value, place),
  more: (value, { place }) => [
    value === null
      ? "the configured patterns, without a further one that begins with '!'"
      : `all of ${value} in this order, without a further one that begins with '!'`,
    `Repeat all of ${place} in the payload and add to it, or change it in config.json.`
  ],
  at_most: (value, { place }) => measured('Raise', `at most ${value ?? 'what is configured'}`, place),
  at_least: (value, { place }) => measured('Lower', `at least ${value ?? 'what is configured'}`, place)
}

const listed = (
  some: string,
  value: string | null,
  place: string
): [string, string] => [`${some} ${value ?? 'those that are configured'}`,
  `Add it to ${place} in config.json, or ask for ${some} ${value ?? 'those in it'}.`]

const measured = (
  verb: string,
  words: string,
  place: string
): [string, string] => [words, `${verb} ${place} in config.json, or ask for ${words}.`]

/** The message about a value that exceeds its bound. */
export function boundMessage (one: Beyond): BoundMessage {
  const { place, name, bound, value, configured, uploads } = one
  const also = uploads ? ', or a file that was sent' : ''
  if (isUnset(one)) {
    const expected = uploads ? ', expected a file that was sent' : ''
    return {
      detail: `is bounded by ${place}, which is not set: found ${found(name, value)}${expected}`,
      fix: `Set ${place} in config.json: the payload of a requested run cannot set it.`
    }
  }
  const [expected, fix] = MESSAGES[bound](shown(name, configured), one)
  return { detail: `is bounded by ${place}: found ${found(name, value)}, expected ${expected}${also}`, fix }
}

const joined = (folder: string, rest: string): string =>
  rest === '' ? folder : `${folder.replace(/[\\/]+$/, '')}/${rest}`

/** One of two paths that must be equally far below their folders. `rest`: its path below the folder; null: unknown. */
export interface Half {
  name: string
  value: unknown
  folder: unknown
  rest: string | null
  isMoved: boolean
}

/** The message about two paths that are not equally far below their folders. It blames a path that the payload sets. */
export function apartWords (blamed: Half, other: Half): BoundMessage {
  const fits = (one: Half, far: Half) =>
    typeof one.folder === 'string' && far.rest !== null
      ? `'${joined(one.folder, far.rest)}'`
      : 'one as far below its folder'
  const words = `found ${found(blamed.name, blamed.value)}`
  if (!other.isMoved) {
    const theirs = fits(other, blamed)
    return {
      detail: `${words}, while '${other.name}' stays ${
        found(other.name, other.value)
      }: the two move down together, expected '${other.name}' to be ${theirs}`,
      fix: `Ask for ${other.name} ${theirs} too, or leave '${blamed.name}' out of the payload.`
    }
  }
  const own = fits(blamed, other)
  return {
    detail: `${words} beside '${other.name}' ${
      found(other.name, other.value)
    }: the two move down together, expected ${own}`,
    fix: `Ask for ${blamed.name} ${own}, or leave both out of the payload.`
  }
}
