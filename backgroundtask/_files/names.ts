import { isUtf8 } from 'node:buffer'

/** The lone surrogate that represents the byte 0x80; those of the other bytes follow it. No valid text contains
 *  them. */
const FIRST = 0xdc80
const ESCAPED = /[\udc80-\udcff]/u

const lengthAt = (lead: number): number => lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4

/** A name as text. Bytes that are not UTF-8 become lone surrogates (0xE9 is U+DCE9), so that different names have
 *  different texts and `bytesOfName` returns the original bytes. */
export function nameFrom (bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + lengthAt(bytes[at]!))
    const fits = isUtf8(piece)
    text += fits ? piece.toString() : String.fromCharCode(FIRST - 0x80 + bytes[at]!)
    at += fits ? piece.length : 1
  }
  return text
}

/** The bytes of a name or path. */
export function bytesOfName (name: string): Buffer {
  if (!ESCAPED.test(name)) return Buffer.from(name)
  return Buffer.concat(
    [...name].map(one => ESCAPED.test(one) ? Buffer.of(one.charCodeAt(0) - FIRST + 0x80) : Buffer.from(one))
  )
}

/** A name or path as node:fs accepts it: a buffer when its bytes are not UTF-8. */
export const fsPathOf = (path: string): string | Buffer => ESCAPED.test(path) ? bytesOfName(path) : path

/** True when the bytes of a name are not UTF-8. */
export const isRaw = (name: string): boolean => ESCAPED.test(name)

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\udc80-\udcff]/gu

function escaped (one: string): string {
  const code = one.codePointAt(0)!
  if (code >= FIRST && code <= 0xdcff) return `\\x${(code - FIRST + 0x80).toString(16)}`
  if (one === '\n') return '\\n'
  if (one === '\t') return '\\t'
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}

/** A path for messages, on one line: bytes that are not UTF-8 as `\xe9`, control characters as `\n`, `\x1b`,
 *  `\u{202e}`. */
export const shown = (path: string): string => path.replace(HIDDEN, escaped)
