/** One character of a pattern: a fixed one, any (`?`), one of a class (`[a-z]`), or any number (`*`). */
type Token =
  | { kind: 'one', text: string }
  | { kind: 'any' }
  | { kind: 'many' }
  | { kind: 'class', not: boolean, ranges: [from: string, to: string][] }

/** A part of a pattern between two slashes. null is `**`, any number of parts. */
export type Segment = { tokens: Token[], text: string } | null

/** The largest number of patterns that one with braces may expand to. */
export const MOST_BRANCHES = 200

/** The index of the brace that closes the one at `from`, and of the commas between them. */
function braceAt (text: string, from: number): { end: number, commas: number[] } | null {
  const commas: number[] = []
  for (let at = from + 1, depth = 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '{') depth++
    else if (text[at] === '}') depth--
    else if (text[at] === ',' && depth === 1) commas.push(at)
    if (depth === 0) return { end: at, commas }
  }
  return null
}

/** Expands `a{b,c}d` to `abd` and `acd`. Returns null when there are too many. A brace without a comma stays. */
export function branchesOf (pattern: string): string[] | null {
  const done: string[] = []
  const open = [{ text: pattern, from: 0 }]
  while (open.length > 0) {
    if (done.length + open.length > MOST_BRANCHES) return null
    const { text, from } = open.pop()!
    let start = from
    while (start < text.length && text[start] !== '{') start += text[start] === '\\' ? 2 : 1
    const brace = start < text.length ? braceAt(text, start) : null
    if (start >= text.length) done.push(text)
    else if (brace === null || brace.commas.length === 0) open.push({ text, from: start + 1 })
    else {
      const cuts = [start, ...brace.commas, brace.end]
      for (const [index, cut] of cuts.slice(0, -1).entries()) {
        open.push({
          text: text.slice(0, start) + text.slice(cut + 1, cuts[index + 1]) + text.slice(brace.end + 1),
          from: start
        })
      }
    }
  }
  return done
}

const CLASSES: Record<string, [string, string][]> = {
  alpha: [['a', 'z'], ['A', 'Z']],
  digit: [['0', '9']],
  alnum: [['a', 'z'], ['A', 'Z'], ['0', '9']],
  lower: [['a', 'z']],
  upper: [['A', 'Z']],
  space: [[' ', ' '], ['\t', '\r']],
  xdigit: [['0', '9'], ['a', 'f'], ['A', 'F']],
  blank: [[' ', ' '], ['\t', '\t']],
  cntrl: [['\0', '\x1f'], ['\x7f', '\x7f']],
  punct: [['!', '/'], [':', '@'], ['[', '`'], ['{', '~']],
  graph: [['!', '~']],
  print: [[' ', '~']],
  word: [['a', 'z'], ['A', 'Z'], ['0', '9'], ['_', '_']]
}

function classAt (chars: string[], from: number): { token: Token, next: number } | null {
  let at = from + 1
  const not = chars[at] === '!' || chars[at] === '^'
  if (not) at++
  const ranges: [string, string][] = []
  for (let first = true; at < chars.length; first = false) {
    if (chars[at] === ']' && !first) return { token: { kind: 'class', not, ranges }, next: at + 1 }
    const named = chars.slice(at, at + 10).join('').match(/^\[:(\w+):\]/)?.[1]
    if (named !== undefined && CLASSES[named] !== undefined) {
      ranges.push(...CLASSES[named])
      at += named.length + 4
      continue
    }
    if (chars[at] === '\\') at++
    const low = chars[at] ?? ''
    const spans = chars[at + 1] === '-' && chars[at + 2] !== undefined && chars[at + 2] !== ']'
    ranges.push([low, spans ? chars[at + 2]! : low])
    at += spans ? 3 : 1
  }
  return null
}

/** Reads an escape: `\xe9` is a byte, any other character after a backslash is itself. */
function escapeAt (chars: string[], at: number): { text: string, next: number } {
  const hex = chars[at + 1] === 'x' ? chars.slice(at + 2, at + 4).join('') : ''
  if (!/^[0-9a-fA-F]{2}$/.test(hex)) return { text: chars[at + 1] ?? '\\', next: at + 2 }
  const byte = Number.parseInt(hex, 16)
  return { text: String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte), next: at + 4 }
}

/** Parses one part of a pattern. */
export function segmentOf (text: string): Segment {
  if (text === '**') return null
  const chars = [...text]
  const tokens: Token[] = []
  for (let at = 0; at < chars.length;) {
    const char = chars[at]!
    const group = char === '[' ? classAt(chars, at) : null
    if (group !== null) {
      tokens.push(group.token)
      at = group.next
    } else if (char === '\\') {
      const escape = escapeAt(chars, at)
      tokens.push({ kind: 'one', text: escape.text })
      at = escape.next
    } else {
      if (char === '*') {
        if (tokens.at(-1)?.kind !== 'many') tokens.push({ kind: 'many' })
      } else tokens.push(char === '?' ? { kind: 'any' } : { kind: 'one', text: char })
      at++
    }
  }
  return { tokens, text }
}

function fits (token: Token, char: string): boolean {
  if (token.kind === 'one') return token.text === char
  if (token.kind === 'class') return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.not
  return true
}

/** True when a name matches one part of a pattern. Backtracks to the last `*` only, so the time is at most the product
 *  of both lengths. */
export function nameFits ({ tokens }: NonNullable<Segment>, name: string): boolean {
  const chars = [...name]
  let [at, token, star, mark] = [0, 0, -1, 0]
  while (at < chars.length) {
    const wanted = tokens[token]
    if (wanted?.kind === 'many') {
      star = token++
      mark = at
    } else if (wanted !== undefined && fits(wanted, chars[at]!)) {
      token++
      at++
    } else if (star >= 0) {
      token = star + 1
      at = ++mark
    } else return false
  }
  while (tokens[token]?.kind === 'many') token++
  return token === tokens.length
}

/** True when the parts of a path match those of a pattern; with `start`, when a path below it could. */
export function pathFits (pattern: readonly Segment[], parts: readonly string[], { part, start = false }: {
  part: (segment: NonNullable<Segment>, name: string) => boolean
  start?: boolean
}): boolean {
  // The positions in the pattern that the parts so far can lead to.
  let places = new Set([0])
  const open = (all: Set<number>) => {
    for (const place of all) if (place < pattern.length && pattern[place] === null) all.add(place + 1)
    return all
  }
  places = open(places)
  for (const name of parts) {
    const next = new Set<number>()
    for (const place of places) {
      const segment = pattern[place]
      if (segment === undefined) continue
      if (segment === null) next.add(place)
      else if (part(segment, name)) next.add(place + 1)
    }
    if (next.size === 0) return false
    places = open(next)
  }
  return start ? [...places].some(place => place < pattern.length) : places.has(pattern.length)
}
