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

/** A plain text in at most this many columns. */
export function cut (text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  for (const { segment } of segmentsOf(text)) {
    if (widthOf(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

/** A cell with a style for a terminal; its text is plain. */
interface StyledCell {
  text: string
  style: Parameters<typeof styled>[0]
}
export type Cell = string | StyledCell

const textOf = (cell: Cell | undefined): string => typeof cell === 'object' ? cell.text : cell ?? ''

/** Headings of columns with something to type or copy: they are never cut. */
const KEPT = ['RUN', 'TASK', 'QUEUE', 'FINGERPRINT', 'LONGEST', 'PAUSED', 'NAME', 'BACKUP', 'CONTEXT', 'URL']

/** Headings of columns that name their rows when they are the first; further right they are words about a schedule. */
const KEPT_FIRST = ['SCHEDULE', 'WHEN']

const isKept = (head: string, column: number) => KEPT.includes(head) || (column === 0 && KEPT_FIRST.includes(head))

/** The columns of the terminal. Some terminals report 0 columns: nothing is cut then, as without a terminal. */
export const roomOf = ({ isTTY, columns }: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>): number =>
  isTTY && columns > 0 ? columns : Infinity

/** The widths of the columns: the widest of those that may be cut is cut until the table fits. */
function widthsIn (head: readonly string[], rows: readonly (readonly string[])[], room: number): number[] {
  const widths = head.map((name, column) => Math.max(widthOf(name), ...rows.map(row => widthOf(row[column] ?? ''))))
  const spare = (column: number) => isKept(head[column]!, column) ? 0 : widths[column]! - LEAST
  for (;;) {
    const over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room
    const [column, next] = widths.keys().toArray().toSorted((a, b) => spare(b) - spare(a))
    if (over <= 0 || column === undefined || spare(column) <= 0) return widths
    const beyond = next === undefined ? over : spare(column) - Math.max(0, spare(next))
    widths[column] = widths[column]! - Math.min(over, spare(column), Math.max(1, beyond))
  }
}

/** Rows under their headings, aligned. `room`: the columns of the terminal. */
export function table (
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  room = roomOf(process.stdout)
): string {
  const texts = rows.map(row => row.map(cell => plain(textOf(cell)).replaceAll(/\s+/g, ' ')))
  const widths = widthsIn(head, texts, room)
  const padded = (text: string, column: number) => ' '.repeat(Math.max(0, widths[column]! - widthOf(text)))
  const line = (row: readonly string[], cells: readonly Cell[]) =>
    row.map((whole, column) => {
      const text = cut(whole, widths[column]!)
      const cell = cells[column]
      return (typeof cell === 'object' ? styled(cell.style, text) : text) + padded(text, column)
    }).join(GAP).trimEnd()
  return [styled('bold', line(head, [])), ...texts.map((row, index) => line(row, rows[index]!))].join('\n')
}

/** Words in lines of at most this many columns, each indented. A longer word has a line of its own. */
export function wrapped (text: string, width: number, indent = '    '): string[] {
  const lines: string[] = []
  for (const word of plain(text).split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(indent + word)
  }
  return lines
}
