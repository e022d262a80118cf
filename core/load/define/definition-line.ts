import { pathOf } from '../../model/base/check.ts'
import type { Token } from './tokens.ts'
import { tokensFrom } from './tokens.ts'

const OPEN = '([{'
const CLOSE = ')]}'
/** Larger files are not searched. */
const MOST_TEXT = 1024 * 1024
const COMPUTES = /^[.([`?+\-*/&|<>=!%:]/
/** Words before the name of a member. */
const MODIFIERS = ['async', 'get', 'set', '*']
/** Variables that a value is looked for through. */
const MOST_STEPS = 10

/** A place in the tokens of a file. */
interface Source {
  tokens: readonly Token[]
  at: number
}

const textAt = ({ tokens, at }: Source): string => tokens[at]?.text ?? ''

/** The parts of the list or object that begins at a place, divided by its commas: the first token of each. */
function partsOf ({ tokens, at }: Source): number[] {
  const parts = [at + 1]
  let depth = 0
  for (let here = at; here < tokens.length; here++) {
    const { text, kind } = tokens[here]!
    if (kind !== 'sign') continue
    if (OPEN.includes(text)) depth++
    else if (CLOSE.includes(text) && --depth === 0) {
      return parts.at(-1) === here ? parts.slice(0, -1) : parts
    } else if (text === ',' && depth === 1) parts.push(here + 1)
  }
  return parts
}

const isSpread = (source: Source): boolean => textAt(source) === '.'

const nameOf = ({ text, kind }: Token): string => kind === 'text' ? text.slice(1, -1) : text

/** The value of a member of the object at a place: its key when it has none of its own. Undefined: it is not there. */
function memberOf (source: Source, name: string): Source | undefined {
  const { tokens } = source
  const isNamed = (part: number) => tokens[part] !== undefined && nameOf(tokens[part]) === name
  const at = partsOf(source).map(part =>
    MODIFIERS.includes(tokens[part]?.text ?? '') && isNamed(part + 1) ? part + 1 : part
  )
    .findLast(isNamed)
  if (at === undefined) return undefined
  return { tokens, at: tokens[at + 1]?.text === ':' ? at + 2 : at }
}

/** The element of the list at a place. Undefined behind a spread, whose length is unknown. */
function elementOf (source: Source, index: number): Source | undefined {
  const parts = partsOf(source).slice(0, index + 1).map(at => ({ ...source, at }))
  return parts.some(isSpread) ? undefined : parts[index]
}

/** The value that a variable at the top of the file is given. */
function variable (tokens: readonly Token[], name: string): Source | undefined {
  let depth = 0
  for (const [here, { text, kind }] of tokens.entries()) {
    if (kind === 'sign' && OPEN.includes(text)) depth++
    else if (kind === 'sign' && CLOSE.includes(text)) depth--
    if (depth !== 0 || text !== name || !/^(?:const|let|var)$/.test(tokens[here - 1]?.text ?? '')) continue
    const is = tokens.findIndex(({ text: sign }, at) => at > here && sign === '=' && tokens[at + 1]?.text !== '>')
    return is === -1 ? undefined : { tokens, at: is + 1 }
  }
  return undefined
}

/** The literal that a value leads to, through parentheses and variables. */
function literalAt (source: Source | undefined, steps = MOST_STEPS): Source | undefined {
  if (source === undefined || steps === 0) return undefined
  const { tokens, at } = source
  const token = tokens[at]
  if (token?.text === '(') return literalAt({ tokens, at: at + 1 }, steps - 1)
  // A call, a member or an operator computes the value.
  if (token?.kind !== 'word' || COMPUTES.test(textAt({ tokens, at: at + 1 }))) return source
  return literalAt(variable(tokens, token.text), steps - 1) ?? source
}

/** Where a file exports a name. */
function exported (tokens: readonly Token[], name: string): Source | undefined {
  if (name !== 'default') return variable(tokens, name)
  const at = tokens.findIndex(({ text }, here) => text === 'default' && tokens[here - 1]?.text === 'export')
  return at === -1 ? undefined : { tokens, at: at + 1 }
}

/** The value of a pointer below a value, or the innermost one around it that is written there. */
function below (start: Source, path: readonly string[]): Source {
  let found = start
  for (const key of path) {
    const literal = literalAt(found)
    const open = literal && textAt(literal)
    const next = open === '{' ? memberOf(literal!, key) : open === '[' ? elementOf(literal!, Number(key)) : undefined
    if (next === undefined) return literal ?? found
    found = next
  }
  return found
}

/** The definition with an id; undefined when another one is written there. */
function definitionAt (start: Source, path: readonly string[], id: unknown): Source | undefined {
  let found: Source | undefined = literalAt(start)
  for (const index of path) {
    found = found && textAt(found) === '[' ? literalAt(elementOf(found, Number(index))) : undefined
  }
  if (found === undefined || textAt(found) !== '{') return undefined
  const own = memberOf(found, 'id')
  const written = own?.tokens[own.at]
  return written?.kind === 'text' && nameOf(written) !== id ? undefined : found
}

interface LineAsk {
  /** The text of the file. */
  text: string
  /** That of the definition: `/TASK_DEFINITIONS/0`. */
  pointer: string
  id: unknown
  /** Below the definition. */
  member: string
}

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length

const tokensOf = (text: string): Token[] => text.length > MOST_TEXT ? [] : [...tokensFrom(text)]

/** The line on which a member of a definition is written, or else its definition. Undefined when the file computes
 *  it. */
export function definitionLine ({ text, pointer, id, member }: LineAsk): number | undefined {
  const tokens = tokensOf(text)
  const [name = '', ...path] = pathOf(pointer)
  const start = exported(tokens, name)
  const definition = start && definitionAt(start, path, id)
  if (definition === undefined) return undefined
  const { at } = below(definition, pathOf(member))
  return tokens[at] && lineOf(text, tokens[at].at)
}

/** The line on which a file exports a name. */
export function exportLine (text: string, name: string): number | undefined {
  const found = exported(tokensOf(text), name)
  const token = found?.tokens[found.at]
  return token && lineOf(text, token.at)
}
