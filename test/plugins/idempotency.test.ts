import t from 'tap'
import type { Test } from 'tap'
import { createManager } from '../../core/manager.ts'
import { createServer, serverToken } from '../../core/server.ts'
import { fakeClock } from '../clock.ts'
import { forgetRequests } from '../../core/work/desk/request/keyed-request.ts'
import { setup } from './setup.ts'

const RUNS = '/api/tasks/echo/runs'
const CONFLICT = {
  status: 422,
  code: 'OFFPEAK_IDEMPOTENCY_CONFLICT',
  errors: [{ pointer: '/headers/idempotency-key' }],
  fix: /another key/
}

async function keyed (t: Test, given: Parameters<typeof setup>[1] = {}) {
  const it = await setup(t, given)
  const send = (key: string, payload: object, url = RUNS) =>
    it.ask({ method: 'POST', url, payload, headers: { 'idempotency-key': key } })
  const runs = async () => (await it.ask({ url: '/api/runs' })).json().items as { id: string, key: string | null }[]
  const records = async () => (await it.ask({ url: '/api/records' })).json().items as { action: string }[]
  return { ...it, send, runs, records }
}

t.test('a repeated request returns the first run, a different one with its key is refused', async t => {
  const { send, runs, records } = await keyed(t)
  const first = await send('k1', { payload: { a: 1, b: 2 }, delay: '1h' })
  t.same([first.statusCode, first.headers['idempotency-replayed']], [202, undefined])
  const again = await send('k1', { delay: '1h', payload: { b: 2, a: 1 } })
  t.same([again.statusCode, again.headers['idempotency-replayed'], again.headers.location], [200, 'true',
    first.headers.location], 'whatever the order of its keys')
  for (const other of [{ payload: { a: 1, b: 3 }, delay: '1h' }, { payload: { a: 1, b: 2 } }, {
    payload: { a: 1, b: 2 },
    delay: '2h'
  }, { payload: { a: 1, b: 2 }, delay: '1h', priority: 'low' }, {}]) {
    t.match((await send('k1', other)).json(), CONFLICT, JSON.stringify(other))
  }
  t.equal((await runs()).length, 1)
  t.equal((await records()).filter(({ action }) => action === 'run').length, 1, 'only what was added is recorded')
  t.equal((await send('k1', {}, '/api/tasks/hourly/runs')).statusCode, 202, 'for another task the key is another one')
})

t.test('a repeated request returns the run also after its end', async t => {
  const unique = { id: 'unique', func: () => 1, unique: { while: 'running' as const } }
  const { send, finished } = await keyed(t, { tasks: [unique] })
  const first = (await send('k1', { payload: 1 }, '/api/tasks/unique/runs')).json()
  await finished(first.id)
  const again = await send('k1', { payload: 1 }, '/api/tasks/unique/runs')
  t.match(again.json(), { id: first.id, state: 'completed' })
  t.equal(again.statusCode, 200)
})

t.test('two equal requests at once add one run, and of two different ones one is refused', async t => {
  const { send, runs } = await keyed(t)
  const same = await Promise.all(Array.from({ length: 8 }, () => send('k1', { payload: 1 })))
  t.same(same.map(({ statusCode }) => statusCode).toSorted(), [200, 200, 200, 200, 200, 200, 200, 202])
  const differ = await Promise.all([1, 2, 3].map(payload => send('k2', { payload })))
  t.same(differ.map(({ statusCode }) => statusCode).toSorted(), [202, 422, 422])
  t.equal((await runs()).length, 2)
})

t.test('a refused request can be corrected and sent again with its key', async t => {
  const { send } = await keyed(t)
  const url = '/api/tasks/typed/runs'
  t.equal((await send('k1', { payload: { n: 'one' } }, url)).statusCode, 422)
  t.equal((await send('k1', { payload: { n: 1 } }, url)).statusCode, 202)
  t.match((await send('k1', { payload: { n: 2 } }, url)).json(), CONFLICT)
})

for (const [url, one] of [['/api/runs/bulk', {}], ['/api/flows', { ref: 'a' }]] as const) {
  t.test(`${url}: many runs of one request are added once`, async t => {
    const { send, runs } = await keyed(t)
    const body = (payload: number) => ({
      runs: [{ task: 'echo', payload, delay: '1h', ...one }, { task: 'echo', delay: '1h' }, {
        task: 'echo',
        key: 'own',
        delay: '1h'
      }]
    })
    const ids = (answer: { json: () => { runs: { id: string }[] } }) => answer.json().runs.map(({ id }) => id)
    const first = await send('k1', body(1), url)
    t.equal(first.statusCode, 201)
    const again = await send('k1', body(1), url)
    t.same([again.statusCode, again.headers['idempotency-replayed']], [200, 'true'])
    t.same(ids(again), ids(first))
    t.ok(again.json().runs.every(({ created }: { created: boolean }) => !created))
    t.match((await send('k1', body(2), url)).json(), CONFLICT)
    t.equal((await runs()).length, 3)
    t.equal((await runs()).filter(({ key }) => key === 'own').length, 1, 'a key of its own stays')
    t.equal((await send('k2', body(1), url)).statusCode, 201, 'with another key it is another request')
    t.equal((await runs()).length, 5, 'but for the run with a key of its own')
  })
}

t.test('idempotency keys survive a restart', async t => {
  const { send, root, app } = await keyed(t)
  const body = { runs: [{ task: 'echo', delay: '1h' }, { task: 'echo', delay: '1h' }] }
  const first = (await send('k1', body, '/api/runs/bulk')).json()
  const single = (await send('k1', { delay: '1h' })).json()
  await app.close()
  const manager = await createManager({ configFile: `${root}/config.json`, env: {}, files: 'none' })
  manager.registerTasks([{ id: 'echo', func: () => 1 }])
  const next = await createServer({ manager, env: {} })
  t.teardown(() => next.close())
  await next.ready()
  const { value: token } = await serverToken(manager, {})
  const again = (url: string, payload: object) =>
    next.inject({
      method: 'POST',
      url,
      payload,
      headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'k1' }
    })
  t.same((await again('/api/runs/bulk', body)).json().runs.map(({ id }: { id: string }) => id),
    first.runs.map(({ id }: { id: string }) => id))
  t.match((await again('/api/runs/bulk', { runs: [{ task: 'echo' }] })).json(), CONFLICT)
  t.match((await again(RUNS, { delay: '1h' })).json(), { id: single.id })
  t.match((await again(RUNS, { delay: '2h' })).json(), CONFLICT)
})

t.test('the request of a key is forgotten with its runs', async t => {
  const clock = fakeClock()
  const { send, manager } = await keyed(t, { options: { clock } })
  for (let count = 0; count < 20; count++) await send(`k${count}`, { delay: '1h' })
  t.equal((await manager.engine.kept({ prefix: 'request/' })).length, 20)
  clock.advance(1000)
  await send('late', { delay: '1h' })
  await forgetRequests(manager.engine, { before: clock.now(), now: clock.now() })
  t.equal((await manager.engine.kept({ prefix: 'request/' })).length, 1)
  t.equal((await send('late', { delay: '2h' })).statusCode, 422)
  t.equal((await send('k3', { delay: '1h' })).statusCode, 200, 'its run still has the key')
})
