/** Crockford base 32, lower case: it sorts like the numbers and has no letter that looks like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const LENGTH = 11
const PER_MS = 4096
/** Six characters hold 30 bits: arithmetic on 32-bit integers is far faster than on 53-bit ones. */
const LOW_LENGTH = 6
const LOW = 2 ** 30
const NONE = 255
const DIGITS = new Uint8Array(128).fill(NONE)
for (let digit = 0; digit < ALPHABET.length; digit++) DIGITS[ALPHABET.charCodeAt(digit)] = digit

function characters (half: number, count: number): string {
  let text = ''
  for (let shift = 5 * (count - 1); shift >= 0; shift -= 5) text += ALPHABET[half >> shift & 31]!
  return text
}

/** The text of a run number: 11 characters that sort by creation. */
export const encodeId = (number: number): string =>
  characters(Math.floor(number / LOW), LENGTH - LOW_LENGTH) + characters(number % LOW, LOW_LENGTH)

/** The number that a part of the id encodes, or -1 when a character is not in the alphabet. */
function numberOf (id: string, from: number, to: number): number {
  let number = 0
  for (let place = from; place < to; place++) {
    const digit = DIGITS[id.charCodeAt(place)] ?? NONE
    if (digit === NONE) return -1
    number = number << 5 | digit
  }
  return number
}

/** The number of a run id, or null when the text is not one. */
export function decodeId (id: string): number | null {
  if (id.length !== LENGTH) return null
  const high = numberOf(id, 0, LENGTH - LOW_LENGTH)
  const low = numberOf(id, LENGTH - LOW_LENGTH, LENGTH)
  const number = high * LOW + low
  return high >= 0 && low >= 0 && Number.isSafeInteger(number) ? number : null
}

/** Between which instants, epoch ms, runs get an id that begins with this text; null: no id does. */
export function prefixTimes (prefix: string): { from: number, to: number } | null {
  const [low, high] = [ALPHABET[0]!, ALPHABET.at(-1)!].map(digit => decodeId(prefix.padEnd(LENGTH, digit)))
  if (low === null || low === undefined) return null
  return { from: Math.floor(low / PER_MS), to: Math.ceil((high ?? Number.MAX_SAFE_INTEGER) / PER_MS) }
}

/** Until when numbers encode the time, epoch ms: with 4,096 per millisecond, 53 bits last a few months longer. */
const LAST_TIME = Date.UTC(2039, 0)

/** The next number after `last` at `now` (epoch ms). It always rises, also when the clock is set back. From 2039 on it
 *  increases by one. */
export const nextNumber = (last: number, now: number): number =>
  Math.max(last + 1, Math.floor(Math.min(now, LAST_TIME)) * PER_MS)
