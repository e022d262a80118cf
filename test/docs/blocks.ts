import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

/** Every page, below the root. */
export const PAGES = ['README.md', 'CHANGELOG.md', 'SECURITY.md', ...globSync('docs/**/*.md', { cwd: ROOT }).toSorted()]

/** A fenced block of a page. `file`: the path that the sentence before it names, `scripts/a.sh`:, or null. */
export interface Block {
  page: string
  line: number
  language: string
  text: string
  file: string | null
}

const FENCE = /^( *)```(\S*)\s*$/
const NAMED = /`([\w./-]+\.(?:ts|mjs|js|sh|py))`/g

export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

/** The last path in the line that leads to the block, when that line ends with a colon. */
function fileBefore (lines: readonly string[], fence: number): string | null {
  const lead = lines.slice(0, fence).findLast(line => line.trim() !== '') ?? ''
  return lead.trimEnd().endsWith(':') ? [...lead.matchAll(NAMED)].at(-1)?.[1] ?? null : null
}

/** The fenced blocks of a page, in order. Throws on one that is not closed. */
export function blocksOf (page: string): Block[] {
  const lines = textOf(page).split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const fence = FENCE.exec(lines[at]!)
    if (fence === null) continue
    const [, indent = '', language = ''] = fence
    const end = lines.findIndex((line, index) => index > at && line === `${indent}\`\`\``)
    if (end < 0) throw new Error(`${page}:${at + 1} is not closed`)
    const body = lines.slice(at + 1, end).map(line => line.slice(indent.length))
    blocks.push({ page, line: at + 1, language, text: `${body.join('\n')}\n`, file: fileBefore(lines, at) })
    at = end
  }
  return blocks
}

/** True for a block that is a program of its own, not lines for a terminal. */
export const isScript = ({ text }: Block): boolean => text.startsWith('#!')

/** Where a block is written when it is a file: what the page says, else a name of its own. */
export const placeOf = ({ file, line, language }: Block): string => file ?? `block_${line}.${language}`
