/** The most columns of a line. */
export const WIDTH = 120

/** Lines of at most `width` columns; the last one leaves room for `end` more. */
function filled (words: readonly string[], width: number, end = 0): string[] {
  const lines: string[] = []
  let line = ''
  for (const [place, word] of words.entries()) {
    const room = place === words.length - 1 ? width - end : width
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

const isWide = (text: string) => text.split('\n').some(line => line.length > WIDTH)

/** Fills a documentation comment of one paragraph again; one with lists or tables stays as it is. */
function filledBlock (whole: string, indent: string, body: string): string {
  if (!isWide(whole)) return whole
  const lines = body.split('\n').map(line => line.replace(/^ *\* ?/, '').replace(/^ /, ''))
  if (lines.some(line => /^\s*[-*@|]|^ {2}/.test(line))) return whole
  const words = lines.join(' ').trim().split(/\s+/)
  const text = filled(words, WIDTH - indent.length - 4, 3)
  return `${text.map((line, place) => `${indent}${place === 0 ? '/** ' : ' *  '}${line}`).join('\n')} */`
}

function filledLine (line: string): string {
  const [, indent, words] = (isWide(line) && /^( *)\/\/ (.*)$/.exec(line)) || []
  if (indent === undefined) return line
  return filled(words!.split(/\s+/), WIDTH - indent.length - 3).map(text => `${indent}// ${text}`).join('\n')
}

/** The text with its wide comments in lines of at most 120 columns. */
export const wrapped = (text: string): string =>
  text.replace(/^( *)\/\*\* ([\s\S]*?)\*\/$/gm, filledBlock).split('\n').map(filledLine).join('\n')
