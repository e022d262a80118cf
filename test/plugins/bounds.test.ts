import t from 'tap'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import { checkReach } from '../../core/work/execute/reach.ts'
import { home } from '../manager/home.ts'
import { setup } from './setup.ts'
import { until } from '../clock.ts'

const input = (root: string, more: object = {}): TaskDefinition => ({
  id: 'tidy',
  func: ctx => ctx.payload,
  max_retries: 0,
  payload: {
    root,
    exclude: ['keep'],
    dry_run: true,
    most: 10,
    age: '30d',
    allow: ['a.example', 'b.example'],
    smtp: { host: 'mail' }
  },
  input: {
    type: 'object',
    additionalProperties: false,
    configured: ['root'],
    properties: {
      root: { type: 'string', configured: 'within' },
      exclude: { type: 'array', items: { type: 'string' }, configured: 'more' },
      dry_run: { type: 'boolean', configured: true, configured_or: true },
      most: { type: 'number', configured: 'at_most' },
      age: { title: 'duration', type: ['number', 'string'], configured: 'at_least' },
      allow: { type: 'array', configured: 'some' },
      smtp: { type: 'object', configured: true },
      secret_file: { type: 'string', configured: true },
      file: { type: 'string', configured: 'within', uploads: true },
      note: { type: 'string' }
    }
  } as never,
  ...more
})

const WIDER: [pointer: string, payload: (root: string) => unknown][] = [
  ['/payload/root', () => ({ root: '/' })],
  ['/payload/root', root => ({ root: `${root}/..` })],
  ['/payload/root', root => ({ root: `${root}/a/../../b` })],
  ['/payload/root', root => ({ root: `${root}x` })],
  ['/payload/root', root => ({ root: root.toUpperCase() })],
  ['/payload/root', root => ({ root: `${root}/$HOME` })],
  ['/payload/root', root => ({ root: `${root}/a\0b` })],
  ['/payload/root', () => ({ root: '~' })],
  ['/payload/exclude', () => ({ exclude: [] })],
  ['/payload/exclude', () => ({ exclude: ['other'] })],
  ['/payload/exclude', () => ({ exclude: ['keep', '!keep'] })],
  ['/payload/dry_run', () => ({ dry_run: false })],
  ['/payload/most', () => ({ most: 11 })],
  ['/payload/age', () => ({ age: '29d' })],
  ['/payload/age', () => ({ age: 0 })],
  ['/payload/allow', () => ({ allow: ['a.example', '127.0.0.1'] })],
  ['/payload/smtp', () => ({ smtp: { host: 'evil' } })],
  ['/payload/smtp', () => ({ smtp: { port: 1 } })],
  ['/payload/secret_file', () => ({ secret_file: '/etc/shadow' })],
  ['/payload/file', () => ({ file: '/etc/passwd' })]
]

t.test('a payload that reaches further than is configured is refused by every way in [S25, S28, S30, S36]', async t => {
  const root = t.testdir()
  const { ask, post, manager } = await setup(t, { tasks: [input(root)] })
  const { json } = await post('/api/tasks/tidy/runs', { delay: '1h' })
  const waiting = (await post('/api/tasks/tidy/runs', { delay: '1h' })).json().id as string
  t.equal(typeof json, 'function')
  const ways = (payload: unknown): [string, Parameters<typeof ask>[0]][] => [
    ['one run', { method: 'POST', url: '/api/tasks/tidy/runs', payload: { payload } }],
    ['one run with a key', {
      method: 'POST',
      url: '/api/tasks/tidy/runs',
      payload: { payload },
      headers: { 'idempotency-key': 'k' }
    }],
    ['many', { method: 'POST', url: '/api/runs/bulk', payload: { runs: [{ task: 'tidy', payload }] } }],
    ['a flow', { method: 'POST', url: '/api/flows', payload: { runs: [{ task: 'tidy', payload }] } }],
    ['a schedule', { method: 'POST', url: '/api/schedules', payload: { task: 'tidy', trigger: '@daily', payload } }],
    ['an edit', { method: 'PATCH', url: `/api/runs/${waiting}`, payload: { payload } }]
  ]
  for (const [pointer, payload] of WIDER) {
    for (const [way, request] of ways(payload(root))) {
      const answer = await ask(request)
      t.equal(answer.statusCode, 422, `${way}: ${JSON.stringify(payload(root))}`)
      t.ok(answer.json().errors[0].pointer.endsWith(pointer), `${way} names ${pointer}`)
    }
  }
  t.equal((await manager.desk.runs({ limit: 50 })).items.length, 2, 'nothing was added')
})

t.test('a payload that is narrower is taken, and one that takes the place of another keeps what is configured', async t => {
  const root = t.testdir({ a: {} })
  const { ask, post, finished } = await setup(t, { tasks: [input(root)] })
  const narrow = {
    root: `${root}/a`,
    exclude: ['keep', 'more'],
    dry_run: true,
    most: 3,
    age: '31d',
    allow: ['b.example'],
    smtp: { host: 'mail' },
    note: 'x'
  }
  const { id } = (await post('/api/tasks/tidy/runs', { payload: narrow })).json()
  t.match(await finished(id), { state: 'completed', result: narrow })
  const waiting = (await post('/api/tasks/tidy/runs', { delay: '1h' })).json().id as string
  t.equal((await ask({ method: 'PATCH', url: `/api/runs/${waiting}`, payload: { payload: { note: 'y' } } })).statusCode,
    200)
  t.match((await ask({ url: `/api/runs/${waiting}` })).json().payload, {
    note: 'y',
    root,
    exclude: ['keep'],
    smtp: { host: 'mail' }
  })
  for (const payload of [null, 'text', [], 7]) {
    t.equal((await post('/api/tasks/tidy/runs', { payload })).statusCode, 422,
      `not by ${JSON.stringify(payload)} instead of an object`)
  }
})

t.test('a file that was sent may be named where the definition takes one', async t => {
  const { ask, post, manager, finished } = await setup(t, { tasks: [input(t.testdir())] })
  const sent = await ask({
    method: 'POST',
    url: '/api/files?name=a.txt',
    payload: 'x',
    headers: { 'content-type': 'application/octet-stream' }
  })
  const { path } = sent.json()
  t.match(await finished((await post('/api/tasks/tidy/runs', { payload: { file: path } })).json().id), {
    state: 'completed'
  })
  for (const file of [`${path}/../../token`, manager.folder, `${manager.folder}/token`, `${manager.folder}/uploads`]) {
    t.equal((await post('/api/tasks/tidy/runs', { payload: { file } })).statusCode, 422, file)
  }
})

t.test('a link that leads out of the folder is found at the attempt [S23]', async t => {
  const base = t.testdir({ root: {}, secret: {} })
  symlinkSync(`${base}/secret`, `${base}/root/link`)
  const { post, finished } = await setup(t, { tasks: [input(`${base}/root`)] })
  for (const path of ['link', 'link/deeper', 'link/not/there']) {
    const { id } = (await post('/api/tasks/tidy/runs', { payload: { root: `${base}/root/${path}` } })).json()
    t.match(await finished(id), { state: 'failed', error: { message: /leads out of the folder/ } }, path)
  }
})

t.test('what config.json allows now counts: for what waits, what is tried again, and what a schedule asks for', async t => {
  const folder = t.testdir()
  const { post, finished, manager, root } = await setup(t, { tasks: [input(folder)] })
  const ids = [(await post('/api/tasks/tidy/runs', {})).json().id,
    (await post('/api/tasks/tidy/runs', { delay: '1h' })).json().id] as string[]
  await finished(ids[0]!)
  writeFileSync(`${root}/config.json`, JSON.stringify({ tasks: { tidy: { payload: { most: 5 } } } }))
  await manager.settings.rescan()
  while ((manager.catalog.tasks.get('tidy')!.payload as { most: number }).most !== 5) {
    await new Promise(resolve => setImmediate(resolve))
  }
  const again = await post(`/api/runs/${ids[0]}/retry`)
  t.equal(again.statusCode, 422)
  t.equal(again.json().errors[0].pointer, '/payload/most')
  t.equal((await post('/api/runs/retry', { filter: { task: 'tidy', state: ['completed'] } })).json().changed, 1)
  await post(`/api/runs/${ids[1]}/promote`)
  for (const id of ids) {
    t.match(await finished(id), {
      state: 'failed',
      error: { message: /goes beyond what is configured: \/payload\/most/ }
    })
  }
})

t.test('a task that is off, or not set up, is not run on request', async t => {
  const root = t.testdir()
  mkdirSync(`${root}/x`)
  const off = input(root, { enabled: false })
  const bare = input(root, { id: 'bare', payload: {} })
  const { post, ask, manager } = await setup(t, { tasks: [off, bare] })
  for (const [url, payload] of [['/api/tasks/tidy/runs', {}], ['/api/runs/bulk', { runs: [{ task: 'tidy' }] }], [
    '/api/flows',
    { runs: [{ task: 'tidy' }] }
  ]] as const) {
    const answer = await post(url, payload)
    t.match(answer.json(), {
      status: 409,
      code: 'OFFPEAK_TASK_DISABLED',
      fix: /offpeak enable tidy.*server\.run_disabled/
    }, url)
  }
  t.match((await post('/api/tasks/bare/runs', { payload: { root } })).json(), {
    status: 409,
    code: 'OFFPEAK_TASK_UNCONFIGURED',
    pointer: '/tasks/bare/payload/root'
  })
  t.equal((await post('/api/schedules', { task: 'bare', trigger: '@daily', payload: { root } })).statusCode, 409)
  t.equal((await ask({ method: 'PATCH', url: '/api/tasks/tidy', payload: { enabled: true } })).statusCode, 200)
  while (!manager.catalog.tasks.get('tidy')!.enabled) await new Promise(resolve => setImmediate(resolve))
  t.equal((await post('/api/tasks/tidy/runs', {})).statusCode, 202)
})

t.test('server.run_disabled lets tasks that are off be run', async t => {
  const { post } = await setup(t, {
    tasks: [{ id: 'off', enabled: false, func: () => 1 }],
    server: { run_disabled: true }
  })
  t.equal((await post('/api/tasks/off/runs')).statusCode, 202)
})

t.test('a task asks for another as freely as its file', async t => {
  const root = t.testdir()
  const asks: TaskDefinition = {
    id: 'asks',
    func: async ctx => await ctx.enqueue('tidy', { payload: { root: '/elsewhere', dry_run: false } })
  }
  const { post, finished } = await setup(t, { tasks: [input(root), asks] })
  const { result } = await finished((await post('/api/tasks/asks/runs')).json().id)
  t.match(await finished(result), {
    state: 'completed',
    source: 'task',
    result: { root: '/elsewhere', dry_run: false }
  })
})

t.test('a bound that is none of the words is a fault of the definition', async t => {
  const { manager } = await setup(t, { tasks: [] })
  const wrong = input('/x', { input: { type: 'object', properties: { a: { type: 'string', configured: 'whithin' } } } })
  t.throws(() => manager.registerTasks([wrong]), {
    code: 'OFFPEAK_TASK_INVALID',
    message: /\/input\/properties\/a\/configured found 'whithin', expected true, or one of/
  })
})

t.test('a bound where nothing reads it is a fault of the definition: it would leave open what it seems to bound', async t => {
  const { manager } = await setup(t, { tasks: [] })
  const bound = { type: 'string', configured: 'within' }
  const setting = (schema: object) => ({ type: 'object', properties: { p: schema } })
  const inputs: [pointer: string, input: object][] = [
    ['/input/properties/p/items/configured', setting({ type: 'array', items: bound })],
    ['/input/properties/p/items/0/configured', setting({ type: 'array', items: [bound] })],
    ['/input/properties/p/anyOf/1/configured', setting({ anyOf: [{ type: 'null' }, bound] })],
    ['/input/anyOf/0/properties/p/configured', { anyOf: [setting(bound)] }],
    ['/input/properties/p/additionalProperties/configured', setting({ type: 'object', additionalProperties: bound })],
    ['/input/patternProperties/^p/configured', { patternProperties: { '^p': bound } }],
    ['/input/$defs/x/configured', { $defs: { x: bound }, properties: { p: { $ref: '#/$defs/x' } } }],
    ['/input/configured', { type: 'number', configured: 'at_most' }],
    ['/input/properties/p/configured', setting({ type: 'object', configured: ['q'] })],
    ['/input/properties/p/configured_or', setting({ type: 'number', configured_or: 3 })]
  ]
  for (const [pointer, schema] of inputs) {
    const definition = input('/x', { payload: {}, input: schema })
    t.throws(() => manager.registerTasks([definition]), { code: 'OFFPEAK_TASK_INVALID', message: `${pointer} ` },
      pointer)
  }
  const data = {
    type: 'object',
    properties: {
      configured: {
        type: 'object',
        default: { configured: 'x' },
        properties: { configured: { type: 'string', configured: true } }
      }
    }
  }
  t.doesNotThrow(() => manager.registerTasks([input('/x', { payload: {}, input: data })]),
    'what is called so, and data, is no bound')
})

t.test('a path of a nested setting is bounded as any other, and so are links on its way [S23]', async t => {
  const base = t.testdir({ root: { inner: {} }, secret: {} })
  symlinkSync(`${base}/secret`, `${base}/root/link`)
  const nested: TaskDefinition = {
    id: 'nested',
    func: ctx => ctx.payload,
    max_retries: 0,
    payload: { deep: { er: { path: `${base}/root` } } },
    input: {
      type: 'object',
      properties: {
        deep: {
          type: 'object',
          properties: { er: { type: 'object', properties: { path: { type: 'string', configured: 'within' } } } }
        }
      }
    } as never
  }
  const { post, finished } = await setup(t, { tasks: [nested] })
  const ask = (path: string) => post('/api/tasks/nested/runs', { payload: { deep: { er: { path } } } })
  t.match((await ask(`${base}/secret`)).json(), { status: 422, errors: [{ pointer: '/payload/deep/er/path' }] })
  t.match(await finished((await ask(`${base}/root/inner`)).json().id), { state: 'completed' })
  t.match(await finished((await ask(`${base}/root/link`)).json().id), {
    state: 'failed',
    error: { message: /\/payload\/deep\/er\/path leads out of the folder/ }
  })
})

t.test('a task is told in which folders the paths of its run must lie, wherever it is executed [S23]', async t => {
  const root = t.testdir({ a: {} })
  symlinkSync(`${root}/a`, `${root}/link`)
  const body = (isolation: string) =>
    `export default { id: 'told_${isolation}', isolation: '${isolation}', func: ({ reach }) => reach, max_retries: 0, payload: { root: ${
      JSON.stringify(`${root}/link`)
    } },
    input: { type: 'object', properties: { root: { type: 'string', configured: 'within' } } } }\n`
  const { manager } = await home(t, {
    files: Object.fromEntries(['inline', 'thread', 'process'].map(one => [`${one}.mjs`, body(one)]))
  })
  await manager.start()
  for (const where of ['inline', 'thread', 'process']) {
    const over = async (payload: object) => {
      const { run } = await manager.desk.enqueue(`told_${where}`, { payload })
      await until('it is over', async () => ['completed', 'failed'].includes((await manager.desk.run(run.id)).state))
      return (await manager.desk.run(run.id)).result
    }
    t.same(await over({ root: `${root}/link/deep` }), { '/payload/root': [`${root}/a`] }, where)
    t.same(await over({}), {}, `${where}: nothing was asked for`)
  }
})

t.test('a folder that is configured by the home of a user is known when links are looked at [S23]', {
  skip: process.getuid?.() !== 0 && 'only root may write there'
}, async t => {
  const { post, finished } = await setup(t, { tasks: [input('~root')] })
  const { id } = (await post('/api/tasks/tidy/runs', { payload: { root: '~root/none' } })).json()
  t.match(await finished(id), { state: 'completed' })
  const reach = await checkReach({ input: input('~root').input, payload: { root: '~root' } } as never, {
    payload: { root: '~root/none' },
    source: 'manual',
    task: 'tidy',
    schedule: null
  }, '/up')
  t.same(reach, { '/payload/root': ['/root'] })
})
