/** Where a text is no JSON, both counted from 1, and what is wrong there. */
export interface JsonFault {
  line: number
  column: number
  message: string
}

/** Longer texts are not searched for the place when the parser does not tell it. */
const MOST_SEARCHED = 2 ** 20
const PLACE = / (?:in JSON )?at position (\d+)(?: \(line \d+ column \d+\))?$/
const CUT_OFF = /^(?:Unexpected end|Unterminated|No number after)/

function complaintOf (text: string): string | null {
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** True when nothing is wrong with a beginning but that it ends. */
function isSound (beginning: string): boolean {
  const said = complaintOf(beginning)
  return said === null || CUT_OFF.test(said) || Number(PLACE.exec(said)?.[1]) === beginning.length
}

/** The length of the longest beginning that is sound. */
function offsetOf (text: string, said: string): number | null {
  const told = PLACE.exec(said)?.[1]
  if (told !== undefined) return Number(told)
  if (CUT_OFF.test(said)) return text.length
  if (text.length > MOST_SEARCHED) return null
  let [sound, broken] = [0, text.length]
  while (broken - sound > 1) {
    const middle = (sound + broken) >> 1
    if (isSound(text.slice(0, middle))) sound = middle
    else broken = middle
  }
  return sound
}

/** What keeps a text from being JSON; null when it is. Line and column are 0 when the place is not known. */
export function jsonFault (text: string): JsonFault | null {
  const said = complaintOf(text)
  if (said === null) return null
  const message = said.replace(PLACE, '').replace(/^(Unexpected token '.+?'), .*$/s, '$1').replace(
    /^".*" is not valid JSON$/s,
    'Unexpected word'
  ).replace(/ of JSON input$/, '')
  const offset = offsetOf(text, said)
  if (offset === null) return { line: 0, column: 0, message }
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1, message }
}
