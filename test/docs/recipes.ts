import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { blocksOf, textOf } from './blocks.ts'
import type { Block } from './blocks.ts'

/** A recipe of a page: its heading, and its blocks in order. */
export interface Recipe {
  name: string
  blocks: Block[]
}

const lineOf = (page: string, heading: string) => textOf(page).split('\n').indexOf(heading) + 1

/** The recipes of a page: what stands under headings of the third level with blocks of code. */
export function recipesOf (page: string): Recipe[] {
  const headings = textOf(page).split('\n').filter(line => /^#{2,3} /.test(line))
  return headings.flatMap((heading, at) => {
    const next = headings[at + 1]
    const [from, to] = [lineOf(page, heading), next === undefined ? Infinity : lineOf(page, next)]
    const blocks = blocksOf(page).filter(({ line, language }) => line > from && line < to && language !== 'sh')
    return heading.startsWith('### ') && blocks.length > 0 ? [{ name: heading.slice(4), blocks }] : []
  })
}

const REST = ' …'
const isLine = (row: string, line: string | undefined) =>
  row.endsWith(REST) ? line?.startsWith(row.slice(0, -1)) === true : row === line

/** The only place of `lines` in a text of lines. Throws when there is none, or more than one. */
function placeOf (lines: readonly string[], text: readonly string[], where: string): number {
  const places = text.flatMap((_, at) => lines.every((line, offset) => isLine(line, text[at + offset])) ? [at] : [])
  if (places.length === 1) return places[0]!
  throw new Error(`${where}: these lines stand in ${places.length} places:\n${lines.join('\n')}`)
}

/** A text in which each part of a diff, parted by @@, has been carried out; `…` at the end of a line stands for
 *  the rest of it. */
export function changed (text: string, diff: string, where: string): string {
  let lines = text.split('\n')
  for (const part of diff.trimEnd().split(/^@@\n/m)) {
    const rows = part.trimEnd().split('\n')
    const before = rows.filter(row => !row.startsWith('+')).map(row => row.slice(1))
    const after = rows.filter(row => !row.startsWith('-')).map(row => row.slice(1))
    const at = placeOf(before, lines, where)
    const rest = before.flatMap((row, offset) => row.endsWith(REST) ? [lines[at + offset]!.slice(row.length - 1)] : [])
    const whole = after.map(row => row.endsWith(REST) ? row.slice(0, -1) + rest.shift()! : row)
    lines = [...lines.slice(0, at), ...whole, ...lines.slice(at + before.length)]
  }
  return lines.join('\n')
}

/** Carries out one block in a checkout: writes a new file, or changes one. */
export function applyBlock ({ page, line, language, text, file }: Block, root: string): void {
  const where = `${page}:${line}`
  if (file === null) throw new Error(`${where} does not say which file it is`)
  const path = join(root, file)
  if (language === 'diff') return writeFileSync(path, changed(readFileSync(path, 'utf8'), text, `${where} ${file}`))
  if (existsSync(path)) throw new Error(`${where}: ${file} is there already`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
