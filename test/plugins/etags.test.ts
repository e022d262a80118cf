import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { everyRoute } from './routes.ts'
import { held, setup } from './setup.ts'
import type { Given } from './setup.ts'

const started = async (t: Parameters<typeof setup>[0], given: Given = {}) => {
  const place = await setup(t, given)
  const tagOf = async (url: string, headers = {}) => (await place.ask({ url, headers })).headers.etag as string
  const patch = (url: string, payload: object, match: string) =>
    place.ask({ method: 'PATCH', url, payload, headers: { 'if-match': match } })
  return { ...place, tagOf, patch }
}

t.test('every read of JSON has a strong ETag, and answers 304 without a body to those who have it', async t => {
  const { ask, post, tagOf } = await started(t, { options: { clock: { now: () => 1e12, monotonic: () => 0 } } })
  const { id } = (await post('/api/tasks/echo/runs', { due_at: '2026-11-22T03:00:00Z' })).json()
  const { id: schedule } = (await post('/api/schedules', { task: 'echo', trigger: '@daily' })).json()
  const reads = (await everyRoute(t)).filter(({ method, url, hidden, scope }) =>
    method === 'GET' && !hidden && scope === 'read' && url !== '/api/events'
  )
  t.ok(reads.length > 20)
  for (const { url } of reads) {
    const at = url.replace('/api/runs/:id', `/api/runs/${id}`).replace('/api/schedules/:id',
      `/api/schedules/${schedule}`)
      .replace(':id', 'echo').replace(':name', 'default')
    const tag = await tagOf(at)
    t.match(tag, /^"[0-9a-f]{16}"$/, at)
    if (await tagOf(at) !== tag) {
      t.match(at, /\/api\/(?:health|readings\/now)$/, 'what measures changes by itself')
      continue
    }
    const same = await ask({ url: at, headers: { 'if-none-match': tag } })
    t.strictSame([same.statusCode, same.body, same.headers.etag], [304, '', tag], at)
    t.notOk(same.headers['content-type'], at)
    t.equal((await ask({ method: 'HEAD', url: at })).headers.etag, tag, at)
  }
})

t.test('If-None-Match takes lists, weak ETags and *, and no ETag from a malformed header', async t => {
  const { ask, tagOf } = await started(t)
  const url = '/api/tasks/hourly'
  const tag = await tagOf(url)
  const status = async (header: string) => (await ask({ url, headers: { 'if-none-match': header } })).statusCode
  for (const header of [tag, `"x", ${tag}`, `W/${tag}`, `"a,b" ,${tag},`, '*']) {
    t.equal(await status(header), 304, header)
  }
  for (const header of ['"x"', tag.slice(1, -1), `${tag} "x"`, `"${tag}"`]) t.equal(await status(header), 200, header)
  t.equal((await ask({ url: '/api/tasks/nope', headers: { 'if-none-match': '*' } })).statusCode, 404)
})

t.test('the ETag of a task changes with the task, and not with another', async t => {
  const { ask, post, finished, tagOf, patch } = await started(t)
  const [task, list] = ['/api/tasks/echo', '/api/tasks']
  const before = [await tagOf(task), await tagOf(list)]
  t.equal((await patch('/api/tasks/hourly', { enabled: false }, await tagOf('/api/tasks/hourly'))).statusCode, 200)
  t.equal(await tagOf(task), before[0], 'another task was turned off')
  t.not(await tagOf(list), before[1], 'the list has it')
  await finished((await post('/api/tasks/echo/runs')).json().id)
  t.not(await tagOf(task), before[0], 'it has run')
  const off = await patch(task, { enabled: false }, await tagOf(task))
  t.equal(off.headers.etag, await tagOf(task), 'the answer of the change has the new one')
  t.equal((await ask({ url: task })).json().enabled, false)
})

t.test('a run and a schedule are changed if their ETag is still the one that was read', async t => {
  const { release, func } = held()
  t.teardown(release)
  const { ask, plain, post, tagOf, patch } = await started(t, { tasks: [{ id: 'echo', func }] })
  const { id } = (await post('/api/tasks/echo/runs', { delay: '1h', payload: 'secret' })).json()
  const run = `/api/runs/${id}`
  const [old, bare] = [await tagOf(run), (await plain({ url: run })).headers.etag as string]
  t.not(old, bare, 'without a token it is another answer')
  t.equal((await patch(run, { priority: 'high' }, bare)).json().priority, 'high', 'which may be changed as well')
  const late = await patch(run, { priority: 'low' }, old)
  t.match(late.json(), {
    status: 412,
    code: 'OFFPEAK_PRECONDITION_FAILED',
    detail: `The run '${id}' has changed since you read it`,
    fix: /Read it again/
  })
  t.equal((await ask({ url: run })).json().priority, 'high')
  const { id: schedule } = (await post('/api/schedules', { task: 'echo', trigger: '@daily' })).json()
  const remove = (url: string, match: string) => ask({ method: 'DELETE', url, headers: { 'if-match': match } })
  t.equal((await remove(`/api/schedules/${schedule}`, '"x"')).statusCode, 412)
  t.equal((await remove(`/api/schedules/${schedule}`, `"x", ${await tagOf(`/api/schedules/${schedule}`)}`)).statusCode,
    204)
  t.equal((await remove(`/api/schedules/${schedule}`, '*')).statusCode, 404, 'there is nothing to match')
  await ask({ method: 'POST', url: `${run}/cancel` })
  t.equal((await remove(run, old)).statusCode, 412)
  t.equal((await remove(run, await tagOf(run))).statusCode, 204)
})

t.test('of two changes at once with the same ETag one is refused', async t => {
  const { post, tagOf, patch } = await started(t)
  const { id } = (await post('/api/schedules', { task: 'echo', trigger: '@daily' })).json()
  const changes: [url: string, change: object][] = [
    ['/api/tasks/hourly', { enabled: false }],
    [`/api/schedules/${id}`, { paused: true }]
  ]
  for (const [url, change] of changes) {
    const tag = await tagOf(url)
    const answers = await Promise.all([patch(url, change, tag), patch(url, change, tag)])
    t.strictSame(answers.map(({ statusCode }) => statusCode), [200, 412], url)
  }
})

t.test('a change of a task is refused if config.json was edited and not read yet', async t => {
  const { root, tagOf, patch } = await started(t)
  const url = '/api/tasks/hourly'
  const tag = await tagOf(url)
  const file = join(root, 'config.json')
  writeFileSync(file, JSON.stringify({ tasks: { hourly: { priority: 'low' } } }))
  t.match((await patch(url, { enabled: false }, tag)).json(), { status: 412, code: 'OFFPEAK_CONFIG_CONFLICT' })
  t.same(JSON.parse(readFileSync(file, 'utf8')), { tasks: { hourly: { priority: 'low' } } })
})

t.test('If-Match that is weak, malformed or of no use is refused with the reason', async t => {
  const { ask, tagOf, patch } = await started(t)
  const url = '/api/tasks/hourly'
  const tag = await tagOf(url)
  t.equal((await patch(url, { enabled: false }, `W/${tag}`)).statusCode, 412, 'a weak ETag matches nothing')
  t.match((await patch(url, { enabled: false }, tag.slice(1, -1))).json(), {
    status: 422,
    errors: [{ pointer: '/headers/if-match', detail: /^found '[0-9a-f]{16}', expected \* or ETags in double quotes/ }]
  })
  t.equal((await patch('/api/tasks/nope', { enabled: false }, '*')).statusCode, 404)
  const post = await ask({ method: 'POST', url: '/api/tasks/echo/runs', headers: { 'if-match': tag } })
  t.match(post.json(), { status: 412, detail: /has no ETag/, fix: 'Leave the If-Match header out.' })
  t.equal((await ask({ url: '/api/runs' })).json().items.length, 0, 'nothing was added')
})
