import t from 'tap'
import { home } from '../manager/home.ts'
import { harness } from './harness.ts'
import { until } from '../clock.ts'
import type { Run } from '../../core/model/run/run.ts'

const MEGABYTES = 'x'.repeat(10 * 2 ** 20)

function nested (levels: number): unknown {
  let deep: unknown = 'bottom'
  for (let level = 0; level < levels; level++) deep = { deep }
  return deep
}

const polluting = (): unknown =>
  JSON.parse('{"__proto__":{"n":1,"polluted":true},"constructor":{"prototype":{"polluted":true}}}')

t.test('every call refuses a payload that is too large or too deep and adds nothing [F43]', async t => {
  const it = await harness(t)
  const { run } = await it.desk.enqueue('work', { delay: '1h', payload: 'small' })
  const refused = { code: 'OFFPEAK_INPUT_INVALID', statusCode: 422 }
  for (const [payload, detail] of [[MEGABYTES, /10485762 bytes/], [nested(100_000), /deeper than 32/], [{
    list: [nested(40)]
  }, /deeper than 32/]] as const) {
    await t.rejects(it.desk.enqueue('work', { payload }), { ...refused, errors: [{ pointer: '/payload', detail }] })
    await t.rejects(it.desk.bulk.add([{ task: 'work' }, { task: 'work', payload }]), {
      ...refused,
      errors: [{ pointer: '/runs/1/payload' }]
    })
    await t.rejects(it.desk.bulk.edit(run.id, { payload, by: 'ann' }), refused)
    await t.rejects(
      it.desk.schedule({ task: 'work', trigger: 'interval', trigger_args: { hours: 1 }, payload, by: 'ann' }),
      refused
    )
  }
  t.match((await it.desk.runs({ limit: 5 })).items, [{ id: run.id }])
  t.equal((await it.desk.run(run.id)).payload, 'small')
})

t.test('an oversized checkpoint is refused, an oversized result or log line is cut, and the run completes', async t => {
  const refused: unknown[] = []
  const it = await harness(t, {
    tasks: [{
      work: {
        kind: 'function',
        func: async ctx => {
          await ctx.checkpoint.save('kept')
          for (const large of [{ large: MEGABYTES }, nested(1000)]) {
            await ctx.checkpoint.save(large).catch((error: { code: string }) => refused.push(error.code))
          }
          ctx.log.info({ deep: nested(1000) }, MEGABYTES)
          return nested(100_000)
        }
      }
    }]
  })
  const { run } = await it.desk.enqueue('work')
  const { id } = await it.reach(run.id, 'completed')
  const full = await it.desk.run(id)
  t.match(JSON.stringify(full.result), /too deep/)
  t.match(full.warning, /^its result was not kept as it was: .* is nested deeper than 32 levels$/)
  t.same(refused, ['OFFPEAK_CHECKPOINT_TOO_LARGE', 'OFFPEAK_CHECKPOINT_TOO_DEEP'])
  t.match(full.checkpoint, { state: 'kept' })
  const lines = await it.desk.logs({ id, after: 0, limit: 9 })
  t.ok(lines.length > 0 && JSON.stringify(lines).length < 300_000)
})

t.test('__proto__ in a payload, result, checkpoint or step changes no prototype [F44, S20]', async t => {
  const seen: unknown[] = []
  const it = await harness(t, {
    tasks: [{
      payload: { own: 1 },
      input: { type: 'object', properties: { own: {} } } as never,
      work: {
        kind: 'function',
        func: async ctx => {
          const payload = ctx.payload as { polluted?: boolean, own: number }
          seen.push(payload.polluted, payload.own)
          await ctx.checkpoint.save(polluting())
          seen.push(((await ctx.checkpoint.read()) as { polluted?: boolean }).polluted,
            await ctx.step('__proto__', () => 1).catch((error: { code: string }) => error.code))
          return polluting()
        }
      }
    }, { id: 'typed', payload: {}, input: { type: 'object', required: ['n'] } as never }]
  })
  const { run } = await it.desk.enqueue('work', { payload: polluting() })
  await it.reach(run.id, 'completed')
  t.same(seen, [undefined, 1, undefined, 'OFFPEAK_STEP_INVALID'])
  const { payload, result } = await it.desk.run(run.id)
  t.same([Object.keys(payload as object), Object.keys(result as object)], [['own', 'constructor'], ['constructor']])
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  await t.rejects(it.desk.enqueue('typed', { payload: polluting() }), { code: 'OFFPEAK_INPUT_INVALID' },
    'inherited properties are not fields')
  for (const name of ['__proto__', 'constructor', 'toString']) {
    await t.rejects(it.desk.enqueue(name), { code: 'OFFPEAK_TASK_NOT_FOUND' })
    await t.rejects(it.desk.queues.get(name), { code: 'OFFPEAK_QUEUE_NOT_FOUND', statusCode: 404 })
    t.match(await it.desk.enqueue('work', { key: name, payload: {}, delay: '1h' }), {
      created: true,
      run: { key: name }
    }, 'it is a valid key')
  }
})

t.test('an unknown queue is refused with the known ones named', async t => {
  const it = await harness(t, { tasks: [{ queue: 'net' }], config: { queues: { mail: { concurrency: 1 } } } })
  await t.rejects(it.desk.queues.get('nope'), { code: 'OFFPEAK_QUEUE_NOT_FOUND', fix: /mail, net/ })
})

t.test('an ended run is not cancelled, edited or promoted, and a queued run is not retried', async t => {
  const it = await harness(t)
  const { run } = await it.desk.enqueue('work')
  const done = await it.reach(run.id, 'completed')
  const conflict = {
    code: 'OFFPEAK_RUN_CONFLICT',
    statusCode: 409,
    message: /is completed/,
    fix: new RegExp(`offpeak show ${run.id}`)
  }
  await t.rejects(it.desk.cancel(run.id, { by: 'ann' }), conflict)
  await t.rejects(it.desk.bulk.edit(run.id, { priority: 'low', by: 'ann' }), conflict)
  await t.rejects(it.desk.bulk.promote(run.id, { by: 'ann' }), conflict)
  await t.rejects(it.desk.dead.discardOne(run.id, { by: 'ann', message: 'x' }), conflict)
  t.match(await it.desk.bulk.change('cancel', { filter: { state: ['completed'] }, by: 'ann' }), {
    matched: 0,
    changed: 0
  })
  t.match(await it.desk.run(run.id), { ...done }, 'it is unchanged')
  const { run: waiting } = await it.desk.enqueue('work', { delay: '1h' })
  await t.rejects(it.desk.retry(waiting.id, { by: 'ann' }), { code: 'OFFPEAK_RUN_CONFLICT' })
  for (const id of ['unknown', '__proto__', '', 'x'.repeat(5000)]) {
    await t.rejects(it.desk.cancel(id, { by: 'ann' }), { code: 'OFFPEAK_RUN_NOT_FOUND', statusCode: 404 })
    await t.rejects(it.desk.retry(id, { by: 'ann' }), { code: 'OFFPEAK_RUN_NOT_FOUND' })
    await t.rejects(it.desk.bulk.promote(id, { by: 'ann' }), { code: 'OFFPEAK_RUN_NOT_FOUND' })
  }
})

t.test('an empty filter and a unique key with two spans are refused', async t => {
  const it = await harness(t, { tasks: [{}] })
  const { run } = await it.desk.enqueue('work', { delay: '1h' })
  const nothing = { code: 'OFFPEAK_INPUT_INVALID', errors: [{ pointer: '/filter' }] }
  for (const act of ['cancel', 'retry', 'remove'] as const) {
    await t.rejects(it.desk.bulk.change(act, { filter: {}, by: 'ann' }), nothing, act)
  }
  t.equal((await it.desk.run(run.id)).state, 'queued')
  const both = { key: 'k', unique: { while: 'queued' as const, for: '1h' } }
  await t.rejects(it.desk.enqueue('work', both), {
    code: 'OFFPEAK_INPUT_INVALID',
    errors: [{ pointer: '/unique/for', detail: /cannot be combined/ }]
  })
})

t.test('runs of a removed task are not retried by id, by filter or as dead', async t => {
  const it = await harness(t, {
    tasks: [{
      max_retries: 0,
      work: {
        kind: 'function',
        func: () => {
          throw new Error('broken')
        }
      }
    }, { id: 'stays' }]
  })
  const { run } = await it.desk.enqueue('work')
  await it.reach(run.id, 'failed')
  const { run: other } = await it.desk.enqueue('stays')
  await it.reach(other.id, 'completed')
  it.tasks.delete('work')
  const gone = { code: 'OFFPEAK_TASK_NOT_FOUND', statusCode: 404 }
  await t.rejects(it.desk.retry(run.id, { by: 'ann' }), gone)
  await t.rejects(it.desk.dead.replay({ task: 'work', by: 'ann' }), gone)
  t.match(await it.desk.dead.replay({ by: 'ann' }), { matched: 0, changed: 0, vanished: 1 })
  t.match(await it.desk.bulk.change('retry', { filter: { state: ['failed', 'completed'] }, by: 'ann' }), {
    matched: 1,
    changed: 1
  })
  t.equal((await it.desk.run(run.id)).state, 'failed')
  await until('the other one ran again', async () => (await it.desk.run(other.id) as Run).turn === 2)
})

t.test('ctx.enqueue checks key, delay and dependencies as the HTTP API does, in each isolation', async t => {
  const asks = {
    long: "{ key: 'k'.repeat(201) }",
    huge: "{ key: 'k'.repeat(3e7) }",
    empty: "{ key: '' }",
    nokey: '{ key: null }',
    delay: '{ delay: null }',
    after: "{ after: 'x' }",
    afters: '{ after: [null] }',
    many: "{ after: Array(1001).fill('x') }",
    unique: "{ key: 'a', unique: 'x' }",
    none: 'null',
    text: "'text'"
  }
  const file = `const asks = [${Object.values(asks).map(text => `() => (${text})`).join(', ')}]
    const added = (ctx, ask) => ctx.enqueue('a.inline', ask).then(() => 'added', error => error.code)
    const func = ctx => Promise.all(asks.map(make => added(ctx, make())))
    export const TASK_DEFINITIONS = ['inline', 'thread', 'process'].map(isolation =>
      ({ id: 'a.' + isolation, func, isolation, max_retries: 0 }))`
  const it = await home(t, { files: { 'asks.mjs': file } })
  await it.manager.start()
  const { desk, engine } = it.manager
  for (const isolation of ['inline', 'thread', 'process']) {
    const { run: { id } } = await desk.enqueue(`a.${isolation}`)
    await until('the run is over', async () => ['completed', 'failed'].includes((await engine.get(id))!.state))
    t.strictSame((await engine.get(id))!.result, Object.keys(asks).map(() => 'OFFPEAK_INPUT_INVALID'), isolation)
  }
  await t.rejects(desk.enqueue('a.inline', { key: 'k'.repeat(201) }), {
    code: 'OFFPEAK_INPUT_INVALID',
    errors: [{ pointer: '/key', detail: /expected a text of 1 to 200 characters/ }]
  })
  t.match(await desk.enqueue('a.inline', { key: 'k'.repeat(200), delay: '1h' }), { created: true })
})
