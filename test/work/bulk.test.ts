import t from 'tap'
import { gate, harness } from './harness.ts'
import type { Added } from '../../core/engine/engine.ts'

t.test('runs are added all or none, and every error is named', async t => {
  const it = await harness(t)
  const refused = it.desk.bulk.add([{ task: 'work' }, { task: 'nothing' }, { task: 'work', due_at: 'soon' }])
  await t.rejects(refused, {
    code: 'OFFPEAK_INPUT_INVALID',
    errors: [{ pointer: '/runs/1/task' }, { pointer: '/runs/2/due_at' }]
  })
  t.equal((await it.desk.runs({ limit: 5 })).items.length, 0)
  const added = await it.desk.bulk.add(Array.from({ length: 10_000 }, () => ({ task: 'work', delay: '1h' })))
  t.equal(added.length, 10_000)
  t.equal((await it.desk.queues.get('default')).depth, 10_000)
  t.same(await it.desk.bulk.change('cancel', { filter: { task: 'work' }, by: 'test', dry_run: true }), {
    matched: 10_000,
    changed: 0,
    refused: 0
  })
  t.same(await it.desk.bulk.change('cancel', { filter: { task: 'work' }, by: 'test' }), {
    matched: 10_000,
    changed: 10_000,
    refused: 0
  })
  await t.rejects(it.desk.bulk.add(Array.from({ length: 10_001 }, () => ({ task: 'work' }))), {
    code: 'OFFPEAK_INPUT_INVALID'
  })
})

t.test('a bulk cancel also cancels running runs', async t => {
  const held = gate()
  const it = await harness(t, { tasks: [{ work: { kind: 'function', func: held.func } }], slots: 1 })
  const [{ run: running }, { run: waiting }] = await it.desk.bulk.add([{ task: 'work' }, { task: 'work' }]) as [Added,
    Added]
  await it.reach(running.id, 'running')
  await it.desk.bulk.change('cancel', { filter: { task: 'work' }, by: 'ann', message: 'enough' })
  t.match((await it.reach(running.id, 'cancelled')).reason, { message: 'enough', by: 'ann' })
  t.match((await it.reach(waiting.id, 'cancelled')).reason, { message: 'enough', by: 'ann' })
})

t.test('a queued run is edited and promoted, and an ended run is refused', async t => {
  const it = await harness(t, {
    tasks: [{}, { id: 'typed', input: { type: 'object', required: ['n'] } as never, payload: { n: 1 } }]
  })
  const { run } = await it.desk.enqueue('work', { delay: '1h' })
  t.match(await it.desk.bulk.edit(run.id, { priority: 'high', payload: { a: 1 }, by: 'ann' }), {
    priority: 'high',
    due_at: run.due_at
  })
  await it.desk.bulk.promote(run.id, { by: 'ann' })
  await it.reach(run.id, 'completed')
  t.same((await it.desk.run(run.id)).payload, { a: 1 })
  await t.rejects(it.desk.bulk.edit(run.id, { priority: 'low', by: 'ann' }), { code: 'OFFPEAK_RUN_CONFLICT' })
  await t.rejects(it.desk.bulk.promote('unknown', { by: 'ann' }), { code: 'OFFPEAK_RUN_NOT_FOUND' })
  const { run: typed } = await it.desk.enqueue('typed', { delay: '1h' })
  await t.rejects(it.desk.bulk.edit(typed.id, { payload: {}, by: 'ann' }), { code: 'OFFPEAK_INPUT_INVALID' })
})
