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

const COPY_FAULTS: Record<string, { reason: string, fix: string }> = {
  ENOSPC: { reason: 'the disk is full', fix: 'Free space there, or name another disk.' },
  EDQUOT: { reason: 'the disk quota is used up', fix: 'Remove files there, or name another disk.' },
  EROFS: { reason: 'its file system is read-only', fix: 'Name another disk.' },
  EACCES: { reason: 'its folder may not be written', fix: 'Name a folder that belongs to you.' },
  EPERM: { reason: 'its folder may not be written', fix: 'Name a folder that belongs to you.' },
  ENOTDIR: { reason: 'a part of its path is a file', fix: 'Name a path that does not exist yet.' }
}

/** OFFPEAK_FILE_NOT_WRITTEN for an error of the file system while a copy is written; any other error as it is. A full
 *  disk is also reported by the database. */
export function copyFaultIn (file: string, error: unknown): unknown {
  const { code = '', statusCode } = error as NodeJS.ErrnoException & { statusCode?: number }
  const fault = COPY_FAULTS[statusCode === 507 ? 'ENOSPC' : code]
  return fault === undefined ? error : fileNotWritten({ file, ...fault, cause: error })
}
