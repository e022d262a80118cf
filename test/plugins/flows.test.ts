import t from 'tap'
import { setup } from './setup.ts'

const tasks = [{ id: 'part', func: (ctx: { payload: unknown }) => ctx.payload }, {
  id: 'whole',
  func: (ctx: { results: object }) => ctx.results
}]

t.test('a flow is added in one request and runs in its order', async t => {
  const { ask, post, finished } = await setup(t, { tasks })
  const answer = await post('/api/flows', {
    runs: [{ task: 'part', ref: 'left', payload: 1 }, { task: 'part', ref: 'right', payload: 2 }, {
      task: 'whole',
      ref: 'all',
      after: ['#left', { run: '#right', condition: 'done' }]
    }]
  })
  t.equal(answer.statusCode, 201)
  const { runs } = answer.json()
  t.match(runs, [{ ref: 'left', created: true }, { ref: 'right' }, { ref: 'all', task: 'whole', state: 'blocked' }])
  t.same((await finished(runs[2].id)).result, { left: 1, right: 2 })
  const later = await post('/api/tasks/whole/runs', { after: [runs[0].id] })
  t.equal(later.statusCode, 202)
  t.same((await finished(later.json().id)).result, { [runs[0].id]: 1 },
    'one run can wait for another by its id as well')
  const failed = await post('/api/flows', {
    runs: [{ task: 'part', ref: 'first', delay: '1h' }, { task: 'part', ref: 'second', after: ['#first'] }, {
      task: 'part',
      after: ['#second']
    }]
  })
  const [first, second, third] = failed.json().runs.map(({ id }: { id: string }) => id)
  t.match((await ask({ url: `/api/runs/${second}/why` })).json(), {
    decision: 'hold',
    message: `waits for #first, run ${first}, which is queued and must be completed`
  })
  await post(`/api/runs/${first}/cancel`, {})
  t.match((await ask({ url: `/api/runs/${third}` })).json().reason, {
    code: 'dependency_failed',
    chain: [first, second]
  }, 'the causes are in the response')
  const lost = await post('/api/tasks/whole/runs', { after: ['nobody'] })
  t.equal(lost.statusCode, 422)
  t.match(lost.json().errors, [{ pointer: '/after/0/run', detail: /nobody/ }])
  t.match((await ask({ url: '/api/records?action=flow' })).json().items, [{ by: 'api', detail: { runs: 3 } }])
})

t.test('a circle, an unknown name and an unknown task are refused, and nothing is added', async t => {
  const { ask, post } = await setup(t, { tasks })
  const refused = async (runs: object[], pointer: string, detail: RegExp) => {
    const answer = await post('/api/flows', { runs })
    t.equal(answer.statusCode, 422)
    t.match(answer.json().errors[0], { pointer, detail })
  }
  await refused([{ task: 'part', ref: 'a', after: ['#b'] }, { task: 'part', ref: 'b', after: ['#a'] }], '/runs/0/after',
    /#a → #b → #a/)
  await refused([{ task: 'part', ref: 'a', after: ['#a'] }], '/runs/0/after', /#a → #a/)
  await refused([{ task: 'part', ref: 'a' }, { task: 'part', ref: 'a' }], '/runs/1/ref', /another run/)
  await refused([{ task: 'part', after: ['#b'] }], '/runs/0/after/0/run', /'b'/)
  await refused([{ task: 'part' }, { task: 'gone' }], '/runs/1/task', /gone/)
  await refused([{ task: 'part', after: [{ run: '#a', condition: 'happy' }] }], '/runs/0/after/0', /./)
  t.equal((await ask({ url: '/api/runs' })).json().items.length, 0)
})

t.test('a key is unique for as long as requested, with the requested conflict', async t => {
  const { ask, post } = await setup(t, { tasks })
  const add = async (body: object) =>
    (await post('/api/tasks/part/runs', { ...!('due_at' in body) && { delay: '1h' }, ...body })).json()
  const first = await add({ key: 'k', payload: 1, unique: { while: 'queued', on_conflict: 'replace' } })
  const second = await add({ key: 'k', payload: 2, unique: { while: 'queued', on_conflict: 'replace' } })
  t.equal(second.id, first.id)
  t.equal((await ask({ url: `/api/runs/${first.id}` })).json().payload, 2, 'the newer payload counts')
  const slow = await add({
    key: 's',
    due_at: '2090-01-01T00:00:00Z',
    unique: { while: 'queued', on_conflict: 'reschedule' }
  })
  t.match(
    await add({ key: 's', due_at: '2091-01-01T00:00:00Z', unique: { while: 'queued', on_conflict: 'reschedule' } }),
    { id: slow.id, due_at: '2091-01-01T00:00:00.000Z' }
  )
  t.equal((await post('/api/tasks/part/runs', { unique: { while: 'queued' } })).statusCode, 422,
    'without a key there is nothing to be unique')
  t.equal((await post('/api/tasks/part/runs', { key: 'x', unique: { while: 'ever' } })).statusCode, 422)
})

t.test('a task defines which of its runs are duplicates', async t => {
  const { post } = await setup(t, {
    tasks: [{ ...tasks[0]!, id: 'by_payload', unique: { by: 'payload' } }, {
      ...tasks[0]!,
      id: 'one',
      unique: { by: 'task', for: '1h' }
    }]
  })
  const add = async (task: string, payload: unknown) =>
    (await post(`/api/tasks/${task}/runs`, { delay: '1h', payload })).json().id as string
  t.equal(await add('by_payload', { a: 1, b: 2 }), await add('by_payload', { b: 2, a: 1 }), 'in whatever order')
  t.not(await add('by_payload', { a: 1 }), await add('by_payload', { a: 2 }))
  t.equal(await add('one', 1), await add('one', 2))
})
