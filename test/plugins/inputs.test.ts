import t from 'tap'
import { setup } from './setup.ts'

const RUNS = '/api/tasks/echo/runs'
const JSON_TYPE = { 'content-type': 'application/json' }

t.test('a body is not converted, and unknown members are refused [S14]', async t => {
  const { ask, finished } = await setup(t)
  const refused = [{ payloade: 1 }, { priority: 'urgent' }, { priority: 3 }, { key: 7 }, { delay: true }, {
    delay: 'soon'
  }, { delay: -1 }, { due_at: 'tomorrow' }, { state: 'completed' }, { attempt: 9 }, [], 'x', 7]
  for (const payload of refused) {
    const answer = await ask({ method: 'POST', url: RUNS, payload: JSON.stringify(payload), headers: JSON_TYPE })
    t.equal(answer.statusCode, 422, JSON.stringify(payload))
  }
  t.equal((await ask({ method: 'PATCH', url: '/api/tasks/echo', payload: { enabled: 'true' } })).statusCode, 422)
  t.equal((await ask({ method: 'PATCH', url: '/api/tasks/echo' })).statusCode, 422)
  const { id } = (await ask({ method: 'POST', url: RUNS, payload: { payload: { n: '5', extra: null } } })).json()
  t.same((await finished(id)).payload, { n: '5', extra: null })
})

t.test('a missing body is an empty object', async t => {
  const { ask } = await setup(t)
  t.equal((await ask({ method: 'POST', url: RUNS })).statusCode, 202)
  t.equal((await ask({ method: 'POST', url: RUNS, headers: JSON_TYPE })).statusCode, 202)
})

t.test('an error for a mistyped key suggests the right one [S14]', async t => {
  const { post } = await setup(t)
  const { errors } = (await post(RUNS, { payloade: 1 })).json()
  t.same(errors, [{ pointer: '/payloade', detail: "unknown key 'payloade': did you mean 'payload'?" }])
})

t.test('query strings are converted by their schema, and unknown members are refused', async t => {
  const { ask } = await setup(t)
  t.equal((await ask({ url: '/api/runs?limit=2' })).statusCode, 200)
  t.equal((await ask({ url: '/api/tasks?enabled=false' })).json().length, 0)
  for (const query of ['limit=0', 'limit=999', 'limit=x', 'limit=2&limit=3', 'foo=1', 'state=lost', 'state=queued,lost',
    'from=yesterday', 'from=2026-11-22T00:00:00', '__proto__=1']) {
    const answer = await ask({ url: `/api/runs?${query}` })
    t.equal(answer.statusCode, 422, query)
    t.match(answer.json().errors[0].pointer, /^\/query\//, query)
  }
})

t.test('keys that change prototypes are refused [F44, S20]', async t => {
  const { ask } = await setup(t)
  for (const payload of ['{"__proto__": {"polluted": 1}}',
    '{"payload": {"constructor": {"prototype": {"polluted": 1}}}}', '{"payload": {"a": [{"__proto__": 1}]}}']) {
    t.match((await ask({ method: 'POST', url: RUNS, payload, headers: JSON_TYPE })).json(), {
      status: 400,
      code: 'OFFPEAK_INVALID_JSON_BODY',
      detail: /__proto__/
    }, payload)
  }
  t.equal(({} as { polluted?: number }).polluted, undefined)
})

t.test('a body that is not UTF-8 or not JSON is refused [F45]', async t => {
  const { ask } = await setup(t)
  const send = (payload: Buffer | string) => ask({ method: 'POST', url: RUNS, payload, headers: JSON_TYPE })
  const broken = await send(Buffer.from([0x7B, 0x22, 0x6B, 0x22, 0x3A, 0x22, 0xFF, 0x22, 0x7D]))
  t.equal(broken.statusCode, 400)
  t.equal(broken.json().code, 'OFFPEAK_BODY_NOT_UTF8')
  t.match((await send('{"payload":')).json(), {
    status: 400,
    code: 'OFFPEAK_INVALID_JSON_BODY',
    detail: 'The body is not JSON, line 1, column 12: Unexpected end'
  })
  t.match((await send('{\n  "payload": tru }')).json(), { detail: /line 2, column 17/ })
})

t.test('size and depth are bounded [F42, F43, S15]', async t => {
  const { ask, post } = await setup(t)
  const large = await ask({
    method: 'POST',
    url: RUNS,
    payload: JSON.stringify({ payload: 'x'.repeat(2 ** 20) }),
    headers: JSON_TYPE
  })
  t.equal(large.statusCode, 413)
  t.equal(large.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.match(large.json(), { code: 'OFFPEAK_BODY_TOO_LARGE', detail: /1 MiB/, fix: /api\/files/ })
  t.equal((await post(RUNS, { payload: 'x'.repeat(300 * 1024) })).statusCode, 422)
  const deep = `{"payload":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
  t.equal((await ask({ method: 'POST', url: RUNS, payload: deep, headers: JSON_TYPE })).statusCode, 422)
})

t.test('a payload is checked against the schema of its task', async t => {
  const { post } = await setup(t)
  t.equal((await post('/api/tasks/typed/runs', { payload: { n: 1 } })).statusCode, 202)
  const refused = await post('/api/tasks/typed/runs', { payload: { n: 'one' } })
  t.equal(refused.statusCode, 422)
  t.equal(refused.json().errors[0].pointer, '/payload/n')
})
