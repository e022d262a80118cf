import t from 'tap'
import { STATES } from '../../core/model/run/run.ts'
import { TASKS, held, setup } from './setup.ts'
import { until } from '../clock.ts'
import type { Test } from 'tap'

const queues = { net: { concurrency: 2, rate: { limit: 5, per: '1m' }, max_length: 3 } }
const tasks = [{ id: 'echo', func: () => 1, queue: 'net' }, { id: 'plain', func: () => 2 }]

const limited = (t: Test) => setup(t, { tasks, options: { config: { queues } } })

t.test('queues are listed with limits, waiting runs and pauses', async t => {
  const { ask, post } = await limited(t)
  t.equal((await post('/api/pauses', { scope: 'queue', name: 'net', reason: 'a change' })).statusCode, 201)
  await post('/api/tasks/echo/runs')
  const list = (await ask({ url: '/api/queues' })).json()
  t.match(list, [
    {
      name: 'default',
      depth: 0,
      concurrency: null,
      rate: null,
      max_length: null,
      on_full: 'refuse',
      paused: null,
      oldest: null
    },
    {
      name: 'net',
      tasks: ['echo'],
      depth: 1,
      running: 0,
      concurrency: 2,
      rate: { limit: 5, per: 60, left: 5 },
      max_length: 3,
      paused: { by: 'api', reason: 'a change' },
      oldest: /Z$/
    }
  ])
  t.same((await ask({ url: '/api/queues/net' })).json(), list[1])
  await ask({ method: 'DELETE', url: '/api/pauses?scope=queue&name=net' })
  t.equal((await ask({ url: '/api/queues/net' })).json().paused, null)
})

t.test('an unknown queue is an error that lists the existing ones', async t => {
  const { ask, post } = await limited(t)
  for (const name of ['nope', '__proto__', 'constructor']) {
    const answer = await ask({ url: `/api/queues/${name}` })
    t.equal(answer.statusCode, 404, name)
    t.match(answer.json(), { code: 'OFFPEAK_QUEUE_NOT_FOUND', fix: /default, net/ })
  }
  t.equal((await post('/api/pauses', { scope: 'queue', name: 'nope' })).statusCode, 422)
})

t.test('a full queue answers 429 [S16]', async t => {
  const { post } = await limited(t)
  const add = () => post('/api/tasks/echo/runs', { delay: '1h' })
  for (let count = 0; count < 3; count++) t.equal((await add()).statusCode, 202)
  const refused = await add()
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), { code: 'OFFPEAK_QUEUE_FULL', detail: /net/, fix: /max_length/ })
  t.equal(refused.headers['retry-after'], '60', 'nothing of it is due for an hour')
  t.equal((await post('/api/runs/bulk', { runs: [{ task: 'echo' }] })).headers['retry-after'], '60')
})

t.test('a repeated Idempotency-Key returns the first run, even when the queue is full', async t => {
  const { ask, post } = await limited(t)
  const once = () =>
    ask({
      method: 'POST',
      url: '/api/tasks/echo/runs',
      payload: '{"delay":"1h"}',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'order-7' }
    })
  const first = (await once()).json()
  for (let count = 0; count < 2; count++) await post('/api/tasks/echo/runs', { delay: '1h' })
  t.equal((await post('/api/tasks/echo/runs', { delay: '1h' })).statusCode, 429)
  const again = await once()
  t.ok(again.statusCode < 300, String(again.statusCode))
  t.equal(again.json().id, first.id)
})

t.test('a run with both a delay and an instant is refused', async t => {
  const { ask, post } = await setup(t)
  const both = { delay: 60, due_at: '2099-01-01T00:00:00Z' }
  const pointers = async (url: string, body: object) => {
    const { status, code, errors } = (await post(url, body)).json()
    t.match({ status, code }, { status: 422, code: 'OFFPEAK_INPUT_INVALID' }, url)
    return errors.map(({ pointer }: { pointer: string }) => pointer)
  }
  t.same(await pointers('/api/tasks/echo/runs', both), ['/delay', '/due_at'])
  for (const url of ['/api/runs/bulk', '/api/flows']) {
    t.same(await pointers(url, { runs: [{ task: 'echo' }, { task: 'echo', ...both }] }), ['/runs/1/delay',
      '/runs/1/due_at'])
  }
  t.same((await ask({ url: '/api/runs' })).json().items, [], 'and nothing was added')
  for (const one of [{ delay: 0 }, { due_at: both.due_at }]) {
    t.equal((await post('/api/tasks/echo/runs', one)).statusCode, 202)
  }
})

t.test('many runs are added in one request', async t => {
  const { ask, post } = await setup(t)
  const runs = Array.from({ length: 500 }, (_, n) => ({ task: 'echo', payload: { n }, delay: '1h', key: `n${n}` }))
  const first = await post('/api/runs/bulk', { runs })
  t.equal(first.statusCode, 201)
  t.equal(first.json().added, 500)
  t.equal((await post('/api/runs/bulk', { runs })).json().added, 0, 'their keys say that they are there')
  t.match((await ask({ url: `/api/runs/${first.json().runs[7].id}` })).json(), { payload: { n: 7 } })
  const refused = await post('/api/runs/bulk', {
    runs: [{ task: 'echo' }, { task: 'typed', payload: { n: 'x' } }, { task: 'gone' }]
  })
  t.equal(refused.statusCode, 422)
  t.same(refused.json().errors.map(({ pointer }: { pointer: string }) => pointer), ['/runs/1/payload/n',
    '/runs/2/task'])
  t.equal((await ask({ url: '/api/runs?task=echo&limit=200&state=completed' })).json().items.length, 0)
})

t.test('a payload that is too large, too deep or changes prototypes is refused [F42, F44]', async t => {
  const { ask, post } = await setup(t)
  const headers = { 'content-type': 'application/json' }
  t.equal((await post('/api/runs/bulk', { runs: [{ task: 'echo', payload: 'x'.repeat(10 * 2 ** 20) }] })).statusCode,
    422)
  t.equal((await post('/api/runs/bulk', { runs: Array.from({ length: 10_001 }, () => ({ task: 'echo' })) })).statusCode,
    422)
  t.equal((await post('/api/runs/bulk', { runs: [] })).statusCode, 422)
  const deep = `{"runs":[{"task":"echo","payload":${'['.repeat(5000)}${']'.repeat(5000)}}]}`
  t.equal((await ask({ method: 'POST', url: '/api/runs/bulk', payload: deep, headers })).statusCode, 422)
  const proto = '{"runs":[{"task":"echo","payload":{"__proto__":{"polluted":1}}}]}'
  t.equal((await ask({ method: 'POST', url: '/api/runs/bulk', payload: proto, headers })).statusCode, 400)
})

t.test('a dry run lists the runs that it counts, for every change and state', async t => {
  const { func, release } = held()
  const { app, post, finished } = await setup(t, { tasks: [...TASKS, { id: 'stays', concurrency: 2, func }] })
  const add = async (task: string, body = {}) => (await post(`/api/tasks/${task}/runs`, body)).json().id as string
  const first = await add('echo', { delay: '1h' })
  await add('echo', { after: [first] })
  await finished(await add('broken'))
  await finished(await add('echo'))
  const stays = await add('stays')
  await add('stays')
  await until('both run', () => app.manager.runner.active.size === 2)
  await add('stays')
  await post(`/api/runs/${await add('echo', { delay: '1h' })}/cancel`)
  // Asked to stop, but not yet notified.
  await app.manager.engine.cancel({ id: stays, now: Date.now(), reason: { code: 'cancelled', message: 'a test' } })
  const states = [undefined, ...STATES.map(state => [state]), ['running', 'failed'], ['completed', 'queued']]
  const asks = ['cancel', 'retry', 'delete'].flatMap(act =>
    states.map(state => ({ act, filter: { from: '2020-01-01T00:00:00Z', ...state && { state } } }))
  )
  const all = await Promise.all(
    asks.map(async ({ act, filter }) => ({
      name: `${act} ${filter.state}`,
      ...(await post(`/api/runs/${act}`, { filter, dry_run: true })).json()
    }))
  )
  for (const { name, matched, runs } of all) t.equal(runs.length, matched, name)
  t.ok(all.filter(({ matched }) => matched > 0).length > 10)
  t.equal((await post('/api/runs/cancel', { filter: { task: 'echo' }, dry_run: true, limit: 1 })).json().runs.length, 1)
  release()
})

t.test('runs are counted, cancelled, retried and deleted by filter', async t => {
  const { ask, post, finished } = await setup(t)
  const add = async (task: string) =>
    (await post(`/api/tasks/${task}/runs`, task === 'echo' ? { delay: '1h' } : {})).json().id as string
  const ids = [await add('echo'), await add('echo'), await add('broken')]
  await finished(ids[2]!)
  const filter = { task: 'echo' }
  const dry = (await post('/api/runs/cancel', { filter, dry_run: true })).json()
  t.match(dry, { matched: 2, changed: 0, dry_run: true, runs: [{ id: ids[1], label: 'scheduled' }, { id: ids[0] }] })
  t.equal((await ask({ url: `/api/runs/${ids[0]}` })).json().state, 'queued')
  t.same((await post('/api/runs/cancel', { filter, reason: 'not today' })).json(), {
    matched: 2,
    changed: 2,
    refused: 0,
    dry_run: false
  })
  t.match((await finished(ids[0]!)).reason, { message: 'not today', by: 'api' })
  t.same((await post('/api/runs/retry', { filter: { task: 'broken' } })).json(), {
    matched: 1,
    changed: 1,
    refused: 0,
    dry_run: false
  })
  await finished(ids[2]!)
  t.same((await post('/api/runs/delete', { filter: { task: 'echo' } })).json().changed, 2)
  t.equal((await ask({ url: `/api/runs/${ids[0]}` })).statusCode, 404)
  for (const body of [{}, { filter: {} }, { filter: { state: [] } }, { filter: { from: 'now' } }, {
    filter: { taks: 'echo' }
  }]) t.equal((await post('/api/runs/delete', body)).statusCode, 422, JSON.stringify(body))
})

t.test('a waiting run is changed and promoted, and a finished one is a conflict', async t => {
  const { ask, post, finished } = await setup(t)
  const { id } = (await post('/api/tasks/echo/runs', { delay: '1h', payload: 1 })).json()
  const patch = (payload: object) => ask({ method: 'PATCH', url: `/api/runs/${id}`, payload })
  t.match((await patch({ priority: 'low', payload: { n: 2 }, due_at: '2099-01-01T00:00:00Z' })).json(), {
    priority: 'low',
    due_at: '2099-01-01T00:00:00.000Z',
    label: 'scheduled'
  })
  for (const body of [{}, { priority: 'soon' }, { due_at: 'soon' }, { state: 'completed' }]) {
    t.equal((await patch(body)).statusCode, 422, JSON.stringify(body))
  }
  t.equal((await post(`/api/runs/${id}/promote`)).statusCode, 200)
  t.same((await finished(id)).payload, { n: 2 })
  t.equal((await patch({ priority: 'high' })).statusCode, 409)
  t.equal((await post(`/api/runs/${id}/promote`)).statusCode, 409)
  t.equal((await post(`/api/runs/${id}/cancel`)).statusCode, 409)
  t.equal((await post('/api/runs/nobody/promote')).statusCode, 404)
})

t.test('a finished run is deleted by id, and the record has the author and reason', async t => {
  const { ask, post, finished } = await setup(t)
  const { id } = (await post('/api/tasks/echo/runs', { payload: 1 })).json()
  const remove = (run: string, query = '') =>
    ask({ method: 'DELETE', url: `/api/runs/${run}${query}`, headers: { 'x-offpeak-by': 'ann' } })
  await finished(id)
  const gone = await remove(id, '?reason=too%20old')
  t.same([gone.statusCode, gone.body], [204, ''])
  t.equal((await ask({ url: `/api/runs/${id}` })).statusCode, 404)
  t.match((await ask({ url: '/api/records' })).json().items[0], {
    by: 'ann',
    action: 'discard',
    subject: id,
    detail: { task: 'echo', state: 'completed', message: 'too old' }
  })
  t.match((await remove(id)).json(), { status: 404, code: 'OFFPEAK_RUN_NOT_FOUND' })
  t.equal((await remove(id, '?why=no')).statusCode, 422)
})

t.test('an unfinished run is not deleted, and the error has a fix', async t => {
  const stay = held()
  const { ask, post, finished } = await setup(t, { tasks: [...TASKS, { id: 'stay', func: stay.func }] })
  const running = (await post('/api/tasks/stay/runs')).json().id as string
  const waiting = (await post('/api/tasks/echo/runs', { delay: '1h' })).json().id as string
  const stateOf = async (id: string) => (await ask({ url: `/api/runs/${id}` })).json().state
  await until('it runs', async () => await stateOf(running) === 'running')
  for (const [id, state] of [[running, 'running'], [waiting, 'queued']] as const) {
    t.match((await ask({ method: 'DELETE', url: `/api/runs/${id}` })).json(), {
      status: 409,
      code: 'OFFPEAK_RUN_CONFLICT',
      detail: `Run ${id} is ${state}: it cannot be deleted before it is finished: cancel it first`
    })
    t.equal(await stateOf(id), state)
    await post(`/api/runs/${id}/cancel`)
    await finished(id)
    t.equal((await ask({ method: 'DELETE', url: `/api/runs/${id}` })).statusCode, 204)
  }
})

t.test('an invalid queue is refused with its place', async t => {
  const wrong = [{ net: { concurrency: 0 } }, { net: { rate: { limit: 1, per: 0 } } }, { net: { rate: { limit: 1 } } },
    { 'Net!': {} }, { net: { on_full: 'burst' } }]
  for (const queues of wrong) {
    await t.rejects(setup(t, { options: { config: { queues } as never } }), { code: 'OFFPEAK_CONFIG_INVALID' },
      JSON.stringify(queues))
  }
})
