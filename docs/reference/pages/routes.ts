/** The introduction of the REST page. */
export const REST_INTRO = `# REST

The API is JSON under \`/api\` on \`http://127.0.0.1:7420\`. \`/api/openapi.json\` describes it (OpenAPI 3.1), and
\`/api/docs/\` is a page to read and try it. Programs can
[generate a client](../how-to/generate-a-client.md) from it.

- Each write needs \`Authorization: Bearer <token>\`. The token is the owner's, from the file \`token\` in the
  data folder, or one that \`offpeak token create\` made for a scope. \`read\` may read everything, \`run\` may also
  add runs, signals and files, and \`control\` may do everything. A token with too small a scope gets 403 with
  the scope that the route needs.
- Each request except \`/livez\` and \`/readyz\` needs a token if the server listens on more than loopback, if
  \`server.trust_proxy\` is set, or if a proxy has forwarded the request.
- Other local reads work without a token, but see nothing private. Payloads, results, checkpoints and keys are
  null, and \`withheld\` names them. Logs and records answer 401. Events contain no keys and no record of manual
  changes. \`server.private_reads: "open"\` in config.json lifts this. Errors, warnings, progress and reasons
  are always visible, so tasks must not write secrets into them. A wrong token gets 401 everywhere; the right
  one never has to wait.
- Bodies are \`application/json\`. An unknown field is an error. Instants are ISO 8601 in UTC with \`Z\`,
  durations seconds.
- A request that starts work answers 202 with \`Location\`.
- With \`Idempotency-Key\`, a repeated request adds nothing: it answers 200 with the result of the first one and
  \`Idempotency-Replayed: true\`. A different request to the same route with that key gets 422, as long as
  finished runs are kept (\`retention.max_age\`). The runs of each task are a route of their own. \`key\` in the
  body, or of each run in \`/api/runs/bulk\` and \`/api/flows\`, identifies a run only, whatever else the request
  contains.
- Lists are \`{ items, next }\`. Request the next page with \`?cursor=<next>\` until \`next\` is null (\`?after=\` for
  log lines, \`?before=\` for records). \`/api/tasks\` and \`/api/schedules\` are plain lists.
- A list in a query is repeated or separated by commas: \`?state=queued,running\`.
- Each JSON read has an \`ETag\`, which stands for exactly that answer: it changes when the answer does. With
  \`If-None-Match\` the answer is 304 as long as it is the same.
- \`PATCH\` and \`DELETE\` of a task, run or schedule take \`If-Match\`: with ETags of it, separated by commas, they
  answer 412 if it has changed since, and \`*\` matches whatever is there. Other changes have no ETag and refuse
  \`If-Match\` with 412. \`PATCH /api/tasks/{id}\` writes config.json.
- \`X-Offpeak-By\` is the name of the caller in the record of manual changes. With a named token the record says
  \`token:<name>\`, followed by that name.
- Errors are \`application/problem+json\` (RFC 9457) with \`code\`, \`detail\`, usually a \`fix\`, and \`errors\` with a
  JSON pointer for each. A 429 has \`Retry-After\`; for a full queue it is 1 to 60 seconds.`
