import type { Detail, Place } from '../../model/errors/errors.ts'
import type { FileFault } from './assemble.ts'
import { CONFIG } from './source.ts'
import { pointerOf } from '../../model/base/check.ts'

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
  /** Where a fault is that is not in the file itself but in what config.json says of its task. */
  at?: Place | undefined
  /** Epoch ms at which this fault was first seen. */
  since: number
}

interface BrokenAsk {
  since: number
  /** The place of a setting. */
  placeOf?: ((pointer: string) => Place | null) | undefined
}

/** A fault of a file, as it is listed. */
export function brokenFile ({ path, error, kept }: FileFault, { since, placeOf }: BrokenAsk): BrokenFile {
  const { line, column, pointer } = error.place
  const isSetting = path !== CONFIG && /^\/(?:tasks|builtin)\//.test(pointer ?? '')
  const at = isSetting ? placeOf?.(pointer!) : null
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
    ...at && { at: { ...at, pointer } },
    ...error.errors && error.errors.length > 1 && { errors: error.errors }
  }
}

/** The place of a fault to show. */
export const placeOfBroken = ({ file, line, column, pointer, at }: BrokenFile): Place =>
  at ?? { file, line, column, pointer }

/** The same for the same fault. */
export const keyOf = ({ file, pointer, code, message, errors }: BrokenFile) =>
  [file, pointer, code, message, JSON.stringify(errors)].join('\n')

/** The fault because of which no task has this id: of its section in config.json, or of the file that owns the id. */
export function faultOfTask (
  id: string,
  { broken, owners }: { broken: readonly BrokenFile[], owners: ReadonlyMap<string, string> }
): BrokenFile | null {
  const section = `${pointerOf(['tasks', id])}/`
  return broken.find(({ file, pointer = '', at }) =>
    (at ?? { file }).file === CONFIG && `${pointer}/`.startsWith(section) || file !== CONFIG && owners.get(id) === file
  ) ?? null
}
