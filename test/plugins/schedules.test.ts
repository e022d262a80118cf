import t from 'tap'
import { setup } from './setup.ts'

async function place (t: Parameters<typeof setup>[0]) {
  const it = await setup(t)
  const made = await it.post('/api/schedules', { task: 'echo', trigger: '0 3 * * *', payload: { full: true } })
  const url = `/api/schedules/${made.json().id}`
  const patch = (payload: unknown, headers = {}) =>
    it.ask({
      method: 'PATCH',
      url,
      payload: JSON.stringify(payload),
      headers: {
        'content-type': 'application/json',
        ...headers
      }
    })
  return { ...it, url, patch }
}

t.test('a schedule is changed by a merge patch, which answers it with its new ETag', async t => {
  const { ask, url, patch } = await place(t)
  const before = await ask({ url })
  const changed = await patch({ trigger: '30 4 * * *', timezone: 'Europe/Rome', payload: { full: null, fast: true } }, {
    'content-type': 'application/merge-patch+json',
    'if-match': before.headers.etag
  })
  t.match(changed.json(), {
    id: before.json().id,
    trigger: '30 4 * * *',
    timezone: 'Europe/Rome',
    words: /04:30/,
    payload: { fast: true },
    paused: false
  })
  const after = await ask({ url })
  t.strictSame(after.json(), changed.json())
  t.equal(after.headers.etag, changed.headers.etag)
  t.match((await patch({ paused: true }, { 'if-match': before.headers.etag })).json(), {
    status: 412,
    code: 'OFFPEAK_PRECONDITION_FAILED',
    detail: /^The schedule '.*' has changed since you read it$/
  })
  t.equal((await patch({ timezone: null })).json().timezone, 'UTC', 'the zone of the task')
  const { items } = (await ask({ url: '/api/records?action=reschedule' })).json()
  t.match(items, [{ by: 'api', detail: { timezone: null } }, { detail: { trigger: '30 4 * * *' } }])
})

t.test('a schedule is paused and resumed, and says so', async t => {
  const { ask, url, patch } = await place(t)
  const paused = (await patch({ paused: true })).json()
  t.match(paused, {
    paused: true,
    resting: true,
    next_at: null,
    reason: { code: 'paused', message: /schedules resume/ }
  })
  t.match((await ask({ url: '/api/tasks/echo' })).json(), { status: 'idle', next_run: null })
  t.match((await ask({ url: '/api/tasks/echo/why' })).json().resting, { code: 'paused' })
  t.match((await patch({ paused: false })).json(), { paused: false, resting: false, next_at: /T03:00/ })
  t.equal((await ask({ url })).json().reason, null)
})

t.test('a wrong patch is refused with what to do', async t => {
  const { ask, patch } = await place(t)
  const refused = async (payload: unknown) => (await patch(payload)).json()
  t.match(await refused({}), { status: 422 })
  t.match(await refused({ task: 'hourly' }), { status: 422, errors: [{ pointer: '/task' }] })
  t.match(await refused({ trigger: null }), { status: 422, errors: [{ pointer: '/trigger' }] })
  t.match(await refused({ trigger: '61 * * * *' }), { status: 422, code: 'OFFPEAK_TRIGGER_INVALID' })
  t.match(await refused({ trigger: 'date', trigger_args: { run_date: '2001-01-01T00:00:00Z' } }), {
    status: 422,
    errors: [{ pointer: '/trigger_args/run_date', detail: /has passed, expected a future date/ }]
  })
  const deep = JSON.parse('{"a":'.repeat(40) + '1' + '}'.repeat(40)) as object
  t.match(await refused({ payload: deep }), { status: 422, errors: [{ detail: /deeper than 32 levels/ }] },
    'nothing is left out of a payload')
  const file = await ask({ method: 'PATCH', url: '/api/schedules/hourly', payload: { paused: true } })
  t.match(file.json(), { status: 409, code: 'OFFPEAK_RUN_CONFLICT', detail: /part of a task file.*change the file/ })
  t.equal((await ask({ method: 'PATCH', url: '/api/schedules/nope', payload: { paused: true } })).statusCode, 404)
})
