/** What stands above the tables of the REST page. */
export const REST_INTRO = `# REST

JSON under \`/api\` on \`http://127.0.0.1:7420\`. The server describes itself at \`/api/openapi.json\` (OpenAPI 3.1), with a page to read and try it at \`/api/docs/\`.

- On loopback a read needs nothing. Every write needs \`Authorization: Bearer <token>\`; the token is the file \`token\` in the data folder. Bound wider than
  loopback, or behind a trusted proxy, every request but \`/livez\` and \`/readyz\` needs it.
- Bodies are \`application/json\`, checked strictly: an unknown field is a fault. Instants are ISO 8601 in UTC with \`Z\`, durations seconds.
- Work that was started answers 202 with \`Location\`. With \`Idempotency-Key\` the same request sent again adds nothing: it answers 200 with what the first one added, and \`Idempotency-Replayed: true\`. Another request to the same route with that key is a 422, for as long as finished runs are kept (\`retention.max_age\`); the runs of each task are a route of their own. \`key\` in the body, or of each run in \`/api/runs/bulk\` and \`/api/flows\`, names a run whatever else is asked.
- Lists are \`{ items, next }\`; ask for the next page with \`?cursor=<next>\`, null is the end (\`?after=\` for log lines, \`?before=\` for records). \`/api/tasks\` and \`/api/schedules\` are plain lists.
- A list in a query is repeated or has commas: \`?state=queued,running\`.
- \`PATCH /api/tasks/{id}\` writes config.json. With \`If-Match\` set to the \`ETag\` that you read it is refused with 412 if the file has changed since.
- \`X-Offpeak-By\` names whoever asks in the record of what was done by hand.
- Refusals are \`application/problem+json\` (RFC 9457) with \`code\`, \`detail\`, mostly a \`fix\`, and \`errors\` with a JSON pointer for each fault. A 429 has \`Retry-After\`; for a full queue it is 1 to 60 seconds.`

/** What each route does, in the order of the page. */
export const ROUTES: Record<string, string> = {
  'GET /api/tasks': 'every task: status, schedule in words, last and next run, counts',
  'GET /api/tasks/{id}': 'one task',
  'PATCH /api/tasks/{id}': 'switch it on or off',
  'GET /api/tasks/{id}/next': 'its next fires',
  'GET /api/tasks/{id}/runs': 'its runs, newest first',
  'POST /api/tasks/{id}/runs': 'run it when its gates let it, or after `delay`, or at `due_at`; with both it is a 422. `now`: a person wants it at once',
  'GET /api/tasks/{id}/why': 'every gate of the task as it stands now, with what it saw and what it wants',
  'GET /api/runs': 'runs, newest first',
  'GET /api/runs/{id}': 'one run with payload, result and earlier attempts',
  'GET /api/runs/{id}/progress': 'how far it is',
  'GET /api/runs/{id}/logs': 'its log; `next` is the `after` that asks for later lines',
  'GET /api/runs/{id}/why': 'every gate of the run: start or hold, and for how long',
  'POST /api/runs/{id}/cancel': 'end a waiting run (200), or tell a running one to stop (202)',
  'POST /api/runs/{id}/retry': 'queue a finished run again, its attempts at zero',
  'PATCH /api/runs/{id}': 'change priority, payload or due time of a run that waits',
  'DELETE /api/runs/{id}': 'delete a run that is over (204), with its log and result; who did is recorded',
  'POST /api/runs/{id}/promote': 'make a waiting run due now; it is held as before',
  'POST /api/runs/{id}/now': 'start a waiting run now: it passes the conditions that load, power and comfort make, and the answer says which',
  'POST /api/runs/bulk': 'add up to 10,000 runs: all, or none',
  'POST /api/runs/cancel': 'cancel all runs that a filter names; `dry_run` counts them and shows the newest',
  'POST /api/runs/retry': 'the same: try them again',
  'POST /api/runs/delete': 'the same: delete those that are over',
  'POST /api/runs/promote': 'the same: make those that wait for their time due now',
  'POST /api/flows': 'add runs that wait for each other',
  'GET /api/dead': 'what has failed for good, by task and what it failed of',
  'POST /api/dead/replay': 'queue failed runs again, by task, fingerprint or all',
  'POST /api/dead/discard': 'remove failed runs, with a reason',
  'POST /api/dead/{id}/discard': 'remove one',
  'GET /api/queues': 'the queues: limits, what waits, what runs, who has paused them',
  'GET /api/queues/{name}': 'one queue',
  'GET /api/schedules': 'when tasks want to run',
  'GET /api/schedules/{id}': 'one schedule',
  'POST /api/schedules': 'add one; it survives restarts, and rests while its task is disabled',
  'DELETE /api/schedules/{id}': 'remove one that was added here',
  'GET /api/forecast': 'when what runs, waits and comes starts and ends, what is certain and what it depends on; 24 hours, or up to 336',
  'GET /api/pauses': 'what is paused by hand',
  'POST /api/pauses': 'pause everything, a queue, a task or a tag',
  'DELETE /api/pauses': 'let it go on',
  'GET /api/readings': 'what the machine was like',
  'GET /api/readings/now': 'what the machine is like',
  'GET /api/signals': 'the custom signals that are set',
  'PUT /api/signals/{name}': 'set one, for as long as `ttl` says',
  'DELETE /api/signals/{name}': 'take one back',
  'GET /api/stats/held': 'how long runs were held, by reason',
  'GET /api/records': 'what was done by hand: who, when, what',
  'GET /api/health': 'ok, degraded or failed, and why; 503 when failed',
  'GET /livez': 'the process answers',
  'GET /readyz': 'the manager has started; 503 until then'
}
