import { basename } from 'node:path'
import { UNSETTABLE_IDS } from '../../model/task/task.ts'

/** Commands that only prepare the next one. */
const PREPARES = ['cd', 'test', '[', '[[', 'export', 'set', 'source', '.', 'umask', 'ulimit', 'sleep', 'if', 'then',
  '{', '(', '!', 'exec', 'command']
/** Programs that start the one that matters. */
const STARTS = ['sudo', 'nice', 'ionice', 'chrt', 'flock', 'timeout', 'chronic', 'nohup', 'env', 'setsid', 'time', 'sh',
  'bash', 'dash', 'zsh', 'ksh', 'python', 'python2', 'python3', 'perl', 'ruby', 'php', 'node', 'bun', 'java',
  'systemd-cat', 'exec', 'run-one', 'cronic', 'lckdo', 'su']
const REDIRECTION = /\d?[<>]+\s*\S+/g
const LONGEST = 48

/** The words of a command, without quotes; what is quoted stays together. */
const wordsOf = (text: string): string[] =>
  [...text.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, ''))

function programIn (segment: string): string | null {
  const words = wordsOf(segment.replaceAll(REDIRECTION, ' ')).filter(word => !/^[A-Za-z_]\w*=/.test(word))
  if (words[0] === undefined || PREPARES.includes(words[0])) return null
  const [program] = words.filter((word, index) =>
    !/^(?:[-+<>({!&\d]|\$(?!\{?\w+\}?\/))/.test(word) &&
    !(STARTS.includes(basename(word)) && index < words.length - 1) &&
    !/\.(?:lock|lck|pid)$/.test(word)
  )
  return program ?? null
}

/** A task id for a command: the name of its program or script. */
export function commandName (command: string, fallback: string): string {
  const segments = command.split(/&&|\|\|?|;|\bthen\b|\bdo\b/)
  const program = segments.map(programIn).find(found => found !== null)
  const name = basename(program ?? '').replace(/\.(?:sh|py|pl|rb|php|js|mjs|ts|bash|jar)$/i, '').toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '_').replaceAll(/^[_-]+|[_-]+$/g, '').slice(0, LONGEST)
  return name === '' ? fallback : name
}

/** Names that occur twice, or that no task may have, get a number. */
export function numbered (names: readonly string[], taken: Iterable<string> = UNSETTABLE_IDS): string[] {
  const seen = new Set(taken)
  return names.map(name => {
    let own = name
    for (let count = 2; seen.has(own); count++) own = `${name}_${count}`
    seen.add(own)
    return own
  })
}
