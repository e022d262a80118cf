import type { Bound } from './bound-messages.ts'
import { milliseconds } from '../base/duration.ts'

/** The bound keywords of a setting's schema. `configured`: its bound, true for `fixed`. `configured_or`: a value that
 *  is always accepted. `configured_when`: the bound applies only when one of these settings is configured.
 *  `configured_in`: the settings that name its folders, instead of itself. `configured_with`: the setting that must be
 *  equally far below its folder. `uploads`: uploaded files are accepted too. */
export interface Words {
  configured?: Bound | true
  configured_or?: unknown
  configured_when?: string[]
  configured_in?: string[]
  configured_with?: string
  uploads?: boolean
  title?: string
}

export type Plain = Record<string, unknown>
export type Node = Words & { properties?: Record<string, Node>, configured?: unknown }

/** The path relative to a folder, or null when it is not below it. */
export type Below = (folder: string, path: string) => string | null

export const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const listOf = (value: unknown): unknown[] => Array.isArray(value) ? value : value === undefined ? [] : [value]

/** The folders in which the path of a setting may lie. */
export const foldersOf = (name: string, { configured_in: names = [name] }: Words, configured: Plain): string[] =>
  names.flatMap(one => listOf(configured[one])).filter(folder =>
    typeof folder === 'string' && folder !== ''
  ) as string[]

// Sizes are only compared with each other, and the values of one setting have units of the same kind.
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

export interface Check {
  name: string
  words: Words
  value: unknown
  configured: Plain
  payload: Plain
  uploads: string
  below: Below
}

/** The path relative to each of the folders that contain it. */
export const restsOf = ({ name, words, value, configured, below }: Check): string[] =>
  typeof value === 'string'
    ? foldersOf(name, words, configured).map(folder => below(folder, value)).filter(rest => rest !== null)
    : []

export const isSent = ({ words, value, uploads, below }: Check): boolean =>
  words.uploads === true && typeof value === 'string' && (below(uploads, value) ?? '') !== ''

const isWithin = (check: Check): boolean => isSent(check) || restsOf(check).length > 0

/** True for a list that contains another one in order, with no additional pattern that begins with `!`. */
function isLonger (list: readonly unknown[], configured: readonly unknown[]): boolean {
  let next = 0
  for (const one of list) {
    if (next < configured.length && one === configured[next]) next++
    else if (typeof one === 'string' && one.trimStart().startsWith('!')) return false
  }
  return next === configured.length
}

const ANY = ['**', '**/*']

export const FITS: Record<Bound, (check: Check) => boolean> = {
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
