import { OffpeakError } from './errors.ts'

/** A file that a command was asked to write. */
export const fileNotWritten = (
  { file, reason, fix, cause }: { file: string, reason: string, fix: string, cause?: unknown }
) =>
  new OffpeakError({
    code: 'OFFPEAK_FILE_NOT_WRITTEN',
    status: 409,
    file,
    message: `${file} cannot be written: ${reason}`,
    fix,
    cause
  })
