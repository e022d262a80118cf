/** The fault in a text that is not JSON. Line and column count from 1. */
export interface JsonFault {
  line: number
  column: number
  message: string
}

/** Longer texts are not searched for a place that the parser does not report. */
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

/** True when the beginning of a text is valid JSON except that it ends too early. */
function isSound (beginning: string): boolean {
  const error = complaintOf(beginning)
  return error === null || CUT_OFF.test(error) || Number(PLACE.exec(error)?.[1]) === beginning.length
}

/** The length of the longest valid beginning; null when the text is too long to search. */
function offsetOf (text: string, error: string): number | null {
  const place = PLACE.exec(error)?.[1]
  if (place !== undefined) return Number(place)
  if (CUT_OFF.test(error)) return text.length
  if (text.length > MOST_SEARCHED) return null
  let [sound, broken] = [0, text.length]
  while (broken - sound > 1) {
    const middle = (sound + broken) >> 1
    if (isSound(text.slice(0, middle))) sound = middle
    else broken = middle
  }
  return sound
}

/** The fault in a text that is not JSON; null when it is. Line and column are 0 when the place is unknown. */
export function jsonFault (text: string): JsonFault | null {
  const error = complaintOf(text)
  if (error === null) return null
  const message = error.replace(PLACE, '').replace(/^(Unexpected token '.+?'), .*$/s, '$1').replace(
    /^".*" is not valid JSON$/s,
    'Unexpected word'
  ).replace(/ of JSON input$/, '')
  const offset = offsetOf(text, error)
  if (offset === null) return { line: 0, column: 0, message }
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1, message }
}
