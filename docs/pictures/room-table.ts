import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT, arrowsBetween, ownImports, productFiles } from './imports.ts'

/** A room with how much is in it, and how many rooms import from it and are imported by it. */
export interface RoomSize {
  room: string
  files: number
  lines: number
  into: number
  out: number
}

const lengthOf = (file: string, root: string) => readFileSync(join(root, file), 'utf8').split('\n').length - 1

/** Every folder of the product with files of its own, the one with the most lines first. */
export function roomSizes (root = ROOT): RoomSize[] {
  const arrows = arrowsBetween(ownImports(root), dirname)
  return [...Map.groupBy(productFiles(root), dirname)].map(([room, files]) => ({
    room,
    files: files.length,
    lines: files.reduce((sum, file) => sum + lengthOf(file, root), 0),
    into: [...arrows.values()].filter(others => others.has(room)).length,
    out: arrows.get(room)?.size ?? 0
  })).toSorted((a, b) => b.lines - a.lines)
}

const MARKS = ['<!-- the largest rooms -->', '<!-- end -->'] as const
const LARGEST = 5

/** The table of the largest rooms. */
export function roomTable (root = ROOT): string {
  const rows = roomSizes(root).slice(0, LARGEST).map(({ room, files, lines, into, out }) =>
    `| \`${room}\` | ${files} | ${lines} | ${into} | ${out} |`
  )
  return ['| room | files | lines | imported by rooms | imports from rooms |', '|---|---|---|---|---|', ...rows].join(
    '\n'
  )
}

/** A page with the table between its marks. */
export function withTable (page: string, table: string): string {
  const [before, rest] = page.split(MARKS[0]) as [string, string?]
  const after = rest?.split(MARKS[1])[1]
  if (after === undefined) throw new Error(`The page has no ${MARKS.join(' … ')}`)
  return `${before}${MARKS[0]}\n\n${table}\n\n${MARKS[1]}${after}`
}
