import { OffpeakError, placeWords } from './errors.ts'
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

/** A later source of the configuration sets the same. */
export const configOverridden = ({ setting, place }: { setting: string, place: Place }) =>
  new OffpeakError({
    ...place,
    code: 'OFFPEAK_CONFIG_OVERRIDDEN',
    status: 409,
    message: `${placeWords(place)} sets ${setting}, which overrides config.json: the change would have no effect`,
    fix: 'Change it there, or remove it there and repeat the change.'
  })

export const startRefused = (fault: Place & { message: string, fix?: string, cause?: unknown }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_START_REFUSED', status: 503 })

export const nodeTooOld = (version: string) =>
  new OffpeakError({
    code: 'OFFPEAK_START_REFUSED',
    status: 503,
    message: `offpeak needs Node 26 or later and this is ${version}`,
    fix: 'Start the program with a later Node.'
  })
