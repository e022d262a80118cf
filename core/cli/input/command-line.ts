/** Options with a value that may precede the command, as `offpeak --url http://nas:7420 tasks`. */
const VALUED = ['--url', '--token', '--context', '--config', '-c', '--data', '--env']

const isLeading = (word: string) => VALUED.some(name => word === name || word.startsWith(`${name}=`))

/** The number of leading words that are options of a command. */
function leading (words: readonly string[]): number {
  let count = 0
  while (count < words.length && isLeading(words[count]!)) count += words[count]!.includes('=') ? 1 : 2
  return Math.min(count, words.length)
}

/** The words of a command line with `--json`, wherever it is, and the options before the command at their end. Words
 *  after `--` stay where they are. `-V` is an old name of `-v`. */
export function orderedWords (words: readonly string[]): string[] {
  const end = words.includes('--') ? words.indexOf('--') : words.length
  const typed = words.slice(0, end)
  const own = typed.filter(word => word !== '--json')
  const json = own.length < typed.length ? ['--json'] : []
  const count = leading(own)
  const [first, ...rest] = own.slice(count)
  if (first === undefined) return [...own, ...json, ...words.slice(end)]
  return [first === '-V' ? '-v' : first, ...rest, ...own.slice(0, count), ...json, ...words.slice(end)]
}

/** True for a command line that asks for JSON. */
export const asksJson = (words: readonly string[]): boolean =>
  words.slice(0, words.includes('--') ? words.indexOf('--') : words.length).includes('--json')
