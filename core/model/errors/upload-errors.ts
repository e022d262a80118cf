import { OffpeakError } from './errors.ts'

export const uploadTooLarge = (most: number) =>
  new OffpeakError({
    code: 'OFFPEAK_UPLOAD_TOO_LARGE',
    status: 413,
    message: `A file may have at most ${most} bytes`,
    fix: 'Put it on the machine of the server and name its path, or raise uploads.max_bytes in config.json.'
  })

export const uploadBroken = (cause?: unknown) =>
  new OffpeakError({
    code: 'OFFPEAK_UPLOAD_BROKEN',
    status: 400,
    message: 'The upload ended before the file was complete',
    fix: 'Send it again.',
    cause
  })

export const uploadRefused = (fault: { message: string, fix: string }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_UPLOAD_REFUSED', status: 415 })

export const uploadStalled = (seconds: number) =>
  new OffpeakError({
    code: 'OFFPEAK_UPLOAD_STALLED',
    status: 408,
    message: `No data of the file has arrived for ${seconds} s`,
    fix: 'Send it again, or raise uploads.idle_timeout in config.json.'
  })

export const diskFull = (reserve: number) =>
  new OffpeakError({
    code: 'OFFPEAK_DISK_FULL',
    status: 507,
    message: `The disk of the data folder has no room for the file: ${reserve} bytes must stay free`,
    fix: 'Free some space, or lower uploads.disk_reserve in config.json.'
  })
