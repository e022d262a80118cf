import { OffpeakError } from '../errors/errors.ts'
import { requestInvalid } from '../errors/request-errors.ts'
import type { Detail, Place } from '../errors/errors.ts'

/** An error as HTTP tells it: RFC 9457, with the code, what to do, and the place in what a person wrote. */
export interface Problem extends Place {
  type: string
  title: string
  status: number
  detail: string
  instance: string
  code: string
  /** Under which the log has the details, when the problem does not say them. */
  request_id?: string | undefined
  fix?: string | undefined
  errors?: Detail[] | undefined
}

const INTERNAL = {
  code: 'OFFPEAK_INTERNAL',
  status: 500,
  message: 'Something went wrong inside offpeak; its log has the details'
}

const kebab = (code: string) => code.replace(/^OFFPEAK_/, '').toLowerCase().replaceAll('_', '-')

function titleOf (code: string): string {
  const words = kebab(code).replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const BODY_TOO_LARGE = {
  message: 'The body is larger than 1 MiB, or than 32 MiB where many runs are added',
  fix: 'Send what is large as a file, POST /api/files, and what is many in several calls.'
}

/** What went wrong in the framework, in our words; null for what is nobody's business outside. */
function framed (error: unknown): OffpeakError | null {
  const { code, statusCode: status, message } = error as { code?: unknown, statusCode?: unknown, message?: unknown }
  if (typeof status !== 'number' || status < 400 || status >= 500) return null
  const name = typeof code === 'string' && code.startsWith('FST_')
    ? `OFFPEAK_${code.replace(/^FST_ERR_(?:CTP_)?/, '')}`
    : 'OFFPEAK_REQUEST_INVALID'
  return requestInvalid({
    code: name,
    status,
    message: String(message),
    ...name === 'OFFPEAK_BODY_TOO_LARGE' && BODY_TOO_LARGE
  })
}

/** One entry for each fault, also where there is but one and it has a place. */
function errorsOf ({ errors, message, place: { pointer } }: OffpeakError): Detail[] | undefined {
  return errors ?? (pointer === undefined ? undefined : [{ pointer, detail: message }])
}

/** Anything thrown as a problem; what was not thrown on purpose says nothing of itself. `instance`: the path that was
 *  asked for. */
export function problemOf (error: unknown, instance: string): Problem {
  const known = error instanceof OffpeakError ? error : framed(error)
  const { code, message } = known ?? INTERNAL
  return {
    type: `urn:offpeak:problem:${kebab(code)}`,
    title: titleOf(code),
    status: known?.statusCode ?? INTERNAL.status,
    detail: message,
    instance,
    code,
    fix: known?.fix,
    ...known?.place,
    ...known && { errors: errorsOf(known) }
  }
}
