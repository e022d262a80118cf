import t from 'tap'
import { inMemory } from './broadcast.ts'
import { until } from '../clock.ts'
import type { Notice } from '../../core/model/notice.ts'
import type { SentEvent } from './broadcast.ts'

/** A disk that confirms when the test says so, in the order of asking. */
function heldDisk () {
  const asked: PromiseWithResolvers<void>[] = []
  const durable = () => {
    const wait = Promise.withResolvers<void>()
    asked.push(wait)
    return wait.promise
  }
  /** Answers the oldest question, and lets what follows from that happen. */
  const answer = async (act: 'resolve' | 'reject' = 'resolve') => {
    const [first] = asked.splice(0, 1)
    first![act](new Error('the disk is gone') as never)
    await new Promise(resolve => setImmediate(resolve))
  }
  return { durable, answer, asked }
}

const claimed = (id: string): Notice => ({
  kind: 'claimed',
  run: {
    id,
    task: 'echo',
    state: 'running',
    created_at: 0,
    due_at: 0,
    nominal_at: 0,
    started_at: 0,
    finished_at: null,
    deadline_at: null,
    progress: null,
    error: null
  } as never
})
const labelsOf = (received: { events: SentEvent[] }) =>
  received.events.map(({ event, data }) => (data.run as { id: string } | undefined)?.id ?? event)

t.test('events of stored changes are sent once durable, all others at once', async t => {
  const disk = heldDisk()
  const { broadcast, reader } = inMemory(disk)
  const received = reader()
  broadcast.receive(claimed('a'))
  broadcast.receive({ kind: 'stopping', running: 1 })
  broadcast.receive(claimed('b'))
  t.same(labelsOf(received), ['stopping'], 'a waiting event does not delay others')
  t.equal(disk.asked.length, 1)
  await disk.answer()
  t.same(labelsOf(received), ['stopping', 'a'], 'b was received after the sync had begun')
  await disk.answer()
  t.same(labelsOf(received), ['stopping', 'a', 'b'])
  t.equal(disk.asked.length, 0, 'nothing waits, nothing is asked')
  broadcast.receive(claimed('c'))
  broadcast.receive({ kind: 'recorded', by: 'ann', action: 'pause', subject: 'all' })
  await disk.answer()
  await disk.answer()
  t.same(labelsOf(received), ['stopping', 'a', 'b', 'c', 'recorded'])
  t.ok(received.events.every(({ id }, index) => index === 0 || id === received.events[index - 1]!.id + 1),
    'ids rise by one in the order of telling')
})

t.test('the instant of an event is when it happened, not when it was sent', async t => {
  const disk = heldDisk()
  const { broadcast, reader, clock } = inMemory(disk)
  const received = reader()
  broadcast.receive(claimed('a'))
  clock.advance(5000)
  await disk.answer()
  t.match(received.events[0]!.data, { at: '2026-11-22T12:00:00.000Z' })
})

t.test('a reader that reconnects receives waiting events once', async t => {
  const disk = heldDisk()
  const { broadcast, reader } = inMemory(disk)
  const first = reader()
  broadcast.receive(claimed('a'))
  await disk.answer()
  broadcast.receive(claimed('b'))
  const back = reader({ after: first.events[0]!.id })
  t.same(labelsOf(back), [], 'b is not durable yet')
  await disk.answer()
  t.same(labelsOf(back), ['b'])
  t.same(labelsOf(reader({ after: first.events[0]!.id })), ['b'])
})

t.test('a change that could not be stored is not sent: readers receive a reset', async t => {
  const disk = heldDisk()
  const { broadcast, reader } = inMemory(disk)
  const [all, system] = [reader(), reader({ topics: ['system'] })]
  broadcast.receive(claimed('a'))
  await disk.answer()
  broadcast.receive(claimed('lost'))
  await disk.answer('reject')
  broadcast.receive({ kind: 'engine_failed', call: 'add', error: { name: 'Error', message: 'full' } as never })
  t.same(labelsOf(all), ['a', 'reset', 'engine_failed'])
  t.same(labelsOf(system), ['engine_failed'])
  t.same(labelsOf(reader({ after: all.events[0]!.id })), ['reset'], 'also for a reader that reconnects')
  broadcast.receive(claimed('b'))
  await disk.answer()
  t.same(labelsOf(all).at(-1), 'b', 'and later events are sent')
})

t.test('events that become durable together reach each reader in one write, without those it may not see', async t => {
  const disk = heldDisk()
  const { broadcast, reader } = inMemory(disk)
  const all = [reader(), reader({ topics: ['runs'] }), reader({ topics: ['tasks'] }), reader({ trusted: false })]
  const joined = all.map(({ writes }) => writes)
  broadcast.receive(claimed('first'))
  for (const id of ['a', 'b', 'c']) broadcast.receive(claimed(id))
  broadcast.receive({ kind: 'task_added', task: 'echo', source: 'echo.ts' })
  await disk.answer()
  await disk.answer()
  t.strictSame(all.map(({ writes }, index) => writes - joined[index]!), [2, 2, 1, 2])
  const runs = ['first', 'a', 'b', 'c']
  t.strictSame(all.map(labelsOf), [[...runs, 'task_added'], runs, ['task_added'], [...runs, 'task_added']])
})

t.test('a disk that does not answer uses bounded memory', async t => {
  const disk = heldDisk()
  const { broadcast, reader } = inMemory(disk)
  const received = reader()
  for (let count = 0; count < 25_000; count++) broadcast.receive(claimed(`r${count}`))
  await disk.answer()
  await disk.answer()
  t.equal(received.events.filter(({ event }) => event === 'reset').length, 1)
  await until('all that was kept is sent', () => received.text.includes('"r24999"'))
  t.ok(received.events.length < 10_000)
})
