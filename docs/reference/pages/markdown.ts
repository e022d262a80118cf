const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()

const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`

/** A table in Markdown; cells may hold Markdown, bars in them are escaped. */
export function table (head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** A word set as code; nothing for nothing. */
export const code = (text: string): string => text === '' ? '' : `\`${text}\``

/** A comment for readers of the source: the file that the page is generated from. */
export const generatedFrom = (source: string): string =>
  `<!-- Made by \`node docs/reference/write.ts\` from ${source}. Change that, not this. -->`
