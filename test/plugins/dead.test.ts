import t from 'tap'
import { setup } from './setup.ts'
import { until } from '../clock.ts'
import type { Test } from 'tap'

/** Dead runs: three with one error, one with another, one of a removed task. */
async function graves (t: Test) {
  let broken = true
  const fail = (words: (payload: unknown) => string) => ({ payload }: { payload: unknown }) => {
    if (broken) throw new Error(words(payload))
    return payload
  }
  const tasks = [{ id: 'a', max_retries: 0, func: fail(payload => `no route to host ${String(payload)}`) }, {
    id: 'b',
    max_retries: 0,
    func: fail(() => 'disk full')
  }, { id: 'gone', max_retries: 0, func: fail(() => 'lost') }]
  const it = await setup(t, { tasks })
  const ids: string[] = []
  for (const [task, payload] of [['a', 1], ['a', 2], ['a', 3], ['b', null], ['gone', null]] as const) {
    const { id } = (await it.post(`/api/tasks/${task}/runs`, { payload })).json()
    await it.finished(id)
    ids.push(id)
  }
  it.manager.removeTask('gone')
  return {
    ...it,
    ids,
    mend: () => {
      broken = false
    },
    dead: async (query = '') => (await it.ask({ url: `/api/dead${query}` })).json()
  }
}

t.test('dead runs are grouped by task and error', async t => {
  const { dead, ask } = await graves(t)
  const groups = await dead()
  t.match(groups, [{ task: 'gone', count: 1 }, { task: 'b', count: 1, message: 'disk full' }, {
    task: 'a',
    count: 3,
    message: 'no route to host 3',
    first_at: /Z$/,
    last_at: /Z$/
  }])
  t.same(await dead('?task=a'), [groups[2]])
  t.same(await dead(`?fingerprint=${groups[1].fingerprint}`), [groups[1]])
  t.equal((await ask({ url: '/api/dead?tsk=a' })).statusCode, 422)
})

t.test('failed runs are counted, and replayed one, some or all, with their payloads', async t => {
  const { dead, post, ids, mend, finished, ask } = await graves(t)
  mend()
  t.same((await post('/api/dead/replay', { task: 'a', dry_run: true })).json(), {
    matched: 3,
    changed: 0,
    refused: 0,
    vanished: 0,
    dry_run: true
  })
  t.equal((await post(`/api/runs/${ids[0]}/retry`)).statusCode, 202)
  t.match(await finished(ids[0]!), {
    state: 'completed',
    result: 1,
    attempts: [{ outcome: 'failed' }, { outcome: 'completed' }]
  })
  t.match((await post('/api/dead/replay', { task: 'a', every: '1h' })).json(), { matched: 2, changed: 2 })
  const due = await Promise.all(
    [ids[1]!, ids[2]!].map(async id => Date.parse((await ask({ url: `/api/runs/${id}` })).json().due_at))
  )
  t.equal(Math.abs(due[0]! - due[1]!), 3_600_000, 'at the given interval')
  t.match((await post('/api/dead/replay', { all: true })).json(), { matched: 1, changed: 1, vanished: 1 })
  t.match(await finished(ids[3]!), { state: 'completed' })
  t.match(await dead(), [{ task: 'gone', count: 1 }])
})

t.test('runs of a removed task cannot be replayed, and the error says so', async t => {
  const { post, ids } = await graves(t)
  const one = await post(`/api/runs/${ids[4]}/retry`)
  t.equal(one.statusCode, 404)
  t.equal(one.json().code, 'OFFPEAK_TASK_NOT_FOUND')
  t.equal((await post('/api/dead/replay', { task: 'gone' })).statusCode, 404)
})

t.test('a replay or discard without a selection is refused', async t => {
  const { post, dead } = await graves(t)
  t.equal((await post('/api/dead/replay', {})).statusCode, 422)
  t.equal((await post('/api/dead/discard', { reason: 'x' })).statusCode, 422)
  t.equal((await post('/api/dead/discard', { all: true })).statusCode, 422, 'nor discards without a reason')
  t.equal((await dead()).length, 3)
})

t.test('a breaker pauses its task, and a person can end the pause', async t => {
  const { ask, post, finished } = await setup(t, {
    tasks: [{
      id: 'fragile',
      max_retries: 0,
      breaker: { failures: 2, pause: '10m' },
      func: () => {
        throw new Error('no line')
      }
    }]
  })
  for (let count = 0; count < 2; count++) await finished((await post('/api/tasks/fragile/runs')).json().id)
  const pauses = async () => (await ask({ url: '/api/pauses' })).json()
  await until('it is paused', async () => (await pauses()).length === 1)
  t.match(await pauses(), [{
    scope: 'task',
    name: 'fragile',
    by: 'breaker',
    until: /Z$/,
    reason: /2 attempts in a row failed: no line/
  }])
  await post('/api/tasks/fragile/runs')
  t.match((await ask({ url: '/api/tasks/fragile' })).json(), {
    status: 'paused',
    held: { code: 'paused', message: /breaker/ }
  })
  t.equal((await ask({ method: 'DELETE', url: '/api/pauses?scope=task&name=fragile' })).statusCode, 204)
})

t.test('failed runs are discarded with a reason that is recorded', async t => {
  const { ask, post, ids, dead } = await graves(t)
  t.equal((await post(`/api/dead/${ids[0]}/discard`, { reason: 'a test' })).statusCode, 200)
  t.equal((await ask({ url: `/api/runs/${ids[0]}` })).statusCode, 404)
  t.match((await ask({ url: '/api/records?action=discard' })).json().items, [{
    by: 'api',
    subject: ids[0],
    detail: { message: 'a test' }
  }])
  t.match((await post('/api/dead/discard', { task: 'gone', reason: 'old' })).json(), {
    matched: 1,
    changed: 1,
    dry_run: false
  })
  t.same((await dead()).map(({ task, count }: { task: string, count: number }) => [task, count]), [['b', 1], ['a', 2]])
  const { id } = (await post('/api/tasks/a/runs', { delay: '1h' })).json()
  t.equal((await post(`/api/dead/${id}/discard`, { reason: 'x' })).statusCode, 409)
  t.equal((await post('/api/dead/nobody/discard', { reason: 'x' })).statusCode, 404)
})

t.test('a replay into a full queue counts refused runs, and is a 429 when all are refused', async t => {
  const fails = {
    id: 'mail',
    queue: 'mail',
    max_retries: 0,
    func: () => {
      throw new Error('no route')
    }
  }
  const { post, finished, ask } = await setup(t, {
    tasks: [fails, { id: 'slow', queue: 'mail', func: () => 1 }],
    options: { config: { queues: { mail: { max_length: 2 } } } }
  })
  const ids: string[] = []
  for (let count = 0; count < 3; count++) {
    const { id } = (await post('/api/tasks/mail/runs')).json()
    await finished(id)
    ids.push(id)
  }
  await post('/api/pauses', { scope: 'queue', name: 'mail' })
  await post('/api/tasks/slow/runs', { delay: '1h' })
  t.match((await post('/api/dead/replay', { all: true, dry_run: true })).json(), { matched: 3, changed: 0, refused: 2 })
  t.match((await post('/api/dead/replay', { all: true, every: '1s' })).json(), {
    matched: 3,
    changed: 1,
    refused: 2,
    vanished: 0
  })
  for (const answer of [await post('/api/dead/replay', { all: true }),
    await post('/api/runs/retry', { filter: { task: 'mail' } }), await post(`/api/runs/${ids[0]}/retry`)]) {
    t.equal(answer.statusCode, 429)
    t.match(answer.json(), { code: 'OFFPEAK_QUEUE_FULL', detail: /mail/ })
    t.match(answer.headers['retry-after'], /^[1-9]\d?$/)
  }
  t.match((await ask({ url: '/api/queues/mail' })).json(), { depth: 2, oldest: /Z$/ })
})
