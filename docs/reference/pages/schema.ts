import { code } from './markdown.ts'

/** The parts of a JSON schema that the pages show. */
export interface Node {
  type?: string | string[]
  title?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  anyOf?: Node[]
  items?: Node
  properties?: Record<string, Node>
  patternProperties?: Record<string, Node>
  minimum?: number
  maximum?: number
  required?: string[]
}

const LONGEST = 60

const rangeOf = ({ minimum, maximum }: Node) =>
  minimum === undefined ? '' : maximum === undefined ? `, ${minimum} or more` : `, ${minimum} to ${maximum}`

function plainWords (node: Node): string {
  if (node.title === 'duration' || node.title === 'time zone' || node.title === 'instant') return node.title
  if (node.enum) return node.enum.filter(word => word !== null).map(word => code(String(word))).join(', ')
  if (node.anyOf) return [...new Set(node.anyOf.map(typeWords))].join(' or ')
  if (node.type === 'array') return `list of ${typeWords(node.items ?? {})}`
  return [node.type ?? 'anything'].flat().join(' or ') + rangeOf(node)
}

/** The type of a value in words: `integer, 1 to 1000`, `duration`, a list of allowed values. */
export const typeWords = (node: Node): string => plainWords(node)

/** A default as written in config.json; empty if it is longer than 60 characters. */
export function defaultWords (value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = JSON.stringify(value)
  return text.length > LONGEST || text === '{}' ? '' : code(text)
}

/** One setting: its path below the section, its schema. */
export interface Leaf {
  path: string
  node: Node
}

/** Every setting below a node, in order; groups of settings are flattened. */
export function leavesOf (node: Node, path = ''): Leaf[] {
  const entries = Object.entries(node.properties ?? {})
  if (entries.length === 0) return path === '' ? [] : [{ path, node }]
  return entries.flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`))
}
