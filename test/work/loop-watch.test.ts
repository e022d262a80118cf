import t from 'tap'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InlineTable } from '../../core/work/watch/inline-table.ts'
import { closeSignalPipe, findSignalPipe, waitingSignals } from '../../core/work/watch/signal-pipe.ts'
import { placeIn } from '../../core/work/watch/loop-watch.ts'
import { readNote, removeNote, writeNote } from '../../core/work/watch/loop-note.ts'
import { scratch } from './harness.ts'
import { until } from '../clock.ts'

t.test('another thread reads the inline runs and which of them has not returned', async t => {
  const own = new InlineTable()
  const other = new InlineTable(own.memory)
  t.strictSame(other.holders, [])
  const long = own.enter({ id: 'r1', task: 'long' })
  own.returned(long)
  const spin = own.enter({ id: 'r2', task: 'spin' })
  t.strictSame(other.holders, [{ id: 'r2', task: 'spin' }], 'the run whose function has not returned')
  own.returned(spin)
  t.strictSame(other.holders, [{ id: 'r1', task: 'long' }, { id: 'r2', task: 'spin' }], 'both may hold it')
  other.held('r2', 4200.4)
  t.equal(own.leave(long), 0)
  t.equal(own.leave(spin), 4200)
  t.strictSame(other.holders, [])
  t.equal(own.leave(own.enter({ id: 'r3', task: 'next' })), 0, 'a reused slot starts at zero')
  own.beat()
  t.equal(other.beats, 1)
})

t.test('inline runs beyond the size of the table are ignored', async t => {
  const table = new InlineTable()
  const slots = Array.from({ length: 100 }, (_, n) => table.enter({ id: `r${n}`, task: 'many' }))
  t.equal(table.holders.length, 64)
  for (const slot of slots) {
    table.returned(slot)
    table.leave(slot)
  }
  t.strictSame(table.holders, [])
})

t.test('a signal that the loop has not read yet is seen and still delivered', { skip: process.platform !== 'linux' },
  async t => {
    const pipe = findSignalPipe()!
    t.ok(pipe, 'the pipe is found')
    t.teardown(() => closeSignalPipe(pipe))
    let received = 0
    const receive = () => void received++
    process.on('SIGUSR2', receive)
    t.teardown(() => process.off('SIGUSR2', receive))
    t.notOk(waitingSignals(pipe).includes(12))
    process.kill(process.pid, 'SIGUSR2')
    t.ok(waitingSignals(pipe).includes(12))
    t.ok(waitingSignals(pipe).includes(12), 'reading does not consume it')
    t.equal(received, 0)
    await until('the loop has received it', () => received === 1)
    await until('the test signal is no longer used', () => process.listenerCount('SIGURG') === 0)
    t.strictSame(waitingSignals(pipe), [])
  })

t.test('the location of a loop is the first frame outside offpeak and Node', async t => {
  const own = new URL('../../core/work/watch/loop-watch.ts', import.meta.url).href
  const stack = ['Error', `at location (${own}:10:2)`, 'at foo (node:internal/vm:3:1)', 'at Array.map (<anonymous>)',
    'at spin (file:///tasks/a.ts?v=12ab:7:21)'].join('\n    ')
  t.equal(placeIn(stack), '/tasks/a.ts:7')
  t.equal(placeIn('Error\n    at spin (/tasks/b\u001b[31m.js:8:1)'), '/tasks/b?[31m.js:8',
    'control characters are replaced')
  t.equal(placeIn('Error\n    at async file:///tasks/c.js:9:1'), '/tasks/c.js:9')
  t.equal(placeIn('Error\n    at node:internal/bootstrap/x:1:2'), null)
})

t.test('the note of a blocked loop is readable by its owner alone, and an invalid note is ignored', async t => {
  const folder = scratch(t)
  const note = {
    owner: 'me',
    ms: 3000,
    runs: [{ id: 'r1', task: 'spin' }],
    exact: true,
    where: null,
    ended: 'stop'
  } as const
  t.equal(readNote(folder), null)
  writeNote(folder, { ...note, ended: null })
  writeNote(folder, note)
  t.strictSame(readNote(folder), note)
  t.equal(statSync(join(folder, 'loop.json')).mode & 0o777, 0o600)
  t.strictSame(readdirSync(folder), ['loop.json'], 'no temporary file is left')
  removeNote(folder)
  t.equal(readNote(folder), null)
  for (const text of ['', '{', '[]', '{"owner":1}', '{"owner":"a","ms":1,"runs":[null]}']) {
    writeFileSync(join(folder, 'loop.json'), text)
    t.equal(readNote(folder), null, text)
  }
})
