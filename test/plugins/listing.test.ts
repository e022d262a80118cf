import t from 'tap'
import { setup } from './setup.ts'
import type { TaskView } from '../../core/model/view/task-view.ts'

type Setup = Awaited<ReturnType<typeof setup>>

async function list ({ ask }: Setup, query = '') {
  const { statusCode, headers, body } = await ask({ url: `/api/tasks${query}` })
  return {
    statusCode,
    type: headers['content-type'],
    length: Number(headers['content-length']),
    bytes: Buffer.byteLength(body),
    items: JSON.parse(body) as TaskView[]
  }
}

t.test('the list is JSON with the right content length, also with non-ASCII names', async t => {
  const server = await setup(t, {
    tasks: [{ id: 'umlaut', name: 'Aufräumen — 掃除 🧹', func: () => 1 }, { id: 'plain', func: () => 1 }]
  })
  for (const time of ['first', 'second']) {
    const { statusCode, type, length, bytes, items } = await list(server)
    t.equal(statusCode, 200, time)
    t.equal(type, 'application/json; charset=utf-8')
    t.equal(length, bytes)
    t.strictSame(items.map(({ name }) => name), ['Plain', 'Aufräumen — 掃除 🧹'])
  }
})

t.test('without tasks the list is empty', async t => {
  const server = await setup(t, { tasks: [] })
  t.strictSame((await list(server)).items, [])
})

t.test('the list always agrees with the single tasks', async t => {
  const server = await setup(t)
  const { ask, post, finished, manager } = server
  const agree = async (what: string) => {
    const { items } = await list(server)
    for (const item of items) {
      t.strictSame(item, (await ask({ url: `/api/tasks/${item.id}` })).json(), `${what}: ${item.id}`)
    }
    return Object.fromEntries(items.map(item => [item.id, item]))
  }
  await agree('nothing')
  await finished((await post('/api/tasks/echo/runs')).json().id)
  t.equal((await agree('a run')).echo!.last_run!.state, 'completed')
  await finished((await post('/api/tasks/broken/runs')).json().id)
  t.equal((await agree('a failure')).broken!.last_run!.error, 'it broke')
  await manager.pauses.add({ scope: 'task', name: 'echo', by: 'me' })
  await post('/api/tasks/echo/runs')
  t.equal((await agree('a pause')).echo!.status, 'paused')
  await ask({ method: 'PATCH', url: '/api/tasks/hourly', payload: { enabled: false } })
  t.equal((await agree('a switch')).hourly!.status, 'disabled')
  manager.removeTask('typed')
  t.notOk((await agree('a task less')).typed)
})

t.test('filters do not share a cached response', async t => {
  const server = await setup(t)
  for (const _ of [1, 2]) {
    t.strictSame((await list(server, '?tag=quick')).items.map(({ id }) => id), ['echo'])
    t.strictSame((await list(server, '?status=scheduled')).items.map(({ id }) => id), ['hourly'])
    t.equal((await list(server)).items.length, 4)
  }
})
