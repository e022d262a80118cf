import { parseHeader } from '../../load/task/header.ts'
import type { Conversion, Converted, Remark } from './converted.ts'

/** A header lies within the bytes of a file that are read to find it. */
const MOST_BYTES = 60 * 1024

function hasHeader (body: string): boolean {
  try {
    return parseHeader(body, '') !== null
  } catch {
    return true
  }
}

/** Why a task cannot be written as a script that is read as what it was made of, or null. */
function unwritable (task: Converted): string | null {
  if (hasHeader(task.body)) return 'its command would be read as a header of offpeak'
  return Buffer.byteLength(taskFile(task)) > MOST_BYTES ? 'it is too long: put the command into a script' : null
}

/** The conversion, in which tasks that cannot be written are refused. */
export function writable ({ tasks, refused, notes }: Conversion): Conversion {
  const faults = new Map(tasks.map(task => [task, unwritable(task)]))
  const more = tasks.flatMap((task): Remark[] => {
    const message = faults.get(task)
    return message ? [{ line: task.line, text: task.from.slice(0, 200), message }] : []
  })
  return { tasks: tasks.filter(task => !faults.get(task)), refused: [...refused, ...more], notes }
}

const ORDER = [['schedule', 'trigger', 'run_on_start', 'enabled'], ['timezone', 'trigger_args', 'trigger_args.jitter'],
  ['misfire', 'overlap', 'max_retries', 'timeout', 'constraints.power'], ['env']]

const valueOf = (value: unknown): string => typeof value === 'object' ? JSON.stringify(value) : String(value)

/** The text of a script with its header. Without review it stays disabled. */
export function taskFile ({ from, fields, shell, body }: Converted): string {
  const all: Record<string, unknown> = { ...fields, enabled: false }
  const lines = ORDER.map(names =>
    names.filter(name => all[name] !== undefined).map(name => `${name} = ${valueOf(all[name])}`).join(' ; ')
  ).filter(Boolean)
  const origin = from.split('\n').map(line => `# Imported: ${line}`)
  return [`#!${shell}`, ...origin, ...lines.map(line => `# offpeak: ${line}`), body].join('\n')
}
