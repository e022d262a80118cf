/** A token of JavaScript or TypeScript: a word, a number, a literal as a whole, or one character of punctuation. */
export interface Token {
  text: string
  /** Its offset. */
  at: number
  kind: 'word' | 'text' | 'sign'
}

const BLANK = /\s+|\/\/[^\n]*|\/\*[^]*?\*\//y
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200C\u200D]*|\d[\w.]*/uy
const QUOTED = /'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y
/** Words after which a slash begins a regular expression. */
const BEFORE_VALUE = ['return', 'typeof', 'case', 'in', 'of', 'delete', 'void', 'throw', 'new', 'else', 'await',
  'yield']

function matchAt (pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

/** The offset after a template that begins at an offset. */
function templateEnd (text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '`') {
    if (text[at] === '\\') at += 2
    else if (text.startsWith('${', at)) at = blockEnd(text, at + 2)
    else at++
  }
  return at + 1
}

/** The offset after the brace that closes the code at an offset. */
function blockEnd (text: string, from: number): number {
  let depth = 1
  for (const { text: sign, at } of tokensFrom(text, from)) {
    if (sign === '{') depth++
    else if (sign === '}' && --depth === 0) return at + 1
  }
  return text.length
}

const isBeforeValue = (last: Token | undefined): boolean =>
  last === undefined ||
  (last.kind === 'sign' ? !')]}'.includes(last.text) : last.kind === 'word' && BEFORE_VALUE.includes(last.text))

function tokenAt (text: string, at: number, last: Token | undefined): Token {
  const word = matchAt(WORD, text, at)
  if (word !== '') return { text: word, at, kind: 'word' }
  if (text[at] === '`') return { text: text.slice(at, templateEnd(text, at)), at, kind: 'text' }
  const literal = matchAt(QUOTED, text, at) || (isBeforeValue(last) ? matchAt(REGEX, text, at) : '')
  return literal === '' ? { text: text[at]!, at, kind: 'sign' } : { text: literal, at, kind: 'text' }
}

/** The tokens of a source from an offset on, without comments. Faults of syntax are tokens too. */
export function* tokensFrom (text: string, from = 0): Generator<Token> {
  let last: Token | undefined
  for (let at = from; at < text.length;) {
    const blank = matchAt(BLANK, text, at)
    if (blank !== '') {
      at += blank.length
      continue
    }
    last = tokenAt(text, at, last)
    yield last
    at += last.text.length
  }
}
