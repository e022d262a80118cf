import { relative } from 'node:path'
import type { OffpeakError, Place } from '../../model/errors/errors.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'

/** The error of an import, as plain data for messages between processes. */
export interface Thrown {
  name: string
  message: string
  code: string
  stack: string
}

/** A task file whose import failed. */
interface ImportFault {
  /** The path below the tasks directory, for messages. */
  path: string
  real: string
  source: string
  thrown: Thrown
}

/** Turns any thrown value into plain data. */
export function thrownOf (value: unknown): Thrown {
  const part = (key: string) => {
    try {
      return String((value as Record<string, unknown>)[key] ?? '')
    } catch {
      return ''
    }
  }
  const isObject = typeof value === 'object' && value !== null
  return isObject
    ? { name: part('name') || 'Error', message: part('message'), code: part('code'), stack: part('stack') }
    : { name: 'Error', message: String(value), code: '', stack: '' }
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

function lineIn (stack: string, real: string): Place {
  const found = new RegExp(`${escaped(real)}(?:\\?[^:\\s]*)?:(\\d+)(?::(\\d+))?`).exec(decoded(stack))
  return found ? { line: Number(found[1]), ...(found[2] && { column: Number(found[2]) }) } : {}
}

function decoded (stack: string): string {
  try {
    return decodeURIComponent(stack)
  } catch {
    return stack
  }
}

/** The first place in a stack that is in an imported file. */
function elsewhere (stack: string, real: string): string {
  const found = /^(?:file:\/\/)?(\/[^\n?]+)(?:\?[^:\n]*)?:(\d+)$/m.exec(decoded(stack))
  return found && found[1] !== real
    ? ` (in ${relative(real.slice(0, real.lastIndexOf('/')), found[1]!)}:${found[2]})`
    : ''
}

function lineOfImport (source: string, missing: string): Place {
  const name = missing.split('/').at(-1)!
  const line = source.split('\n').findIndex(text =>
    /\b(?:import|from|require)\b/.test(text) && (text.includes(missing) || text.includes(name))
  )
  return line < 0 ? {} : { line: line + 1 }
}

const NO_MODULE =
  /Cannot use import statement outside a module|Unexpected token 'export'|await is only valid in async functions and/

function missingFault ({ path, real, source, thrown }: ImportFault): OffpeakError {
  const missing = /Cannot find (?:package|module) '([^']+)'/.exec(thrown.message)?.[1] ?? thrown.message
  const importer = /imported from (.+)$/m.exec(thrown.message)?.[1] ?? real
  const own = importer === real
  const shown = missing.startsWith('/') ? relative(importer.slice(0, importer.lastIndexOf('/')), missing) : missing
  const isPackage = thrown.message.includes('package')
  return taskFileBroken({
    file: path,
    ...(own && lineOfImport(source, shown)),
    message: `${path} imports ${shown}, which does not exist${own ? '' : ` (in ${importer})`}`,
    fix: isPackage
      ? `Install it with \`npm install ${missing}\`, or remove the import.`
      : 'Correct the path; it needs its ending, such as .ts.'
  })
}

function wordsOf ({ path, real, thrown }: ImportFault): { message: string, fix?: string } {
  const where = elsewhere(thrown.stack, real)
  if (thrown.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return {
      message: `${path} uses TypeScript syntax that cannot be stripped: ${thrown.message}${where}`,
      fix: 'Write it in JavaScript: a union of words for an enum, an assignment for a parameter property.'
    }
  }
  if (NO_MODULE.test(thrown.message)) {
    return {
      message: `${path} is read as CommonJS: ${thrown.message}`,
      fix: `Put "type": "module" into the package.json above it, or name it ${
        path.replace(/\.[jt]s$/, end => `.m${end.slice(1)}`)
      }.`
    }
  }
  if (thrown.name === 'SyntaxError') return { message: `${path} cannot be read: ${thrown.message}${where}` }
  return { message: `${path} throws while it is imported: ${thrown.name}: ${thrown.message}`.slice(0, 1000) }
}

/** Why a task file could not be imported, with the line where it is known and what to do. */
export function importFault (fault: ImportFault): OffpeakError {
  if (fault.thrown.code === 'ERR_MODULE_NOT_FOUND') return missingFault(fault)
  return taskFileBroken({ file: fault.path, ...lineIn(fault.thrown.stack, fault.real), ...wordsOf(fault) })
}
