/** What stands above the tables of the REST page. */
export const REST_INTRO = `# REST

JSON under \`/api\` on \`http://127.0.0.1:7420\`. The server describes itself at \`/api/openapi.json\` (OpenAPI 3.1), with a page to read and try it at \`/api/docs/\`.

- Every write needs \`Authorization: Bearer <token>\`: the owner's, which is in the file \`token\` of the data folder, or one that \`offpeak token create\` has made for a
  scope. \`read\` sees everything, \`run\` adds runs, signals and files too, \`control\` does everything; less than a route needs is a 403 that names the scope. Bound wider than loopback, behind a trusted
  proxy, or passed on by a relay, every request but \`/livez\` and \`/readyz\` needs one.
- On loopback a read without a token sees what goes on, not what is private: payloads, results, checkpoints and keys are null, and \`withheld\` names them; logs and records are a 401; events go without keys, and
  without who did what by hand and to what. \`server.private_reads: "open"\` in config.json shows them. Errors, warnings, progress and reasons are shown as the task says them: no secret belongs there. A wrong token is a 401 everywhere; the right one is never made to wait.
- Bodies are \`application/json\`, checked strictly: an unknown field is a fault. Instants are ISO 8601 in UTC with \`Z\`, durations seconds.
- Work that was started answers 202 with \`Location\`. With \`Idempotency-Key\` the same request sent again adds nothing: it answers 200 with what the first one added, and \`Idempotency-Replayed: true\`. Another request to the same route with that key is a 422, for as long as finished runs are kept (\`retention.max_age\`); the runs of each task are a route of their own. \`key\` in the body, or of each run in \`/api/runs/bulk\` and \`/api/flows\`, names a run whatever else is asked.
- Lists are \`{ items, next }\`; ask for the next page with \`?cursor=<next>\`, null is the end (\`?after=\` for log lines, \`?before=\` for records). \`/api/tasks\` and \`/api/schedules\` are plain lists.
- A list in a query is repeated or has commas: \`?state=queued,running\`.
- \`PATCH /api/tasks/{id}\` writes config.json. With \`If-Match\` set to the \`ETag\` that you read it is refused with 412 if the file has changed since.
- \`X-Offpeak-By\` names whoever asks in the record of what was done by hand. With a named token that is \`token:<name>\`, and what \`X-Offpeak-By\` says stands behind it.
- Refusals are \`application/problem+json\` (RFC 9457) with \`code\`, \`detail\`, mostly a \`fix\`, and \`errors\` with a JSON pointer for each fault. A 429 has \`Retry-After\`; for a full queue it is 1 to 60 seconds.`

export { ROUTES } from '../../../plugins/_http/words.ts'
