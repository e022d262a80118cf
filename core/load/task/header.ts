import type { TSchema } from 'typebox'
import { pointerOf, unknownWords } from '../../model/base/check.ts'
import type { Detail } from '../../model/errors/errors.ts'
import { taskInvalid } from '../../model/errors/task-errors.ts'
import { DefinitionSchema } from '../../model/task/task.ts'

const LINE = /^\s*(?:#|\/\/)\s*offpeak:(.*)$/
const MOST_LINES = 200

type Node = { type?: string | string[], title?: string, items?: Node, properties?: Record<string, Node> }

/** The fields that a script says of itself, and the line of each. */
interface Header {
  fields: Record<string, unknown>
  lines: Map<string, number>
}

const FIELDS = (DefinitionSchema as TSchema as Node).properties ?? {}
const KEYS = [...Object.keys(FIELDS), 'schedule']
const OPEN = '[{('
const CLOSE = ']})'

interface Cut {
  parts: string[]
  depth: number
  quote: string
  last: string
}

function step (cut: Cut, sign: string): Cut {
  const inside = cut.quote !== '' || cut.depth > 0
  if (sign === ';' && !inside) return { ...cut, parts: [...cut.parts, ''] }
  cut.parts[cut.parts.length - 1] += sign
  const quote = cut.quote === '' ? (sign === '"' ? sign : '') : sign === '"' && cut.last !== '\\' ? '' : cut.quote
  const turn = quote !== '' ? 0 : OPEN.includes(sign) ? 1 : CLOSE.includes(sign) ? -1 : 0
  return { parts: cut.parts, depth: Math.max(0, cut.depth + turn), quote, last: sign }
}

/** The pairs of a line: a semicolon parts them, but not inside quotes and brackets. */
const pairsOf = (line: string): string[] =>
  [...line].reduce(step, { parts: [''], depth: 0, quote: '', last: '' }).parts.map(part => part.trim()).filter(Boolean)

function json (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const unquoted = (text: string) => /^".*"$/.test(text) ? String(json(text)) : text.replace(/^'(.*)'$/, '$1')

function listOf (text: string, items: Node): unknown {
  const list = json(text)
  if (Array.isArray(list)) return list
  return text.split(',').map(item => item.trim()).filter(Boolean).map(item => valueOf(item, items))
}

/** A value as its field wants it. What does not fit stays as it is and is refused by the check of the definition. */
function valueOf (text: string, { type, title, items = {} }: Node = {}): unknown {
  if (title === 'duration') return /^\d+(\.\d+)?$/.test(text) ? Number(text) : unquoted(text)
  if (type === 'string') return unquoted(text)
  if (type === 'array') return listOf(text, items)
  if (Array.isArray(type)) return /^(null|none)$/.test(text) ? null : unquoted(text)
  const value = json(text)
  return typeof value === 'string' ? unquoted(text) : value
}

interface Pair {
  key: string
  text: string
}

function put (fields: Record<string, unknown>, { key, text }: Pair): Detail | null {
  const [name, ...inner] = (key === 'schedule' ? 'trigger' : key).split('.')
  const node = Object.hasOwn(FIELDS, name!) ? FIELDS[name!] : undefined
  if (node === undefined) return { pointer: pointerOf([key]), detail: unknownWords(key, KEYS) }
  if (inner.length === 0) {
    fields[name!] = valueOf(text, node)
    return null
  }
  const outer = (fields[name!] ??= {}) as Record<string, unknown>
  const leaf = inner.join('.')
  if (typeof outer !== 'object' || leaf === '__proto__') {
    return { pointer: pointerOf([key]), detail: `'${name}' has no parts` }
  }
  const inside = name === 'env' || name === 'trigger_args' && leaf === 'timezone'
    ? { type: 'string' }
    : node.properties?.[leaf]
  outer[leaf] = valueOf(text, inside)
  return null
}

/** Reads `# offpeak: key = value ; key = value` lines among the first 200 of a script; null when there is none.
 *  Keys are the fields of a definition, `schedule` for its trigger, and `env.NAME` for parts of one.
 *  Throws OFFPEAK_TASK_INVALID with the line. */
export function parseHeader (source: string, file: string): Header | null {
  const fields: Record<string, unknown> = {}
  const lines = new Map<string, number>()
  let found = false
  for (const [index, text] of source.split(/\r?\n/, MOST_LINES).entries()) {
    const header = LINE.exec(text)?.[1]
    if (header === undefined) continue
    found = true
    for (const pair of pairsOf(header)) readPair(pair, { fields, lines, file, line: index + 1 })
  }
  return found ? { fields, lines } : null
}

interface Reading extends Header {
  file: string
  line: number
}

function readPair (pair: string, { fields, lines, file, line }: Reading): void {
  const at = pair.indexOf('=')
  const key = pair.slice(0, at).trim()
  const fault = at < 1
    ? { pointer: '', detail: `found '${pair.slice(0, 60)}', expected key = value` }
    : put(fields, { key, text: pair.slice(at + 1).trim() })
  if (fault !== null) {
    throw taskInvalid({
      file,
      line,
      pointer: fault.pointer,
      message: `${file}:${line}: ${fault.detail}`,
      errors: [fault]
    })
  }
  lines.set(key === 'schedule' ? 'trigger' : key.split('.')[0]!, line)
}

const INTERPRETERS: Record<string, string> = { sh: 'sh', bash: 'bash', py: 'python3', pl: 'perl', rb: 'ruby' }

/** How to start a script that the system would not start by itself: the words before its path. Undefined when it starts
 *  by itself. */
export function interpreterOf (
  source: string,
  { path, executable }: { path: string, executable: boolean }
): string[] | undefined {
  const shebang = /^#!\s*(\S.*)$/m.exec(source.slice(0, 256).split('\n', 1)[0] ?? '')?.[1]
  if (shebang !== undefined) return executable ? undefined : shebang.trim().split(/\s+/)
  const program = INTERPRETERS[path.split('.').at(-1) ?? '']
  return program === undefined ? undefined : [program]
}

interface Named {
  path: string
  executable: boolean
}

const endsAsScript = (path: string) =>
  Object.hasOwn(INTERPRETERS, path.split('/').at(-1)!.split('.').slice(1).at(-1) ?? '')

/** True for a file whose first lines can tell whether it is a script. */
export const worthALook = ({ path, executable }: Named): boolean => executable || endsAsScript(path)

/** True for a file that is a task when it has a header: a script by its ending, or an executable with a shebang. */
export const mayBeScript = ({ path, executable }: Named, source: string): boolean =>
  endsAsScript(path) || (executable && source.startsWith('#!'))

/** The id of a script that names none: its file name without ending, in the characters that an id may have. */
export const idOf = (path: string): string =>
  path.split('/').at(-1)!.replace(/\.[^.]+$/, '').toLowerCase().replaceAll(/\s+/g, '_')
