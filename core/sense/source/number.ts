import { UNKNOWN } from '../../model/machine/reading.ts'
import type { Maybe } from '../../model/machine/reading.ts'

/** The numbers of a line from `start` on, separated by spaces; NaN for other words. Written by hand, because it runs at
 *  every sample. */
export function numbersOf (text: string, start = 0): number[] {
  const numbers: number[] = []
  let value = 0
  let digits = 0
  for (let index = start; index <= text.length; index++) {
    const code = index === text.length ? 10 : text.charCodeAt(index)
    if (code >= 48 && code <= 57) {
      value = value * 10 + code - 48
      digits++
    } else if (code === 32 || code === 9 || code === 10) {
      if (digits > 0) numbers.push(value)
      value = digits = 0
      if (code === 10) break
    } else {
      value = NaN
      digits++
    }
  }
  return numbers
}

/** The number after `key` in lines `key number`, or null. */
export function numberAfter (text: string, key: string): number | null {
  const at = text.startsWith(key) ? 0 : text.indexOf(`\n${key}`) + 1
  if (at === 0 && !text.startsWith(key)) return null
  const [value] = numbersOf(text, at + key.length)
  return value === undefined || Number.isNaN(value) ? null : value
}

/** A decimal number with optional sign and fraction, or null. */
export function plainNumber (text: string | null | undefined): number | null {
  if (text === null || text === undefined || text.trim() === '') return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

/** A share limited to 0 to 1; unknown for NaN. */
export const share = (value: number): Maybe<number> =>
  Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : UNKNOWN
