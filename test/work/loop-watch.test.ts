import t from 'tap'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InlineTable } from '../../core/work/watch/inline-table.ts'
import { closeSignalPipe, findSignalPipe, waitingSignals } from '../../core/work/watch/signal-pipe.ts'
import { placeIn } from '../../core/work/watch/loop-watch.ts'
import { readNote, removeNote, writeNote } from '../../core/work/watch/loop-note.ts'
import { scratch } from './harness.ts'
import { until } from '../clock.ts'

t.test('another thread sees which inline runs there are, and whose function has not returned', async t => {
  const own = new InlineTable()
  const other = new InlineTable(own.memory)
  t.strictSame(other.holders, [])
  const long = own.enter({ id: 'r1', task: 'long' })
  own.returned(long)
  const spin = own.enter({ id: 'r2', task: 'spin' })
  t.strictSame(other.holders, [{ id: 'r2', task: 'spin' }], 'that one holds the loop')
  own.returned(spin)
  t.strictSame(other.holders, [{ id: 'r1', task: 'long' }, { id: 'r2', task: 'spin' }], 'one of them does')
  other.held('r2', 4200.4)
  t.equal(own.leave(long), 0)
  t.equal(own.leave(spin), 4200)
  t.strictSame(other.holders, [])
  t.equal(own.leave(own.enter({ id: 'r3', task: 'next' })), 0, 'a slot forgets who had it')
  own.beat()
  t.equal(other.beats, 1)
})

t.test('more inline runs than are listed change nothing', async t => {
  const table = new InlineTable()
  const slots = Array.from({ length: 100 }, (_, n) => table.enter({ id: `r${n}`, task: 'many' }))
  t.equal(table.holders.length, 64)
  for (const slot of slots) {
    table.returned(slot)
    table.leave(slot)
  }
  t.strictSame(table.holders, [])
})

t.test('a signal that the loop has not read yet is seen, and is still heard', { skip: process.platform !== 'linux' },
  async t => {
    const pipe = findSignalPipe()!
    t.ok(pipe, 'the pipe is found')
    t.teardown(() => closeSignalPipe(pipe))
    let heard = 0
    const hear = () => void heard++
    process.on('SIGUSR2', hear)
    t.teardown(() => process.off('SIGUSR2', hear))
    t.notOk(waitingSignals(pipe).includes(12))
    process.kill(process.pid, 'SIGUSR2')
    t.ok(waitingSignals(pipe).includes(12))
    t.ok(waitingSignals(pipe).includes(12), 'looking takes nothing away')
    t.equal(heard, 0)
    await until('the loop has heard it', () => heard === 1)
    await until('the trial is over', () => process.listenerCount('SIGURG') === 0)
    t.strictSame(waitingSignals(pipe), [])
  })

t.test('the place of a loop is the first that is not of offpeak or of Node', async t => {
  const own = new URL('../../core/work/watch/loop-watch.ts', import.meta.url).href
  const stack =
    `Error\n    at whereabouts (${own}:10:2)\n    at foo (node:internal/vm:3:1)\n    at Array.map (<anonymous>)\n    at spin (file:///tasks/a.ts?v=12ab:7:21)`
  t.equal(placeIn(stack), '/tasks/a.ts:7')
  t.equal(placeIn('Error\n    at spin (/tasks/b\u001b[31m.js:8:1)'), '/tasks/b?[31m.js:8',
    'a name cannot steer a terminal')
  t.equal(placeIn('Error\n    at async file:///tasks/c.js:9:1'), '/tasks/c.js:9')
  t.equal(placeIn('Error\n    at node:internal/bootstrap/x:1:2'), null)
})

t.test('what is kept of a loop that stands can be read by its owner alone, and what is no such thing is nothing', async t => {
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
  t.strictSame(readdirSync(folder), ['loop.json'], 'nothing else is left')
  removeNote(folder)
  t.equal(readNote(folder), null)
  for (const text of ['', '{', '[]', '{"owner":1}', '{"owner":"a","ms":1,"runs":[null]}']) {
    writeFileSync(join(folder, 'loop.json'), text)
    t.equal(readNote(folder), null, text)
  }
})
