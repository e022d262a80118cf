import { once } from 'node:events'
import { get } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { eventsIn, inMemory } from './broadcast.ts'
import { fakeClock, until } from '../clock.ts'
import { stopwatch } from '../promptly.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { setup } from './setup.ts'
import type { SentEvent } from './broadcast.ts'

/** A server on a free port whose timed loops the test calls, and a function that opens an event stream. */
async function listening (t: Test) {
  const clock = fakeClock()
  const it = await setup(t, { options: { clock, loops: 'none', senses: fakeSenses(clock).senses } })
  await it.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = it.app.server.address() as AddressInfo
  const read = async (path = '/api/events', headers: Record<string, string> = {}) => {
    const [answer] = await once(get({ host: '127.0.0.1', port, path, headers, agent: false }), 'response')
    const received = {
      status: answer.statusCode as number,
      headers: answer.headers,
      text: '',
      over: false,
      leave: () => answer.destroy(),
      get events () {
        return eventsIn(received.text)
      }
    }
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      received.text += chunk
    }).on('close', () => {
      received.over = true
    }).on('error', () => undefined)
    t.teardown(() => answer.destroy())
    if (received.status === 200) await until('the stream is open', () => received.text.includes('retry:'))
    return received
  }
  return { ...it, clock, read, port }
}

t.test('every notice is sent as it happens, with rising ids and ISO instants', async t => {
  const it = await listening(t)
  const received = await it.read()
  t.match(received.headers, {
    'content-type': /^text\/event-stream/,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff'
  })
  const { id } = (await it.post('/api/tasks/echo/runs', { payload: { secret: 'of the payload' } })).json()
  await it.finished(id)
  await until('the run is over', () => received.events.some(({ event }) => event === 'settled'))
  const kinds = received.events.filter(({ data }) => data.topic === 'runs').map(({ event }) => event)
  t.same(kinds, ['added', 'claimed', 'settled'])
  t.match(received.events.at(-1)!.data, {
    kind: 'settled',
    at: '2026-11-22T12:00:00.000Z',
    run: { id, task: 'echo', state: 'completed', started_at: '2026-11-22T12:00:00.000Z' },
    outcome: 'completed'
  })
  t.notMatch(received.text, /of the payload/)
  t.ok(received.events.every(({ id }, index) => index === 0 || id > received.events[index - 1]!.id))
})

t.test('the progress of a run is sent', async t => {
  const it = await listening(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  it.manager.addTask({
    id: 'steps',
    func: async ctx => {
      ctx.progress.setTotal(4, 'files')
      ctx.progress.advance(1, 'a.txt')
      await promise
    }
  })
  const received = await it.read('/api/events?topics=runs')
  const { id } = (await it.post('/api/tasks/steps/runs')).json()
  await until('it runs', () => it.manager.runner.active.size === 1)
  await it.manager.beat('flush')
  await until('progress is received', () => received.events.some(({ event }) => event === 'progressed'))
  t.match(received.events.at(-1)!.data, {
    run: {
      id,
      task: 'steps',
      progress: {
        current: 1,
        total: 4,
        percentage: 25,
        unit: 'files',
        message: 'a.txt',
        at: '2026-11-22T12:00:00.000Z'
      }
    }
  })
  resolve()
  await it.finished(id)
})

t.test('a reader can select topics', async t => {
  const it = await listening(t)
  const received = await it.read('/api/events?topics=readings,records')
  await it.finished((await it.post('/api/tasks/echo/runs')).json().id)
  await it.manager.look()
  await until('both are received',
    () => ['sampled', 'recorded'].every(kind => received.events.some(({ event }) => event === kind)))
  t.same(new Set(received.events.map(({ data }) => data.topic)), new Set(['readings', 'records']))
  t.match(received.events.find(({ event }) => event === 'recorded')!.data, {
    by: null,
    subject: null,
    withheld: ['by', 'subject']
  }, 'the author is withheld without a token')
  t.match(received.events.find(({ event }) => event === 'sampled')!.data, {
    reading: { at: '2026-11-22T12:00:00.000Z', power: 'mains' }
  })
  t.match((await it.ask({ url: '/api/events?topics=weather' })).json(), {
    status: 422,
    errors: [{ pointer: '/query/topics/0' }]
  })
})

t.test('a reader that reconnects receives the missed events, or a reset [F51]', async t => {
  const it = await listening(t)
  const first = await it.read('/api/events?topics=runs')
  await it.finished((await it.post('/api/tasks/echo/runs')).json().id)
  await until('the run is over', () => first.events.some(({ event }) => event === 'settled'))
  first.leave()
  const seen = first.events[0]!
  const later = await it.read('/api/events?topics=runs', { 'last-event-id': String(seen.id) })
  t.same(later.events, first.events.slice(1), 'nothing twice, nothing lost')
  for (const id of ['1', String(seen.id + 1e9), 'garbage', '-5', '9'.repeat(90)]) {
    const lost = await it.read('/api/events', { 'last-event-id': id })
    await until(`a reset comes for ${id}`, () => lost.events.length > 0)
    t.equal(lost.events[0]!.event, 'reset', id)
    t.ok(lost.events[0]!.id >= first.events.at(-1)!.id, 'and has the id to continue from')
  }
})

t.test('the event stream is guarded as every read, and a token in the URL does not count [S07]', async t => {
  const it = await listening(t)
  t.equal((await it.read('/api/events', { host: 'evil.example' })).status, 421)
  t.equal((await it.read(`/api/events?token=${it.token}`, { 'x-forwarded-for': '10.0.0.9' })).status, 401)
  t.equal((await it.read('/api/events', { 'x-forwarded-for': '10.0.0.9' })).status, 401)
  t.equal((await it.read('/api/events', { 'x-forwarded-for': '10.0.0.9', authorization: `Bearer ${it.token}` })).status,
    200)
})

t.test('an idle stream sends heartbeats', async t => {
  const it = await listening(t)
  const received = await it.read()
  it.clock.advance(14_000)
  await it.manager.beat('flush')
  t.notMatch(received.text, /^:$/m)
  it.clock.advance(1000)
  await it.manager.beat('flush')
  await until('a comment comes', () => /^:$/m.test(received.text))
})

t.test('the server closes in time with many open streams [F53]', async t => {
  const it = await listening(t)
  const readers = await Promise.all(Array.from({ length: 60 }, () => it.read()))
  const elapsed = stopwatch()
  await it.app.close()
  t.ok(elapsed() < 1400, 'before connections are cut')
  await until('every stream is over', () => readers.every(({ over }) => over))
  t.ok(readers.every(({ text }) => text.endsWith('\n\n')), 'and none in the middle of a frame')
})

t.test('a connection that is not read is closed, and uses bounded memory [F50]', async t => {
  const it = await listening(t)
  const healthy = await it.read('/api/events?topics=config')
  const slow = connect(it.port, '127.0.0.1')
  t.teardown(() => slow.destroy())
  slow.on('error', () => undefined).pause().write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const open = async () =>
    await new Promise<number>(resolve => {
      it.app.server.getConnections((_error, count) => resolve(count))
    })
  await until('both are open', async () => await open() === 2)
  let sent = 0
  await until('one is cut', async () => {
    for (let count = 0; count < 200; count++) {
      it.manager.notice({ kind: 'config_refused', message: `${sent++} ${'x'.repeat(4000)}` })
    }
    await until('the other has read it all', () => healthy.text.includes(`"message":"${sent - 1} `))
    return await open() === 1
  })
  t.equal(healthy.over, false)
  t.equal(healthy.events.length, sent, 'the other has received everything')
})

const currents = (events: SentEvent[]) =>
  events.map(({ data }) => (data.run as { progress: { current: number } }).progress.current)

t.test('the progress of a run is sent at most four times a second, the newest last', async t => {
  const { clock, broadcast, reader, progressed } = inMemory()
  const received = reader()
  for (let step = 1; step <= 10; step++) {
    broadcast.receive(progressed(step))
    clock.advance(100)
    broadcast.beat()
  }
  clock.advance(250)
  broadcast.beat()
  t.same(currents(received.events), [1, 3, 6, 9, 10])
  broadcast.receive(progressed(1, 'b'))
  broadcast.receive(progressed(1, 'c'))
  t.same(received.events.slice(-2).map(({ data }) => (data.run as { id: string }).id), ['b', 'c'],
    'each run for itself')
})

t.test('delayed progress is not sent after the end of the run', async t => {
  const { clock, broadcast, reader, progressed } = inMemory()
  const received = reader()
  broadcast.receive(progressed(1))
  broadcast.receive(progressed(2))
  broadcast.receive({
    kind: 'settled',
    run: {
      id: 'a',
      task: 'echo',
      state: 'completed',
      created_at: 0,
      due_at: 0,
      nominal_at: 0,
      started_at: 0,
      finished_at: 0,
      deadline_at: null,
      progress: null,
      error: null
    } as never,
    outcome: 'completed',
    ms: 1
  })
  clock.advance(1000)
  broadcast.beat()
  t.same(received.events.map(({ event }) => event), ['progressed', 'settled'])
})

t.test('a reader that does not read is dropped, and the others continue [F50]', async t => {
  const { broadcast, reader } = inMemory()
  const [slow, healthy] = [reader(), reader()]
  broadcast.receive({ kind: 'stopped' })
  slow.buffered = 1024 * 1024 + 1
  broadcast.receive({ kind: 'stopped' })
  broadcast.receive({ kind: 'stopped' })
  t.equal(slow.dropped, true)
  t.equal(slow.events.length, 1)
  t.equal(healthy.events.length, 3)
  t.equal(broadcast.readers, 1)
})

t.test('the events kept for readers that reconnect are bounded [F51]', async t => {
  const { broadcast, reader } = inMemory()
  const first = reader()
  for (let count = 0; count < 600; count++) broadcast.receive({ kind: 'stopped' })
  const ids = first.events.map(({ id }) => id)
  t.same(reader({ after: ids[99]! }).events.length, 500)
  t.match(reader({ after: ids[98]! }).events, [{ event: 'reset', id: ids.at(-1) }])
  t.same(reader({ after: ids.at(-1)! }).events, [])
  const long = 'x'.repeat(10_000)
  for (let count = 0; count < 100; count++) broadcast.receive({ kind: 'config_refused', message: long })
  t.match(reader({ after: ids.at(-1)! }).events, [{ event: 'reset' }], 'in bytes too')
})
