import { OffpeakError } from '../errors/errors.ts'
import { requestInvalid } from '../errors/request-errors.ts'
import type { Detail, Place } from '../errors/errors.ts'

/** An error as an HTTP problem (RFC 9457), with its code, its fix and the place of the fault. */
export interface Problem extends Place {
  type: string
  title: string
  status: number
  detail: string
  instance: string
  code: string
  /** The id of the log line with the details, when the problem does not contain them. */
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

/** The error for a fault that Fastify found; null for one whose details must stay internal. */
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

/** One entry for each fault, also for a single one with a pointer. */
function errorsOf ({ errors, message, place: { pointer } }: OffpeakError): Detail[] | undefined {
  return errors ?? (pointer === undefined ? undefined : [{ pointer, detail: message }])
}

/** Anything thrown as a problem; unexpected errors reveal no details. `instance`: the requested path. */
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
