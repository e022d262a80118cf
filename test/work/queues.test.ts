import t from 'tap'
import { gate, harness } from './harness.ts'
import { until } from '../clock.ts'

const SECOND = 1000

const MINUTE = 60 * SECOND

t.test('a queue runs at most its concurrency of runs of all its tasks and holds the others with a reason', async t => {
  const held = gate()
  const it = await harness(t, {
    tasks: [{ id: 'a', queue: 'net', work: { kind: 'function', func: held.func } }, {
      id: 'b',
      queue: 'net',
      work: { kind: 'function', func: held.func }
    }, { id: 'c' }],
    config: { queues: { net: { concurrency: 2 } } },
    slots: 10
  })
  for (const id of ['a', 'b', 'a', 'b']) await it.desk.enqueue(id)
  const { run: other } = await it.desk.enqueue('c')
  await it.reach(other.id, 'completed')
  await it.runner.settled()
  t.equal(held.started.length, 2, 'the other slots stay free for other queues')
  const waiting = (await it.desk.runs({ state: ['queued'], limit: 10 })).items
  t.match(it.desk.verdict(waiting[0]!)!.gates.find(({ gate }) => gate === 'queue'), {
    ok: false,
    code: 'queue_busy',
    observed: 2,
    required: 2,
    source: '/queues/net/concurrency'
  })
  t.match(await it.desk.queues.get('net'), { depth: 2, running: 2, concurrency: 2, tasks: ['a', 'b'], oldest: /Z$/ })
  held.letGo()
  await until('the others have started', () => held.started.length === 4)
  held.letGo()
})

t.test('a refusal by a full queue has a retryAfter in seconds', async t => {
  const held = gate()
  const it = await harness(t, {
    tasks: [{ id: 'later', queue: 'later' }, { id: 'busy', queue: 'busy', work: { kind: 'function', func: held.func } },
      { id: 'slow', queue: 'slow' }],
    config: {
      queues: {
        later: { max_length: 1 },
        busy: { max_length: 1, concurrency: 1 },
        slow: { max_length: 1, rate: { limit: 1, per: '1h' } }
      }
    }
  })
  const refused = (task: string, retryAfter: number) =>
    t.rejects(it.desk.enqueue(task), { code: 'OFFPEAK_QUEUE_FULL', retryAfter }, `${task} ${retryAfter}`)

  await it.desk.enqueue('later', { delay: 90 })
  await refused('later', 60)
  it.clock.advance(69_500)
  await refused('later', 21)

  await it.desk.enqueue('busy')
  await until('it runs', () => held.started.length === 1)
  await it.desk.enqueue('busy')
  await refused('busy', 5)

  const { run } = await it.desk.enqueue('slow')
  await it.reach(run.id, 'completed')
  await it.desk.enqueue('slow')
  await refused('slow', 1)
  it.clock.advance(12_000)
  await refused('slow', 12)
  it.clock.advance(5 * MINUTE)
  await refused('slow', 60)
  held.letGo()
})

t.test('a full queue refuses runs and stores none of them', async t => {
  const it = await harness(t, {
    tasks: [{ queue: 'small' }, { id: 'free' }],
    config: { queues: { small: { max_length: 2 } } }
  })
  const asks = Array.from({ length: 5 },
    () => it.desk.enqueue('work', { delay: '1h' }).then(() => 'added', error => error.code as string))
  t.same((await Promise.all(asks)).toSorted(), ['OFFPEAK_QUEUE_FULL', 'OFFPEAK_QUEUE_FULL', 'OFFPEAK_QUEUE_FULL',
    'added', 'added'], 'concurrent calls too')
  t.equal((await it.desk.queues.get('small')).depth, 2)
  await t.rejects(it.desk.bulk.add([{ task: 'free', delay: '1h' }, { task: 'work', delay: '1h' }]), {
    code: 'OFFPEAK_QUEUE_FULL',
    statusCode: 429
  })
  t.equal((await it.desk.queues.get('default')).depth, 0, 'a refused call adds no run')
})

t.test('a full queue with drop_oldest skips its oldest run with a reason', async t => {
  const it = await harness(t, {
    tasks: [{ queue: 'feed' }],
    config: { queues: { feed: { max_length: 2, on_full: 'drop_oldest' } } }
  })
  const ids: string[] = []
  for (let count = 0; count < 4; count++) ids.push((await it.desk.enqueue('work', { delay: '1h' })).run.id)
  const runs = await Promise.all(ids.map(id => it.desk.run(id)))
  t.same(runs.map(({ state }) => state), ['skipped', 'skipped', 'queued', 'queued'])
  t.match(runs[0]!.reason, { code: 'queue_full', message: /feed/ })
  t.equal((await it.desk.enqueue('work', { delay: '1h', key: 'one' })).created, true)
  t.equal((await it.desk.enqueue('work', { delay: '1h', key: 'one' })).created, false)
  t.equal((await it.desk.run(ids[3]!)).state, 'queued', 'a repeated key drops no run')
})

t.test('tasks with the same lock run one at a time, also when all are due at once', async t => {
  const held = gate()
  const work = { kind: 'function', func: held.func } as const
  const it = await harness(t, {
    tasks: [{ id: 'a', locks: ['disk'], work }, { id: 'b', locks: ['disk', 'net'], work }, {
      id: 'c',
      locks: ['net'],
      work
    }],
    slots: 10
  })
  await it.desk.bulk.add([{ task: 'a' }, { task: 'a' }, { task: 'b' }, { task: 'c' }])
  await it.runner.settled()
  await until('two have started', () => held.started.length === 2)
  await it.runner.settled()
  t.same(it.runner.active.all().map(({ task }) => task.id).toSorted(), ['a', 'c'], 'their locks differ')
  const { items } = await it.desk.runs({ task: 'b', limit: 1 })
  t.match(it.desk.verdict(items[0]!)!.gates.find(({ gate }) => gate === 'locks'), {
    ok: false,
    code: 'locked',
    observed: 'disk'
  })
  held.letGo()
  await until('the next has started', () => held.started.length > 2)
  held.letGo()
  await until('all are completed', async () => {
    held.letGo()
    return (await it.desk.runs({ state: ['completed'], limit: 10 })).items.length === 4
  })
})

t.test('a task that runs alone waits for running runs and holds all later ones', async t => {
  const held = gate()
  const work = { kind: 'function', func: held.func } as const
  const it = await harness(t, { tasks: [{ work }, { id: 'solo', alone: true, work }], slots: 10 })
  const { run: first } = await it.desk.enqueue('work')
  await it.reach(first.id, 'running')
  const { run: solo } = await it.desk.enqueue('solo')
  it.clock.advance(1)
  const { run: later } = await it.desk.enqueue('work')
  await it.runner.settled()
  t.same((await it.desk.run(solo.id)).state, 'queued')
  t.same((await it.desk.run(later.id)).state, 'queued', 'it does not start before the earlier solo run')
  held.letGo()
  await it.reach(solo.id, 'running')
  t.match(it.desk.verdict(later)!.gates.find(({ gate }) => gate === 'alone'), {
    ok: false,
    code: 'not_alone',
    message: /solo/
  })
  held.letGo()
  await it.reach(later.id, 'running')
  held.letGo()
})

t.test('a repeated key returns the first run although its queue is full', async t => {
  const it = await harness(t, {
    tasks: [{ queue: 'q' }, { id: 'sole', queue: 'q', unique: { by: 'task', while: 'running' } }],
    config: { queues: { q: { max_length: 2 } } }
  })
  const { run: first } = await it.desk.enqueue('work', { delay: '1h', key: 'one' })
  const { run: sole } = await it.desk.enqueue('sole', { delay: '1h' })
  const full = { code: 'OFFPEAK_QUEUE_FULL', statusCode: 429 }
  t.match(await it.desk.enqueue('work', { delay: '1h', key: 'one' }), { created: false, run: { id: first.id } })
  t.match(await it.desk.enqueue('sole', { delay: '1h' }), { created: false, run: { id: sole.id } })
  t.match(await it.desk.bulk.add([{ task: 'work', key: 'one' }, { task: 'work', key: 'one' }, { task: 'sole' }]), [{
    created: false
  }, { created: false }, { created: false }])
  await t.rejects(it.desk.enqueue('work', { delay: '1h', key: 'two' }), full)
  await t.rejects(it.desk.bulk.add([{ task: 'work', key: 'one' }, { task: 'work', key: 'two' }]), full)
  await it.desk.cancel(sole.id, { by: 'ann' })
  t.match(
    await it.desk.bulk.add([{ task: 'work', key: 'two', delay: '1h' }, { task: 'work', key: 'two' }, {
      task: 'work',
      key: 'one'
    }]),
    [{ created: true }, { created: false }, { created: false }],
    'one run takes the last place'
  )
})

t.test('keep_last needs a place in the queue beside a running run', async t => {
  const held = gate()
  const it = await harness(t, {
    tasks: [{
      queue: 'q',
      unique: { by: 'task', while: 'running', on_conflict: 'keep_last' },
      work: { kind: 'function', func: held.func }
    }, { id: 'other', queue: 'q' }],
    config: { queues: { q: { max_length: 1 } } }
  })
  const { run } = await it.desk.enqueue('work')
  await it.reach(run.id, 'running')
  await it.desk.enqueue('other', { delay: '1h' })
  await t.rejects(it.desk.enqueue('work'), { code: 'OFFPEAK_QUEUE_FULL' })
  held.letGo()
})
