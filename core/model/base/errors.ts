import { cut } from './text.ts'
import { shownJson } from './json.ts'

/** Where a fault lies in something a person wrote. */
export interface Place {
  file?: string | undefined
  line?: number | undefined
  column?: number | undefined
  /** JSON pointer, RFC 6901. */
  pointer?: string | undefined
}

export interface Fault extends Place {
  code: string
  /** HTTP status that fits the fault. */
  status: number
  message: string
  /** What to do about it, one sentence. */
  fix?: string | undefined
  cause?: unknown
  /** One entry for each fault found, when there are several. */
  errors?: Detail[] | undefined
  /** Seconds after which the same may be taken. */
  retryAfter?: number | undefined
}

/** `line`: where it stands, as far as that is known. `fix`: what to do about this one. */
export interface Detail {
  pointer: string
  detail: string
  line?: number | undefined
  fix?: string | undefined
}

const MOST_FIXES = 3

/** What to do about several faults, each thing once. */
const fixOf = (errors: readonly Detail[]): string | undefined =>
  [...new Set(errors.flatMap(({ fix }) => fix ?? []))].slice(0, MOST_FIXES).join(' ') || undefined

/** Every error that offpeak raises on purpose: a code, a sentence, a place and what to do. */
export class OffpeakError extends Error {
  readonly code: string
  readonly statusCode: number
  readonly fix: string | undefined
  readonly place: Place
  readonly errors: Detail[] | undefined
  readonly retryAfter: number | undefined

  constructor (fault: Fault) {
    super(fault.message, { cause: fault.cause })
    this.name = 'OffpeakError'
    this.code = fault.code
    this.statusCode = fault.status
    this.fix = fault.fix
    this.errors = fault.errors
    this.retryAfter = fault.retryAfter
    this.place = { file: fault.file, line: fault.line, column: fault.column, pointer: fault.pointer }
  }
}

/** `file:line:column pointer`, as far as each is known. */
export function placeWords ({ file, line, column, pointer }: Place): string {
  const at = [file, line, column].filter(part => part !== undefined).join(':')
  return [at, pointer].filter(Boolean).join(' ')
}

/** A message without the pointer that stands before it already. */
export function onceSaid (message: string, { pointer }: Place): string {
  return pointer !== undefined && message.startsWith(`${pointer} `) ? message.slice(pointer.length + 1) : message
}

const SHOWN = { bytes: 1000, depth: 4 }

/** A value in a message, bounded. */
export function show (value: unknown): string {
  const text = typeof value === 'string'
    ? `'${cut(value, 100)}'`
    : value === undefined
    ? 'nothing'
    : JSON.stringify(shownJson(value, SHOWN))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

export const configInvalid = (fault: Place & { message: string, fix?: string, cause?: unknown, errors?: Detail[] }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_CONFIG_INVALID', status: 422 })

/** Others may change what the configuration is read from. */
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

export const taskInvalid = (fault: Place & { message: string, fix?: string, cause?: unknown, errors?: Detail[] }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_TASK_INVALID', status: 422 })

export const taskFileBroken = (
  fault: Place & { message: string, fix?: string | undefined, cause?: unknown, errors?: Detail[] | undefined }
) => new OffpeakError({ ...fault, code: 'OFFPEAK_TASK_FILE_BROKEN', status: 422 })

export const taskDuplicate = ({ id, first, second }: { id: string, first: string, second: string }) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_DUPLICATE',
    status: 409,
    file: second,
    message: `The task id '${id}' is defined in ${first} and again in ${second}; the first one stays in force`,
    fix: 'Give one of the two another id.'
  })

export const taskLimit = (max: number) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_LIMIT',
    status: 409,
    message: `There are already ${max} tasks, which is manager.max_tasks`,
    fix: 'Raise manager.max_tasks in config.json or remove a task.'
  })

export const taskNotFound = (id: string) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_NOT_FOUND',
    status: 404,
    message: `No task has the id ${show(id)}`,
    fix: 'List the tasks with `offpeak tasks`.'
  })

export const runNotFound = (id: string) =>
  new OffpeakError({
    code: 'OFFPEAK_RUN_NOT_FOUND',
    status: 404,
    message: `No run has the id ${show(id)}`,
    fix: 'List the runs with `offpeak runs`.'
  })

export const scheduleNotFound = (id: string) =>
  new OffpeakError({
    code: 'OFFPEAK_SCHEDULE_NOT_FOUND',
    status: 404,
    message: `No schedule has the id ${show(id)}`
  })

/** `wanted`: what it cannot be in this state, and where there is more to say, why; `what`: a run, or a schedule. */
export const runConflict = (
  { id, state, wanted, what = 'Run' }: { id: string, state: string, wanted: string, what?: 'Run' | 'Schedule' }
) =>
  new OffpeakError({
    code: 'OFFPEAK_RUN_CONFLICT',
    status: 409,
    message: `${what} ${id} is ${state}: it cannot be ${wanted}`,
    ...what === 'Run' && { fix: `What became of it: \`offpeak show ${id}\`.` }
  })

export const inputInvalid = ({ what, errors, cause }: { what: string, errors: Detail[], cause?: unknown }) =>
  new OffpeakError({
    code: 'OFFPEAK_INPUT_INVALID',
    status: 422,
    message: `${what}: ${errors.map(({ pointer, detail }) => `${pointer || '/'} ${detail}`).join('; ')}`,
    fix: fixOf(errors),
    errors,
    cause
  })

export const idempotencyConflict = (key: string) =>
  new OffpeakError({
    code: 'OFFPEAK_IDEMPOTENCY_CONFLICT',
    status: 422,
    pointer: '/headers/idempotency-key',
    message: `The Idempotency-Key ${show(key)} was used for another request`,
    fix: 'Send the same request again, or another key.'
  })

export const durationInvalid = (value: unknown) =>
  new OffpeakError({
    code: 'OFFPEAK_DURATION_INVALID',
    status: 422,
    message: `${show(value)} is not a duration: expected seconds as a number, or words such as '15m', '1h 30m', 'PT15M'`
  })

export const durationTooLong = (value: unknown) =>
  new OffpeakError({
    code: 'OFFPEAK_DURATION_INVALID',
    status: 422,
    message: `${show(value)} is more than ten years: expected at most ten years`,
    fix: 'Write a shorter duration, or leave the setting out.'
  })

export const cursorInvalid = (cursor: string) =>
  new OffpeakError({
    code: 'OFFPEAK_CURSOR_INVALID',
    status: 400,
    message: `${show(cursor)} is not a cursor that offpeak gave out`
  })

export const startRefused = (fault: Place & { message: string, fix?: string, cause?: unknown }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_START_REFUSED', status: 503 })

export const engineBusy = (owner: string) =>
  new OffpeakError({
    code: 'OFFPEAK_ENGINE_BUSY',
    status: 503,
    message: `Another offpeak uses this data folder: ${owner}`,
    fix: 'Stop it, or start this one with another --data folder.'
  })

/** Another process has taken the store over while this one had it. */
export const engineTaken = (holder: string) =>
  new OffpeakError({
    code: 'OFFPEAK_ENGINE_TAKEN',
    status: 503,
    message: `Another offpeak has taken this data folder over: ${holder}`,
    fix: 'Stop this one; what it was running is taken up by the other.'
  })

export const engineFailed = (fault: { message: string, fix?: string, cause?: unknown, status?: number }) =>
  new OffpeakError({ status: 503, ...fault, code: 'OFFPEAK_ENGINE_FAILED' })

export const engineStopped = () =>
  new OffpeakError({
    code: 'OFFPEAK_ENGINE_STOPPED',
    status: 503,
    message: 'The engine is not running'
  })

/** A trigger that cannot be read: names the field, what was found there and what was expected. */
export const triggerInvalid = ({ pointer, field, found, expected, cause }: {
  pointer: string
  field?: string | undefined
  found: unknown
  expected: string
  cause?: unknown
}) =>
  new OffpeakError({
    code: 'OFFPEAK_TRIGGER_INVALID',
    status: 422,
    pointer,
    message: `${field ?? pointer.slice(pointer.lastIndexOf('/') + 1)}: found ${show(found)}, expected ${expected}`,
    cause
  })

export const routeNotFound = (path: string) =>
  new OffpeakError({
    code: 'OFFPEAK_ROUTE_NOT_FOUND',
    status: 404,
    message: `Nothing is at ${show(path)}`,
    fix: 'The routes are listed in /api/openapi.json.'
  })

export const methodNotAllowed = ({ method, allowed }: { method: string, allowed: readonly string[] }) =>
  new OffpeakError({
    code: 'OFFPEAK_METHOD_NOT_ALLOWED',
    status: 405,
    message: `This address takes ${allowed.join(', ')}, not ${show(method)}`
  })

export const hostRefused = (host: string) =>
  new OffpeakError({
    code: 'OFFPEAK_HOST_REFUSED',
    status: 421,
    message: `This server does not answer to the name ${show(host)}`,
    fix: 'Add the name to server.allowed_hosts in config.json.'
  })

export const requestInvalid = ({ code = 'OFFPEAK_REQUEST_INVALID', status = 400, message, fix, cause }: {
  code?: string
  status?: number
  message: string
  fix?: string
  cause?: unknown
}) => new OffpeakError({ code, status, message, fix, cause })

/** What the command line was given does not fit. */
export const usageInvalid = (message: string, fix?: string) =>
  new OffpeakError({ code: 'OFFPEAK_USAGE_INVALID', status: 400, message, fix })

export const serverUnreachable = ({ url, cause }: { url: string, cause?: unknown }) =>
  new OffpeakError({
    code: 'OFFPEAK_SERVER_UNREACHABLE',
    status: 503,
    message: `No offpeak answers at ${url}`,
    fix: 'Start it with `offpeak start`, or name another with --url or --data.',
    cause
  })

/** Something takes connections there, and has not answered: what it was asked to do may have been done. */
export const serverSilent = ({ url, isWrite, cause }: { url: string, isWrite: boolean, cause?: unknown }) =>
  new OffpeakError({
    code: 'OFFPEAK_SERVER_SILENT',
    status: 504,
    message: `What listens at ${url} has taken the connection and not answered${
      isWrite ? '; the request may have been accepted' : ''
    }`,
    fix: `Ask \`offpeak health\` whether it stands still${
      isWrite ? ', and `offpeak tasks` or `offpeak runs` what has been done, before you repeat it' : ''
    }.`,
    cause
  })

export const signalInvalid = ({ message, pointer }: { message: string, pointer?: string }) =>
  new OffpeakError({
    code: 'OFFPEAK_SIGNAL_INVALID',
    status: 422,
    message,
    pointer,
    fix: 'Signals are set with a name, a value and how long it counts.'
  })

export const signalNotFound = (name: string) =>
  new OffpeakError({
    code: 'OFFPEAK_SIGNAL_NOT_FOUND',
    status: 404,
    message: `No signal has the name ${show(name)}`
  })

export const pauseNotFound = (what: string) =>
  new OffpeakError({
    code: 'OFFPEAK_PAUSE_NOT_FOUND',
    status: 404,
    message: `There is no pause of ${what}`,
    fix: 'List the pauses with `offpeak pauses`.'
  })

/** A table of readings that cannot be read: where, what was found there and what was expected. */
export const readingsInvalid = (fault: Place & { message: string }) =>
  new OffpeakError({
    ...fault,
    code: 'OFFPEAK_READINGS_INVALID',
    status: 422,
    fix: 'The first line names the columns: at,power,battery_level,charging,cpu_busy,idle_seconds,...'
  })

/** `retryAfter`: seconds after which there may be a place. */
export const queueFull = ({ queue, max, retryAfter }: { queue: string, max: number, retryAfter: number }) =>
  new OffpeakError({
    code: 'OFFPEAK_QUEUE_FULL',
    status: 429,
    retryAfter,
    message: `Queue '${queue}' is full: ${max} of its runs may wait`,
    fix: `Try again later, or raise queues.${queue}.max_length in config.json.`
  })

export const queueNotFound = ({ queue, known }: { queue: string, known: readonly string[] }) =>
  new OffpeakError({
    code: 'OFFPEAK_QUEUE_NOT_FOUND',
    status: 404,
    message: `No queue has the name ${show(queue)}`,
    fix: `There are ${known.join(', ') || 'none'}.`
  })

/** A test has let time pass for something that did not come. */
export const waitedInVain = (message: string) =>
  new OffpeakError({ code: 'OFFPEAK_WAITED_IN_VAIN', status: 504, message })

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
    message: 'The file broke off before its end',
    fix: 'Send it again.',
    cause
  })

export const uploadRefused = (fault: { message: string, fix: string }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_UPLOAD_REFUSED', status: 415 })

export const uploadStalled = (seconds: number) =>
  new OffpeakError({
    code: 'OFFPEAK_UPLOAD_STALLED',
    status: 408,
    message: `Nothing has come of the file for ${seconds} s`,
    fix: 'Send it again, or raise uploads.idle_timeout in config.json.'
  })

export const diskFull = (reserve: number) =>
  new OffpeakError({
    code: 'OFFPEAK_DISK_FULL',
    status: 507,
    message: `The disk of the data folder has no room for the file: ${reserve} bytes of it stay free`,
    fix: 'Make room, or lower uploads.disk_reserve in config.json.'
  })

export const forecastTooLarge = (fault: { message: string, fix: string }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_FORECAST_TOO_LARGE', status: 422 })

export const tooManyReaders = (most: number) =>
  new OffpeakError({
    code: 'OFFPEAK_TOO_MANY_READERS',
    status: 503,
    message: `There are already ${most} readers of events`,
    fix: 'Try again later.'
  })
