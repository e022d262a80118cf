import { OffpeakError, show } from './errors.ts'

export const scheduleNotFound = (id: string) =>
  new OffpeakError({
    code: 'OFFPEAK_SCHEDULE_NOT_FOUND',
    status: 404,
    message: `No schedule has the id ${show(id)}`
  })

export const idempotencyConflict = (key: string) =>
  new OffpeakError({
    code: 'OFFPEAK_IDEMPOTENCY_CONFLICT',
    status: 422,
    pointer: '/headers/idempotency-key',
    message: `The Idempotency-Key ${show(key)} was used for another request`,
    fix: 'Send the same request again, or another key.'
  })

/** `what`: such as `task 'backup'`. */
export const preconditionFailed = (what: string) =>
  new OffpeakError({
    code: 'OFFPEAK_PRECONDITION_FAILED',
    status: 412,
    pointer: '/headers/if-match',
    message: `The ${what} has changed since you read it`,
    fix: 'Read it again, and repeat the change with the new ETag.'
  })

export const noTag = () =>
  new OffpeakError({
    code: 'OFFPEAK_PRECONDITION_FAILED',
    status: 412,
    pointer: '/headers/if-match',
    message: 'What is at this address has no ETag, so that If-Match never holds',
    fix: 'Leave the If-Match header out.'
  })

export const routeNotFound = (path: string) =>
  new OffpeakError({
    code: 'OFFPEAK_ROUTE_NOT_FOUND',
    status: 404,
    message: `No route is at ${show(path)}`,
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

export const serverUnreachable = ({ url, cause }: { url: string, cause?: unknown }) =>
  new OffpeakError({
    code: 'OFFPEAK_SERVER_UNREACHABLE',
    status: 503,
    message: `No offpeak answers at ${url}`,
    fix: 'Start it with `offpeak start`, or name another with --url or --data.',
    cause
  })

/** No server of the folder runs, and another program listens at the configured address. `owner`: which, if known. */
export const serverForeign = (
  { folder, url, owner, cause }: { folder: string, url: string, owner: string | null, cause?: unknown }
) =>
  new OffpeakError({
    code: 'OFFPEAK_SERVER_UNREACHABLE',
    status: 503,
    message: `No server of ${folder} runs; ${url} belongs to ${owner ?? 'another program'}`,
    fix: 'Start one with `offpeak start --port` and a free port, or name the server to ask with --url or --data.',
    cause
  })

/** Something answers at the URL, but not as offpeak does. `found`: what it answers. */
export const serverStrange = ({ url, found }: { url: string, found: string }) =>
  new OffpeakError({
    code: 'OFFPEAK_SERVER_UNREACHABLE',
    status: 503,
    message: `${url} answers, but not as offpeak does (${found})`,
    fix: 'Name the address of an offpeak with --url, with the prefix if it has one.'
  })

/** The server accepted the connection and did not answer: it may have handled the request. */
export const serverSilent = ({ url, isWrite, cause }: { url: string, isWrite: boolean, cause?: unknown }) =>
  new OffpeakError({
    code: 'OFFPEAK_SERVER_SILENT',
    status: 504,
    message: `The server at ${url} has accepted the connection but not answered${
      isWrite ? '; the request may have been accepted' : ''
    }`,
    fix: `Check with \`offpeak health\` whether it is blocked${
      isWrite ? ', and with `offpeak tasks` or `offpeak runs` what has been done, before you repeat it' : ''
    }.`,
    cause
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

/** `retryAfter`: seconds after which there may be room. */
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
    fix: known.length === 1 ? `The only queue is ${known[0]}.` : `The queues are ${known.join(', ')}.`
  })

/** The simulated time of a test ended before the expected event. */
export const waitedInVain = (message: string) =>
  new OffpeakError({ code: 'OFFPEAK_WAITED_IN_VAIN', status: 504, message })

export const forecastTooLarge = (fault: { message: string, fix: string }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_FORECAST_TOO_LARGE', status: 422 })

export const tooManyReaders = (most: number) =>
  new OffpeakError({
    code: 'OFFPEAK_TOO_MANY_READERS',
    status: 503,
    message: `There are already ${most} readers of events`,
    fix: 'Try again later.'
  })

/** A request that arrived while the event loop was blocked. */
export const loopBlocked = (words: string) =>
  new OffpeakError({
    code: 'OFFPEAK_LOOP_BLOCKED',
    status: 503,
    message: words,
    fix: 'Wait until it continues or stop offpeak, and use isolation: thread or process for work that does not await.'
  })
