import t from 'tap'
import { harness } from './harness.ts'

t.test('a task can enqueue runs of other tasks', async t => {
  const { desk, reach, engine } = await harness(t, {
    tasks: [{
      id: 'parent',
      work: { kind: 'function', func: ctx => ctx.enqueue('child', { payload: 'from parent', key: 'k' }) }
    }, { id: 'child', work: { kind: 'function', func: ctx => ctx.payload } }]
  })
  const { run } = await desk.enqueue('parent')
  await reach(run.id, 'completed')
  const child = (await engine.get(run.id))!.result as string
  t.match(await reach(child, 'completed'), { result: 'from parent', source: 'task', key: 'k' })
})

t.test('a payload that does not match the input schema is refused with every error', async t => {
  const { desk } = await harness(t, {
    tasks: [{
      input: {
        type: 'object',
        required: ['to'],
        properties: { to: { type: 'string' }, n: { type: 'integer' } },
        additionalProperties: false
      } as never
    }]
  })
  await t.rejects(desk.enqueue('work', { payload: { n: 'x' } }), {
    code: 'OFFPEAK_INPUT_INVALID',
    errors: [{ pointer: /payload/ }, { pointer: '/payload/n' }]
  })
  await t.rejects(desk.enqueue('work', { payload: { to: 'a' }, due_at: 'tomorrow' }), {
    code: 'OFFPEAK_INPUT_INVALID',
    message: /due_at/
  })
  t.ok((await desk.enqueue('work', { payload: { to: 'a' } })).created)
})

t.test('a payload object is merged into the payload of the task', async t => {
  const { desk } = await harness(t, { tasks: [{ payload: { smtp: { host: 'mail', port: 25 }, to: 'owner' } }] })
  const payloadOf = async (payload?: unknown) =>
    (await desk.run((await desk.enqueue('work', { delay: 60, payload })).run.id)).payload
  t.strictSame(await payloadOf(), { smtp: { host: 'mail', port: 25 }, to: 'owner' })
  t.strictSame(await payloadOf({ to: 'anna', smtp: { port: 465 } }), { smtp: { host: 'mail', port: 465 }, to: 'anna' })
  t.strictSame(await payloadOf([1]), [1])
  await t.rejects(desk.enqueue('work', { payload: { n: 1n } }), {
    code: 'OFFPEAK_INPUT_INVALID',
    errors: [{ pointer: '/payload/n', detail: /BigInt/ }]
  }, 'a value that is not JSON is refused')
})

t.test('a second enqueue with the same key returns the same run', async t => {
  const { desk } = await harness(t)
  const first = await desk.enqueue('work', { key: 'once', delay: 60 })
  const second = await desk.enqueue('work', { key: 'once', delay: 60 })
  t.equal(first.created, true)
  t.equal(second.created, false)
  t.equal(second.run.id, first.run.id)
})
