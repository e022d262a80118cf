import type { Failure } from '../model/run/outcome.ts'

const MOST_CHARACTERS = 1000

/** The parts of a message that vary between alike failures, and their placeholders. Quotes come first: they may contain
 *  the others. */
const FOLDS: [RegExp, string][] = [
  [/(?<!\w)(['"`])(?:(?!\1)[^\n]){0,400}\1(?!\w)/g, "'…'"],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s,;)\]}>]{1,400}/gi, '<url>'],
  [/(?<![\w<])(?:[a-z]:|~|\.{1,2})?[\\/][^\s,:;)\]}>]{1,400}/gi, '<path>'],
  [/\b(?:0x[0-9a-f]{1,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[a-f]{0,64}\d)[0-9a-f]{7,64})\b/gi, '<hex>'],
  [/\d+(?:[.,:]\d+)*/g, '#'],
  [/\s+/g, ' ']
]

/** The message with numbers, hex, quotes, URLs and paths replaced by placeholders. */
export const foldedWords = (message: string): string =>
  FOLDS.reduce((words, [pattern, stand]) => words.replace(pattern, stand), message.slice(0, MOST_CHARACTERS)).trim()

/** FNV-1a, 32 bits, with the given basis. Source: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hash (text: string, basis: number): string {
  let sum = basis
  for (let index = 0; index < text.length; index++) sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193)
  return (sum >>> 0).toString(16).padStart(8, '0')
}

/** A hash of 16 hex characters over name and folded message: equal for failures of one kind. */
export function fingerprintOf ({ name, message }: Pick<Failure, 'name' | 'message'>): string {
  const words = `${name}: ${foldedWords(message)}`
  return hash(words, 0x811c9dc5) + hash(words, 0x2f0b4a27)
}
