import t from 'tap'
import { once } from 'node:events'
import { Stop } from '../../core/work/context/stop.ts'
import { runScope } from '../../core/work/context/scope.ts'
import { StopReason } from '../../core/model/run/outcome.ts'

const first = new StopReason('timeout', 'too long')
const second = new StopReason('cancelled', 'not today')

t.test('the first reason counts', async t => {
  const stop = new Stop()
  t.equal(stop.reason, null)
  t.same([stop.ask(first), stop.ask(second)], [true, false])
  t.equal(stop.reason, first)
  t.equal(stop.signal.reason, first)
})

t.test('its signal is aborted whether it was read before or after the stop', async t => {
  const [early, late] = [new Stop(), new Stop()]
  const { signal } = early
  t.equal(signal.aborted, false)
  for (const stop of [early, late]) stop.ask(first)
  for (const one of [signal, late.signal]) t.match(one, { aborted: true, reason: first })
  t.equal(late.signal, late.signal, 'there is one signal')
})

t.test('its listener is called once, and at once if it is added after the stop', async t => {
  const calls: string[] = []
  const [early, late, removed] = [new Stop(), new Stop(), new Stop()]
  early.listen(() => void calls.push('early'))
  removed.listen(() => void calls.push('removed'))
  removed.listen(null)
  for (const stop of [early, late, removed]) stop.ask(first)
  early.ask(second)
  late.listen(() => void calls.push('late'))
  t.same(calls, ['early', 'late'])
})

t.test('abort listeners are called in the scope of their run, not in that of the caller', async t => {
  const stop = new Stop()
  const scopes: unknown[] = []
  runScope.run({ id: 'r1', task: 'work' },
    () => stop.signal.addEventListener('abort', () => void scopes.push(runScope.getStore()?.id)))
  runScope.run({ id: 'r2', task: 'other' }, () => stop.ask(first))
  t.same(scopes, ['r1'])
})

t.test('a task that breaks its signal does not keep other listeners from being called [F28]', async t => {
  const stop = new Stop()
  const calls: string[] = []
  stop.onAsk(() => void calls.push('own'))
  stop.onAsk(() => void calls.push('gone'))()
  stop.signal.dispatchEvent = () => {
    throw new Error('mine')
  }
  const late = once(process, 'uncaughtException')
  const others = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', others.at(-1) as () => void)
  t.equal(stop.ask(first), true)
  t.match((await late)[0], { message: 'mine' })
  process.removeAllListeners('uncaughtException')
  for (const one of others.slice(0, -1)) process.on('uncaughtException', one as () => void)
  t.same(calls, ['own'])
})
