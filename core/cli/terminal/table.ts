import { stripVTControlCharacters } from 'node:util'
import { plain, styled } from './output.ts'

const GAP = '  '
const LEAST = 8
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]|\p{Emoji_Presentation}/u

let segmenter: Intl.Segmenter | undefined
// Made for the first text that needs it: it takes 20 ms, and most texts are plain.
const segmentsOf = (text: string) => (segmenter ??= new Intl.Segmenter()).segment(text)

/** True when every character takes one column. */
const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text)

/** Approximate columns of a text on a terminal: East Asian wide characters and emoji take two. */
export function widthOf (text: string): number {
  const shown = stripVTControlCharacters(text)
  if (isPlain(shown)) return shown.length
  let width = 0
  for (const { segment } of segmentsOf(shown)) width += WIDE.test(segment) ? 2 : 1
  return width
}

function cut (text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  for (const { segment } of segmentsOf(text)) {
    if (widthOf(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

/** Rows under their headings, aligned. `room`: the columns of the terminal; the widest column is cut first. Cells are
 *  plain text. */
export function table (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  room = process.stdout.isTTY ? process.stdout.columns : Infinity
): string {
  const cells = rows.map(row => row.map(cell => plain(cell).replaceAll(/\s+/g, ' ')))
  const widths = head.map((name, column) => Math.max(widthOf(name), ...cells.map(row => widthOf(row[column] ?? ''))))
  for (;;) {
    const over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room
    const widest = widths.indexOf(Math.max(...widths))
    if (over <= 0 || widths[widest]! <= LEAST) break
    widths[widest] = Math.max(LEAST, widths[widest]! - Math.ceil(over / 2))
  }
  const line = (row: readonly string[]) =>
    row.map((cell, column) => {
      const text = cut(cell, widths[column]!)
      return text + ' '.repeat(widths[column]! - widthOf(text))
    }).join(GAP).trimEnd()
  return [styled('bold', line(head)), ...cells.map(line)].join('\n')
}
