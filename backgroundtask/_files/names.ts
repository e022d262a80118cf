import { isUtf8 } from 'node:buffer'

/** The byte 0x80 as one UTF-16 unit that no valid text holds; those of the other bytes follow it. */
const FIRST = 0xdc80
const ESCAPED = /[\udc80-\udcff]/u

const lengthAt = (lead: number): number => lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4

/** A name as text. Names are bytes: one that is not UTF-8 has each byte that does not fit as a lone surrogate
 *  (0xE9 is U+DCE9), so that two names are never one text, and the text gives the bytes back. */
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

/** True when the bytes of a name are no UTF-8. */
export const isRaw = (name: string): boolean => ESCAPED.test(name)

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\udc80-\udcff]/gu

function escaped (one: string): string {
  const code = one.codePointAt(0)!
  if (code >= FIRST && code <= 0xdcff) return `\\x${(code - FIRST + 0x80).toString(16)}`
  if (one === '\n') return '\\n'
  if (one === '\t') return '\\t'
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}

/** A path for people, on one line: bytes that are no text as `\xe9`, control characters as `\n`, `\x1b`, `\u{202e}`. */
export const shown = (path: string): string => path.replace(HIDDEN, escaped)
