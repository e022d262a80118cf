import type { Detail } from '../../model/errors/errors.ts'
import type { FileFault } from './assemble.ts'

/** A task file, or one definition in it, that cannot be used. */
export interface BrokenFile {
  /** Below the tasks directory. */
  file: string
  message: string
  /** What to do. */
  fix?: string | undefined
  line?: number | undefined
  column?: number | undefined
  pointer?: string | undefined
  code: string
  /** Every fault, if there are several. */
  errors?: Detail[] | undefined
  /** Epoch ms at which this fault was first seen. */
  since: number
}

/** A fault of a file, as it is listed. */
export function brokenFile ({ path, error, kept }: FileFault, since: number): BrokenFile {
  const { line, column, pointer } = error.place
  const message = kept ? `${error.message}; the last good version stays in force` : error.message
  return {
    file: path,
    message,
    fix: error.fix,
    line,
    column,
    pointer,
    code: error.code,
    since,
    ...error.errors && error.errors.length > 1 && { errors: error.errors }
  }
}

/** The same for the same fault. */
export const keyOf = ({ file, pointer, code, message, errors }: BrokenFile) =>
  [file, pointer, code, message, JSON.stringify(errors)].join('\n')
