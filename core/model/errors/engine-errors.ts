import { OffpeakError } from './errors.ts'

export const engineBusy = (owner: string) =>
  new OffpeakError({
    code: 'OFFPEAK_ENGINE_BUSY',
    status: 503,
    message: `Another offpeak uses this data folder: ${owner}`,
    fix: 'Stop it, or start this one with another --data folder.'
  })

/** Another process has taken over the store from this one. */
export const engineTaken = (holder: string) =>
  new OffpeakError({
    code: 'OFFPEAK_ENGINE_TAKEN',
    status: 503,
    message: `Another offpeak has taken over this data folder: ${holder}`,
    fix: 'Stop this one; the other continues its runs.'
  })

export const engineFailed = (fault: { message: string, fix?: string, cause?: unknown, status?: number }) =>
  new OffpeakError({ status: 503, ...fault, code: 'OFFPEAK_ENGINE_FAILED' })

export const engineStopped = () =>
  new OffpeakError({
    code: 'OFFPEAK_ENGINE_STOPPED',
    status: 503,
    message: 'The engine is not running'
  })
