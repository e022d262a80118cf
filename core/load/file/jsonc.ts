import { findNodeAtLocation, getNodeValue, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { Node, ParseError } from 'jsonc-parser'
import { pathOf, pointerOf } from '../../model/base/check.ts'
import type { Detail, OffpeakError, Place } from '../../model/errors/errors.ts'
import { configInvalid } from '../../model/errors/config-errors.ts'

const DEEPEST = 64

/** Keys that would change the prototype of an object. */
export const FORBIDDEN_KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype']

/** Parsed JSON with comments and trailing commas: its value, and the place of each part. */
export interface Document {
  value: unknown
  /** The place of a JSON pointer, or of the nearest part above it that exists. */
  placeOf(pointer: string): Place
  /** True if the file contains the value of the pointer. */
  has(pointer: string): boolean
}

const SENTENCES: Record<string, string> = {
  CommaExpected: 'a comma is missing before this',
  ColonExpected: 'a colon is missing after the key',
  ValueExpected: 'a value is missing here',
  PropertyNameExpected: 'a key in double quotes is missing here',
  CloseBraceExpected: 'the file ends before its last }',
  CloseBracketExpected: 'the file ends before a ]',
  EndOfFileExpected: 'there is more after the end of the object',
  UnexpectedEndOfString: 'a string is not closed',
  UnexpectedEndOfComment: 'a comment is not closed',
  InvalidSymbol: 'this is not a JSON value'
}

/** The text without its byte order mark. */
export const withoutMark = (text: string): string => text.charCodeAt(0) === 0xFEFF ? text.slice(1) : text

function lineAt (text: string, offset: number): { line: number, column: number } {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}

/** One error for all faults, with the place of the first. */
export function refusal (
  { what, faults, placeOf }: { what: string, faults: Detail[], placeOf: (pointer: string) => Place }
): OffpeakError {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const message = `${what}: ${[first!.pointer, first!.detail].filter(Boolean).join(' ')}${more}`
  return configInvalid({
    ...placeOf(first!.pointer),
    pointer: first!.pointer,
    message,
    errors: faults,
    fix: 'Correct it and save; a server that runs keeps the last good configuration.'
  })
}

function keyFaults (node: Node, path: string[], depth = 0): Detail[] {
  if (depth > DEEPEST) return [{ pointer: pointerOf(path), detail: `is nested deeper than ${DEEPEST} levels` }]
  if (node.type === 'array') {
    return (node.children ?? []).flatMap((item, index) => keyFaults(item, [...path, String(index)], depth + 1))
  }
  if (node.type !== 'object') return []
  const seen = new Set<string>()
  return (node.children ?? []).flatMap(property => {
    const key = String(property.children![0]!.value)
    const inner = [...path, key]
    const faults = FORBIDDEN_KEYS.includes(key)
      ? [{ pointer: pointerOf(inner), detail: 'is a key that no setting may have' }]
      : []
    if (seen.has(key)) faults.push({ pointer: pointerOf(inner), detail: 'stands twice in the same object' })
    seen.add(key)
    return [...faults, ...(property.children![1] ? keyFaults(property.children![1], inner, depth + 1) : [])]
  })
}

function treeOf (text: string, errors: ParseError[]): Node | undefined {
  try {
    return parseTree(text, errors, { allowTrailingComma: true })
  } catch {
    errors.push({ error: 1, offset: 0, length: 0 })
    return undefined
  }
}

function syntaxRefusal (text: string, file: string, errors: ParseError[]): OffpeakError {
  if (text.trim() === '') {
    return configInvalid({ file, message: `${file} is empty`, fix: 'Write at least {} into it, or remove it.' })
  }
  const faults = errors.map(({ error, offset }) => {
    const { line, column } = lineAt(text, offset)
    const code = printParseErrorCode(error)
    return { pointer: '', detail: `${SENTENCES[code] ?? code} (line ${line}, column ${column})` }
  })
  return refusal({
    what: `${file} cannot be read as JSON`,
    faults,
    placeOf: () => ({ file, ...lineAt(text, errors[0]!.offset) })
  })
}

function descend (tree: Node, path: string[]): Node | undefined {
  return path.reduce<Node | undefined>(
    (node, step) => node && findNodeAtLocation(node, [node.type === 'array' ? Number(step) : step]),
    tree
  )
}

/** Reads JSON with comments, trailing commas and a byte order mark; an empty text is none. Throws
 *  OFFPEAK_CONFIG_INVALID with line and column on anything else, on duplicate keys and on forbidden keys. */
export function readDocument (raw: string, file: string): Document {
  const text = withoutMark(raw)
  const errors: ParseError[] = []
  const tree = treeOf(text, errors)
  if (!tree || errors.length > 0) throw syntaxRefusal(text, file, errors)
  const nodeAt = (path: string[]) => descend(tree, path)
  const placeOf = (pointer: string): Place => {
    let path = pathOf(pointer)
    while (path.length > 0 && !nodeAt(path)) path = path.slice(0, -1)
    const node = nodeAt(path)
    return { file, ...lineAt(text, node?.parent?.type === 'property' ? node.parent.offset : node?.offset ?? 0) }
  }
  const faults = keyFaults(tree, [])
  if (faults.length > 0) throw refusal({ what: file, faults, placeOf })
  return { value: getNodeValue(tree), placeOf, has: pointer => nodeAt(pathOf(pointer)) !== undefined }
}
