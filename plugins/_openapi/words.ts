interface RouteWords {
  summary: string
  /** What the summary and the schemas do not say. */
  details?: string
  /** The statuses of problems that do not follow from the shape of the route. */
  also?: readonly number[]
}

const BULK = 'Options as for `POST /api/runs/cancel`.'
const KEYED = 'With `Idempotency-Key` a repeated request adds nothing and answers 200.'

/** What each route does by method and path, in the order of docs/reference/rest.md. */
export const ROUTES: Record<string, RouteWords> = {
  'GET /api/tasks': { summary: 'every task: status, schedule in words, last and next run, counts' },
  'GET /api/builtin': { summary: 'the built-in tasks, and which of them are on' },
  'GET /api/tasks/{id}': { summary: 'one task' },
  'PATCH /api/tasks/{id}': {
    summary: 'turn a task on or off, also a built-in one that is off',
    details: 'The change is written to config.json and survives restarts.',
    also: [409]
  },
  'GET /api/tasks/{id}/next': { summary: 'the next fires of a task' },
  'GET /api/tasks/{id}/runs': { summary: 'the runs of a task, newest first' },
  'POST /api/tasks/{id}/runs': {
    summary: 'add a run, due now, after `delay` or at `due_at`',
    details: `\`delay\` and \`due_at\` together are a 422. \`now\`: start it at once. ${KEYED}`,
    also: [409]
  },
  'GET /api/tasks/{id}/why': { summary: 'every gate of the task now, with its value and its limit' },
  'GET /api/runs': { summary: 'runs, newest first' },
  'GET /api/runs/{id}': { summary: 'one run with payload, result and earlier attempts' },
  'GET /api/runs/{id}/progress': { summary: 'the progress of a run' },
  'GET /api/runs/{id}/logs': { summary: 'the log of a run', details: 'Pass `next` as `after` for later lines.' },
  'GET /api/runs/{id}/why': { summary: 'every gate of the run: start or hold, and until when' },
  'POST /api/runs/{id}/cancel': {
    summary: 'end a waiting run, or ask a running one to stop',
    details: 'Answers 200 when the run has ended, 202 while it still runs.',
    also: [409]
  },
  'POST /api/runs/{id}/retry': { summary: 'queue a finished run again, with no attempts counted', also: [409] },
  'PATCH /api/runs/{id}': {
    summary: 'change the priority, payload or due time of a waiting run',
    also: [409]
  },
  'DELETE /api/runs/{id}': {
    summary: 'delete a run that has ended, with its log and result',
    details: 'This is recorded.',
    also: [409]
  },
  'POST /api/runs/{id}/promote': {
    summary: 'make a waiting run due now',
    details: 'Its other gates stay as they are.',
    also: [409]
  },
  'POST /api/runs/{id}/now': {
    summary: 'start a waiting run now',
    details: 'It passes the gates for load, power and comfort, which `passes` lists.',
    also: [409]
  },
  'POST /api/runs/bulk': {
    summary: 'add up to 10,000 runs',
    details: `Either all or none are added. ${KEYED}`,
    also: [404, 409]
  },
  'POST /api/runs/cancel': {
    summary: 'cancel all runs that match a filter',
    details: '`dry_run` counts them and lists the newest.'
  },
  'POST /api/runs/retry': { summary: 'retry all runs that match a filter', details: BULK },
  'POST /api/runs/delete': { summary: 'delete all finished runs that match a filter', details: BULK },
  'POST /api/runs/promote': { summary: 'make all waiting runs that match a filter due now', details: BULK },
  'POST /api/flows': { summary: 'add runs that wait for each other', details: KEYED, also: [404, 409] },
  'GET /api/dead': { summary: 'dead runs, grouped by task and error' },
  'POST /api/dead/replay': { summary: 'queue failed runs again, by task, fingerprint or all', also: [404] },
  'POST /api/dead/discard': { summary: 'remove failed runs, with a reason' },
  'POST /api/dead/{id}/discard': { summary: 'remove one failed run, with a reason', also: [409] },
  'GET /api/queues': { summary: 'the queues: limits, waiting and running runs, pauses' },
  'GET /api/queues/{name}': { summary: 'one queue' },
  'GET /api/schedules': { summary: 'all schedules' },
  'GET /api/schedules/{id}': { summary: 'one schedule' },
  'POST /api/schedules': {
    summary: 'add a schedule',
    details: 'It survives restarts, and does not fire while its task is disabled.',
    also: [404]
  },
  'PATCH /api/schedules/{id}': {
    summary: 'change or pause a schedule that was added at run time',
    details:
      'The body is a JSON merge patch (RFC 7396), also as `application/merge-patch+json`. Another trigger begins ' +
      'now: what was due before has fired, and no instant fires twice.',
    also: [409]
  },
  'DELETE /api/schedules/{id}': { summary: 'remove a schedule that was added at run time', also: [409] },
  'GET /api/forecast': {
    summary: 'starts and ends of running, waiting and future runs, with what they depend on',
    details: 'The next 24 hours; at most 336.'
  },
  'GET /api/pauses': { summary: 'all pauses' },
  'POST /api/pauses': {
    summary: 'pause everything, a queue, a task or a tag',
    details: 'Running runs continue.',
    also: [404]
  },
  'DELETE /api/pauses': { summary: 'end a pause', also: [404] },
  'GET /api/readings': { summary: 'past readings of the machine' },
  'GET /api/readings/now': { summary: 'the current reading of the machine' },
  'GET /api/signals': { summary: 'the custom signals that are set' },
  'PUT /api/signals/{name}': { summary: 'set a signal for the duration of `ttl`' },
  'DELETE /api/signals/{name}': { summary: 'remove a signal' },
  'GET /api/stats': {
    summary: 'throughput, waits, durations, failures and retries by task or queue',
    details: 'Deleted runs count too.'
  },
  'GET /api/stats/held': { summary: 'how long runs were held, by reason' },
  'GET /api/timeline': {
    summary: 'the runs in a time range with the resources they used, and readings of the machine'
  },
  'GET /api/events': { summary: 'a stream of events', details: '`Last-Event-ID` resumes it.' },
  'POST /api/files': {
    summary: 'store a file for a task',
    details: 'The body is its bytes, identity or gzip. `uploads` in config.json limits its size.',
    also: [400, 408, 413, 415, 507]
  },
  'GET /api/records': { summary: 'the record of manual changes: who, when, what' },
  'GET /api/health': { summary: 'ok, degraded or failed, and why', details: 'Answers 503 when failed.' },
  'GET /livez': { summary: 'the process answers' },
  'GET /readyz': { summary: 'the manager has started', details: 'Answers 503 until then.' }
}

/** Descriptions of parameters whose schemas have none. */
export const PARAMETERS: Record<string, string> = {
  action: 'Only entries of this action, such as `run` or `pause`',
  after: 'Only lines after this `seq`',
  at: 'The instant to explain; default: now',
  by: 'One row for each task or each queue',
  count: 'The number of fires',
  cursor: 'The `next` of the page before',
  enabled: 'Only tasks that are enabled, or only others',
  from: 'The begin of the time range',
  hours: 'How far to look ahead',
  limit: 'The most items of a page',
  name: 'The name of the {subject}',
  id: 'The id of the {subject}',
  queue: 'Only this queue',
  schedule: 'Only runs of this schedule',
  scope: 'What is paused',
  source: 'Only runs from this source',
  status: 'Only tasks with one of these statuses; repeated, or separated by commas',
  tag: 'Only tasks with this tag',
  task: 'Only this task',
  to: 'The end of the time range; default: now'
}

/** The answers of the API by status. */
export const ANSWERS: Record<number, string> = {
  200: 'OK',
  201: 'Added',
  202: 'Accepted: the work goes on',
  204: 'Done; there is no body',
  304: 'Not changed: If-None-Match names the current ETag',
  400: 'The request is malformed',
  401: 'The token is missing or wrong',
  403: 'The scope of the token is too small, or a page of another site sent the request',
  404: 'There is no such thing',
  408: 'The body did not arrive in time',
  409: 'The state of the thing does not allow it',
  412: 'It has changed since its ETag was read',
  413: 'The body is too large',
  415: 'The body has the wrong content type',
  421: 'The Host header does not name this server',
  422: 'A parameter or the body is invalid; `errors` has a pointer for each fault',
  429: 'Too many wrong tokens, or a full queue; `Retry-After` says when to try again',
  503: 'The server starts, stops, or cannot store anything now',
  507: 'The disk is full'
}
