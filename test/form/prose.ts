/** A piece of a source file that people read: a comment, or the text of a string. `line`: of its first character. */
export interface Prose {
  line: number
  text: string
}

/** What may stand before a regular expression; before anything else `/` divides. */
const BEFORE_REGEX = /(?:^|[=(,:[!&|?{};\n]|=>|\breturn|\bcase|\bof|\bin)\s*$/

// In this order: comments, strings, the parts of a template, braces, regular expressions.
const TOKEN = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|[`{}]|\//g
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y
const TEMPLATE = /(?:\\[\s\S]|\$(?!\{)|[^`$\\])*/y

/** The comments and strings of a TypeScript source, in order. */
export function proseOf (source: string): Prose[] {
  const found: Prose[] = []
  const depths: number[] = []
  let [depth, at] = [0, 0]
  const lineAt = lineCounter(source)
  const take = (start: number, end: number) => found.push({ line: lineAt(start), text: source.slice(start, end) })
  /** Takes a template from `start` to its end or to the expression inside it. */
  const template = (start: number): number => {
    TEMPLATE.lastIndex = start
    const end = start + TEMPLATE.exec(source)![0].length
    take(start, end)
    if (source[end] !== '$') return end + 1
    depths.push(depth)
    return end + 2
  }
  const after = (token: RegExpExecArray): number => {
    const { 0: text, index } = token
    const end = index + text.length
    if (text === '`') return template(end)
    if (text === '{') depth += 1
    else if (text === '}' && depths.at(-1) === depth) {
      depths.pop()
      return template(end)
    } else if (text === '}') depth -= 1
    else if (text === '/') return regexEnd(source, index)
    else take(index, end)
    return end
  }
  for (;;) {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(source)
    if (token === null) return found
    at = after(token)
  }
}

function regexEnd (source: string, index: number): number {
  if (!BEFORE_REGEX.test(source.slice(Math.max(0, index - 40), index))) return index + 1
  REGEX.lastIndex = index
  return index + (REGEX.exec(source)?.[0].length ?? 1)
}

/** Answers the line of positions that only rise. */
function lineCounter (source: string): (position: number) => number {
  let [line, at] = [1, 0]
  return position => {
    for (; at < position; at++) if (source[at] === '\n') line += 1
    return line
  }
}
