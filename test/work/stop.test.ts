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

t.test('its signal is aborted whenever somebody asks for it', async t => {
  const [early, late] = [new Stop(), new Stop()]
  const { signal } = early
  t.equal(signal.aborted, false)
  for (const stop of [early, late]) stop.ask(first)
  for (const one of [signal, late.signal]) t.match(one, { aborted: true, reason: first })
  t.equal(late.signal, late.signal, 'there is one')
})

t.test('its listener is called once, at once when it is late', async t => {
  const heard: string[] = []
  const [early, late, deaf] = [new Stop(), new Stop(), new Stop()]
  early.listen(() => void heard.push('early'))
  deaf.listen(() => void heard.push('deaf'))
  deaf.listen(null)
  for (const stop of [early, late, deaf]) stop.ask(first)
  early.ask(second)
  late.listen(() => void heard.push('late'))
  t.same(heard, ['early', 'late'])
})

t.test('its signal calls listeners in the scope of the run that asked for it, whoever stops the run', async t => {
  const stop = new Stop()
  const scopes: unknown[] = []
  runScope.run({ id: 'r1', task: 'work' },
    () => stop.signal.addEventListener('abort', () => void scopes.push(runScope.getStore()?.id)))
  runScope.run({ id: 'r2', task: 'other' }, () => stop.ask(first))
  t.same(scopes, ['r1'])
})

t.test('a signal that a task has changed stops nobody else from hearing of the stop [F28]', async t => {
  const stop = new Stop()
  const heard: string[] = []
  stop.onAsk(() => void heard.push('own'))
  stop.onAsk(() => void heard.push('gone'))()
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
  t.same(heard, ['own'])
})
