import t from 'tap'
import type { Test } from 'tap'
import { everyRoute } from './routes.ts'
import { held, setup } from './setup.ts'

const failing = {
  id: 'broken',
  func: () => {
    throw new Error('it broke')
  },
  max_retries: 0
}

/** A server with tasks that succeed, stay and fail, and functions that make what a call changes. */
async function supplied (t: Test) {
  const { func, release } = held()
  const { ask, post, finished, manager } = await setup(t, {
    tasks: [{ id: 'echo', func: () => 1 }, { id: 'stays', func }, failing]
  })
  t.teardown(release)
  const later = async () => (await post('/api/tasks/echo/runs', { delay: '1h' })).json().id as string
  const over = async () => (await finished((await post('/api/tasks/echo/runs')).json().id)).id as string
  const dead = async () => (await finished((await post('/api/tasks/broken/runs')).json().id)).id as string
  const schedule = async () => (await post('/api/schedules', { task: 'echo', trigger: '@daily' })).json().id as string
  return { ask, manager, later, over, dead, schedule }
}

type Supplies = Awaited<ReturnType<typeof supplied>>

interface Call {
  url?: string
  payload?: object
  headers?: Record<string, string>
}

const one = { filter: { task: 'echo' } }

/** A valid call of each route; the URL is that of the route unless given. */
const CALLS: Record<string, (supplies: Supplies) => Promise<Call>> = {
  'POST /api/tasks/:id/runs': async () => ({ url: '/api/tasks/echo/runs' }),
  'PATCH /api/tasks/:id': async () => ({ url: '/api/tasks/echo', payload: { enabled: true } }),
  'POST /api/runs/bulk': async () => ({ payload: { runs: [{ task: 'echo' }, { task: 'echo' }] } }),
  'POST /api/flows': async () => ({
    payload: { runs: [{ task: 'echo', ref: 'a' }, { task: 'echo', after: ['#a'] }] }
  }),
  'POST /api/runs/cancel': async ({ later }) => {
    await later()
    return { payload: one }
  },
  'POST /api/runs/retry': async ({ dead }) => {
    await dead()
    return { payload: { filter: { task: 'broken', state: ['failed'] } } }
  },
  'POST /api/runs/promote': async ({ later }) => {
    await later()
    return { payload: one }
  },
  'POST /api/runs/delete': async ({ over }) => {
    await over()
    return { payload: one }
  },
  'PATCH /api/runs/:id': async ({ later }) => ({ url: `/api/runs/${await later()}`, payload: { priority: 'high' } }),
  'DELETE /api/runs/:id': async ({ over }) => ({ url: `/api/runs/${await over()}` }),
  'POST /api/runs/:id/promote': async ({ later }) => ({ url: `/api/runs/${await later()}/promote` }),
  'POST /api/runs/:id/now': async ({ later }) => ({ url: `/api/runs/${await later()}/now` }),
  'POST /api/runs/:id/cancel': async ({ later }) => ({ url: `/api/runs/${await later()}/cancel` }),
  'POST /api/runs/:id/retry': async ({ over }) => ({ url: `/api/runs/${await over()}/retry` }),
  'POST /api/dead/replay': async ({ dead }) => {
    await dead()
    return { payload: { task: 'broken' } }
  },
  'POST /api/dead/discard': async ({ dead }) => {
    await dead()
    return { payload: { task: 'broken', reason: 'known' } }
  },
  'POST /api/dead/:id/discard': async ({ dead }) => ({
    url: `/api/dead/${await dead()}/discard`,
    payload: { reason: 'known' }
  }),
  'POST /api/schedules': async () => ({ payload: { task: 'echo', trigger: '@daily' } }),
  'PATCH /api/schedules/:id': async ({ schedule }) => ({
    url: `/api/schedules/${await schedule()}`,
    payload: { paused: true }
  }),
  'DELETE /api/schedules/:id': async ({ schedule }) => ({ url: `/api/schedules/${await schedule()}` }),
  'POST /api/pauses': async () => ({ payload: { scope: 'task', name: 'stays' } }),
  'DELETE /api/pauses': async () => ({ url: '/api/pauses?scope=task&name=stays' }),
  'PUT /api/signals/:name': async () => ({ url: '/api/signals/price', payload: { value: 1, ttl: '1h' } }),
  'DELETE /api/signals/:name': async () => ({ url: '/api/signals/price' }),
  'POST /api/files': async () => ({
    url: '/api/files?name=a',
    payload: Buffer.from('x'),
    headers: { 'content-type': 'application/octet-stream' }
  })
}

t.test('every route that changes something leaves one entry of who did, and reading leaves none [S33]', async t => {
  const supplies = await supplied(t)
  const { ask, manager } = supplies
  const writes = (await everyRoute(t)).filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method)).map((
    { method, url }
  ) => `${method} ${url}`)
  t.strictSame(writes.filter(route => CALLS[route] === undefined), [], 'every one is tried')
  const count = async () => (await manager.engine.records({ limit: 200 })).length
  for (const [route, make] of Object.entries(CALLS)) {
    const [method, address] = route.split(' ') as ['POST', string]
    const { url = address, ...rest } = await make(supplies)
    const before = await count()
    const answer = await ask({ method, url, ...rest, headers: { 'x-offpeak-by': 'ada', ...rest.headers } })
    t.ok(answer.statusCode < 300, `${route}: ${answer.body.slice(0, 200)}`)
    const after = await manager.engine.records({ limit: 200 })
    t.equal(after.length - before, 1, `${route} leaves one`)
    t.equal(after[0]!.by, 'ada', `${route} says who`)
  }
})
