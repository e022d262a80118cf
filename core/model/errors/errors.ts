import { cut } from '../json/text.ts'
import { shownJson } from '../json/json.ts'

/** The place of a fault in a file or request. */
export interface Place {
  file?: string | undefined
  line?: number | undefined
  column?: number | undefined
  /** JSON pointer, RFC 6901. */
  pointer?: string | undefined
}

export interface Fault extends Place {
  code: string
  /** HTTP status that fits the fault. */
  status: number
  message: string
  /** One sentence on what to do. */
  fix?: string | undefined
  cause?: unknown
  /** One entry for each fault found, when there are several. */
  errors?: Detail[] | undefined
  /** Seconds after which the same request may succeed. */
  retryAfter?: number | undefined
}

/** One fault. `line`: its line, if known. `fix`: one sentence on what to do. */
export interface Detail {
  pointer: string
  detail: string
  line?: number | undefined
  fix?: string | undefined
}

/** An error of offpeak: a code, a sentence, a place and a fix. */
export class OffpeakError extends Error {
  readonly code: string
  readonly statusCode: number
  readonly fix: string | undefined
  readonly place: Place
  readonly errors: Detail[] | undefined
  readonly retryAfter: number | undefined

  constructor (fault: Fault) {
    super(fault.message, { cause: fault.cause })
    this.name = 'OffpeakError'
    this.code = fault.code
    this.statusCode = fault.status
    this.fix = fault.fix
    this.errors = fault.errors
    this.retryAfter = fault.retryAfter
    this.place = { file: fault.file, line: fault.line, column: fault.column, pointer: fault.pointer }
  }
}

/** `file:line:column pointer`, as far as each is known. */
export function placeWords ({ file, line, column, pointer }: Place): string {
  const at = [file, line, column].filter(part => part !== undefined).join(':')
  return [at, pointer].filter(Boolean).join(' ')
}

/** The message without a file and a pointer at its beginning, for output that already shows the place. */
export function onceSaid (message: string, { file, pointer }: Place): string {
  return [file, pointer].reduce<string>((text, part) => {
    const follows = part && text.startsWith(part) ? /^:? /.exec(text.slice(part.length))?.[0] : undefined
    return follows === undefined ? text : text.slice(part!.length + follows.length)
  }, message)
}

const SHOWN = { bytes: 1000, depth: 4 }

/** A value in a message, bounded. */
export function show (value: unknown): string {
  const text = typeof value === 'string'
    ? `'${cut(value, 100)}'`
    : value === undefined
    ? 'nothing'
    : JSON.stringify(shownJson(value, SHOWN))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
