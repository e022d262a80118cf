/** Crockford base 32, lower case: sorts as the numbers do and has no letter that reads as a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const LENGTH = 11
const PER_MS = 4096

/** The text of a run number: 11 signs that sort by creation. */
export function encodeId (number: number): string {
  let text = ''
  let rest = number
  for (let index = 0; index < LENGTH; index++) {
    text = ALPHABET[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** The number of a run id, or null when the text is not one. */
export function decodeId (id: string): number | null {
  if (id.length !== LENGTH) return null
  let number = 0
  for (const sign of id) {
    const digit = ALPHABET.indexOf(sign)
    if (digit < 0) return null
    number = number * 32 + digit
  }
  return Number.isSafeInteger(number) ? number : null
}

/** The next number after `last` at the instant `now` (epoch ms): it only rises, also when the clock does not,
 *  and holds 4,096 numbers a millisecond in 53 bits until the year 2039. */
export const nextNumber = (last: number, now: number): number => Math.max(last + 1, Math.floor(now) * PER_MS)
