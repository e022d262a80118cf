/** Crockford base 32, lower case: sorts as the numbers do and has no letter that reads as a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const LENGTH = 11
const PER_MS = 4096
/** Six characters hold 30 bits: numbers of 32 bits are counted with far sooner than those of 53. */
const LOW_SIGNS = 6
const LOW = 2 ** 30
const NONE = 255
const DIGITS = new Uint8Array(128).fill(NONE)
for (let digit = 0; digit < ALPHABET.length; digit++) DIGITS[ALPHABET.charCodeAt(digit)] = digit

function signs (half: number, count: number): string {
  let text = ''
  for (let shift = 5 * (count - 1); shift >= 0; shift -= 5) text += ALPHABET[half >> shift & 31]!
  return text
}

/** The text of a run number: 11 characters that sort by creation. */
export const encodeId = (number: number): string =>
  signs(Math.floor(number / LOW), LENGTH - LOW_SIGNS) + signs(number % LOW, LOW_SIGNS)

/** The number of some of the characters, or -1. */
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
  const high = numberOf(id, 0, LENGTH - LOW_SIGNS)
  const low = numberOf(id, LENGTH - LOW_SIGNS, LENGTH)
  const number = high * LOW + low
  return high >= 0 && low >= 0 && Number.isSafeInteger(number) ? number : null
}

/** Numbers hold the time up to here, epoch ms: 53 bits have 4,096 a millisecond until a few months later. */
const LAST_TIME = Date.UTC(2039, 0)

/** The next number after `last` at the instant `now` (epoch ms): it only rises, also when the clock does not. From 2039
 *  on, or by a clock that says so, it counts by one. */
export const nextNumber = (last: number, now: number): number =>
  Math.max(last + 1, Math.floor(Math.min(now, LAST_TIME)) * PER_MS)
