import { quote } from './converted.ts'

const WORD = /(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g

/** The words of an `Exec…=` line of systemd: quotes hold words together, a backslash escapes. Null if a quote does not
 *  end. */
function wordsOf (text: string): string[] | null {
  if (text.replaceAll(WORD, '').trim() !== '') return null
  return (text.match(WORD) ?? []).map(word =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? single ?? escaped ?? '' : double.replaceAll(/\\(.)/g, '$1'))
  )
}

const MARK = '\u0000'

/** A word for the shell: systemd puts variables in, and starts no shell. Null for a specifier without a counterpart. */
function shellWord (word: string): string | null {
  const plain = word.replaceAll('%%', MARK).replaceAll('%h', '${HOME}')
  if (/%[a-zA-Z]/.test(plain)) return null
  const text = plain.replaceAll(MARK, '%')
  if (/^\$[A-Za-z_]\w*$/.test(text)) return text
  if (!/\$\{\w+\}/.test(text)) return quote(text.replaceAll('$$', '$'))
  return `"${text.replaceAll(/["\\`]/g, sign => `\\${sign}`).replaceAll(/\$(?!\{\w+\})/g, '\\$')}"`
}

/** A line of a shell script that starts the same program; null if that is not possible. */
export function execLine (text: string): string | null {
  const [, prefixes = '', rest = ''] = /^([-@:+!|]*)(.*)$/s.exec(text.trim()) ?? []
  if (/[@+!|]/.test(prefixes)) return null
  const words = wordsOf(rest)?.map(shellWord) ?? []
  if (words.length === 0 || words.includes(null)) return null
  return `${words.join(' ')}${prefixes.includes('-') ? ' || true' : ' || exit'}`
}
