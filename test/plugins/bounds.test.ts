import t from 'tap'
import { symlinkSync, writeFileSync } from 'node:fs'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import { boundedTask } from './bounded-task.ts'
import { setup } from './setup.ts'

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
  const { ask, post, manager } = await setup(t, { tasks: [boundedTask(root)] })
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

t.test('a narrower payload is accepted, and a replaced one keeps what is configured', async t => {
  const root = t.testdir({ a: {} })
  const { ask, post, finished } = await setup(t, { tasks: [boundedTask(root)] })
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

t.test('an uploaded file is accepted where the definition allows one', async t => {
  const { ask, post, manager, finished } = await setup(t, { tasks: [boundedTask(t.testdir())] })
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
  const { post, finished } = await setup(t, { tasks: [boundedTask(`${base}/root`)] })
  for (const path of ['link', 'link/deeper', 'link/not/there']) {
    const { id } = (await post('/api/tasks/tidy/runs', { payload: { root: `${base}/root/${path}` } })).json()
    t.match(await finished(id), { state: 'failed', error: { message: /leads out of the folder/ } }, path)
  }
})

t.test('the bounds now in config.json apply to waiting runs, retries and schedules', async t => {
  const folder = t.testdir()
  const { post, finished, manager, root } = await setup(t, { tasks: [boundedTask(folder)] })
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

t.test('a task may request another with any payload', async t => {
  const root = t.testdir()
  const asks: TaskDefinition = {
    id: 'asks',
    func: async ctx => await ctx.enqueue('tidy', { payload: { root: '/elsewhere', dry_run: false } })
  }
  const { post, finished } = await setup(t, { tasks: [boundedTask(root), asks] })
  const { result } = await finished((await post('/api/tasks/asks/runs')).json().id)
  t.match(await finished(result), {
    state: 'completed',
    source: 'task',
    result: { root: '/elsewhere', dry_run: false }
  })
})

t.test('an unknown bound is a fault of the definition', async t => {
  const { manager } = await setup(t, { tasks: [] })
  const wrong = boundedTask('/x', {
    input: { type: 'object', properties: { a: { type: 'string', configured: 'whithin' } } }
  })
  t.throws(() => manager.registerTasks([wrong]), {
    code: 'OFFPEAK_TASK_INVALID',
    message: /\/input\/properties\/a\/configured found 'whithin', expected true, or one of/
  })
})

t.test('a bound without an effect is a fault of the definition', async t => {
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
    const definition = boundedTask('/x', { payload: {}, input: schema })
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
  t.doesNotThrow(() => manager.registerTasks([boundedTask('/x', { payload: {}, input: data })]),
    'what is called so, and data, is no bound')
})
