import { OffpeakError } from './errors.ts'
import type { Detail, Place } from './errors.ts'

export const configInvalid = (fault: Place & { message: string, fix?: string, cause?: unknown, errors?: Detail[] }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_CONFIG_INVALID', status: 422 })

/** Other users may change the file or folder of the configuration. */
export const configExposed = ({ file, message, fix }: { file: string, message: string, fix: string }) =>
  new OffpeakError({
    code: 'OFFPEAK_CONFIG_EXPOSED',
    status: 422,
    file,
    message,
    fix
  })

export const configConflict = () =>
  new OffpeakError({
    code: 'OFFPEAK_CONFIG_CONFLICT',
    status: 412,
    message: 'The configuration has changed since you read it',
    fix: 'Read it again and repeat the change with the new ETag.'
  })

export const startRefused = (fault: Place & { message: string, fix?: string, cause?: unknown }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_START_REFUSED', status: 503 })
