import t from 'tap'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Listeners } from '../../core/model/base/listeners.ts'
import { Notices } from '../../core/work/upkeep/notices.ts'
import { LiveConditions } from '../../core/work/conditions/conditions.ts'
import { Ticker } from '../../core/work/upkeep/ticker.ts'
import { configOf } from '../../core/model/config/config.ts'
import { createTestManager } from '../../core/simulate/testkit.ts'
import { fakeClock } from '../clock.ts'
import type { ListenerFault } from '../../core/model/base/listeners.ts'
import type { Notice } from '../../core/model/notice.ts'

const beat = (name: string): Notice => ({ kind: 'file_mended', file: name })

t.test('a listener that throws or rejects is kept, and the others are called', async t => {
  const faults: ListenerFault[] = []
  const listeners = new Listeners<[number]>(fault => void faults.push(fault))
  const calls: string[] = []
  listeners.add(number => {
    calls.push(`first ${number}`)
    throw new Error('first')
  }, 'first')
  listeners.add(async function second (number) {
    calls.push(`second ${number}`)
    throw new Error('second')
  })
  listeners.add(number => void calls.push(`third ${number}`), 'third')
  listeners.call(1)
  await nextTurn()
  listeners.call(2)
  t.strictSame(calls, ['first 1', 'second 1', 'third 1', 'first 2', 'second 2', 'third 2'])
  t.match(faults, [{ listener: 'first', failures: 1 }, { listener: 'second', failures: 1 }])
})

t.test('the first, tenth and hundredth fault of a listener are reported', t => {
  const reported: number[] = []
  const listeners = new Listeners<[]>(({ failures }) => void reported.push(failures))
  listeners.add(() => {
    throw new Error('always')
  })
  for (let call = 0; call < 500; call++) listeners.call()
  t.strictSame(reported, [1, 10, 100])
  t.end()
})

t.test('a listener added during a call is called from the next one on, and a removed one is not called', t => {
  const listeners = new Listeners<[]>(() => undefined)
  const calls: string[] = []
  let off = () => {}
  listeners.add(() => {
    off()
    listeners.add(() => void calls.push('added'))
  })
  off = listeners.add(() => void calls.push('removed'))
  listeners.call()
  t.strictSame(calls, [])
  listeners.call()
  t.strictSame(calls, ['added'])
  t.end()
})

t.test('a notice emitted by a listener is delivered to all after the notice that caused it', t => {
  const notices = new Notices({ now: () => 0 })
  const calls: string[] = []
  notices.listen(notice => {
    if (notice.kind === 'stopped') notices.send(beat('answer'))
  })
  notices.listen(notice => void calls.push(notice.kind))
  notices.send({ kind: 'stopped' })
  t.strictSame(calls, ['stopped', 'file_mended'])
  t.end()
})

t.test('listeners that emit notices endlessly are stopped', t => {
  const notices = new Notices({ now: () => 0 })
  let calls = 0
  notices.listen(() => {
    calls++
    notices.send(beat('echo'))
  })
  notices.send(beat('first'))
  t.ok(calls > 1 && calls < 100, `${calls} calls`)
  notices.send(beat('second'))
  t.ok(calls > 2)
  t.end()
})

t.test('a listener that always fails is reported once to the others and not to itself', t => {
  const notices = new Notices({ now: () => 42 })
  const own: string[] = []
  const others: Notice[] = []
  notices.listen(notice => {
    own.push(notice.kind)
    throw new Error('mine')
  }, 'the host app')
  notices.listen(notice => void others.push(notice))
  notices.send({ kind: 'stopped' })
  notices.send({ kind: 'stopped' })
  t.strictSame(own, ['stopped', 'stopped'])
  t.match(others, [{ kind: 'stopped' }, {
    kind: 'listener_failed',
    listener: 'the host app',
    failures: 1,
    error: { message: 'mine' }
  }, { kind: 'stopped' }])
  t.strictSame(notices.troubles, [{ listener: 'the host app', failures: 1, message: 'mine', at: 42 }])
  t.end()
})

t.test('at most fifty failing listeners are listed', t => {
  const notices = new Notices({ now: () => 0 })
  for (let index = 0; index < 60; index++) {
    notices.report({ listener: `number ${index}`, failures: 1, error: new Error('no') })
  }
  t.equal(notices.troubles.length, 50)
  t.equal(notices.troubles.at(-1)!.listener, 'number 59')
  t.end()
})

t.test('a throwing listener does not end the conditions or a beat', async t => {
  const faults: string[] = []
  const failed = ({ listener }: ListenerFault) => void faults.push(listener)
  const conditions = new LiveConditions({ clock: fakeClock(), config: () => configOf({}, 'UTC'), failed })
  let calls = 0
  conditions.onChange(() => {
    throw new Error('no')
  }, 'conditions')
  conditions.onChange(() => {
    calls++
  })
  conditions.pause([])
  const notices: Notice[] = []
  const ticker = new Ticker({
    beats: [{ name: 'one', everyMs: 1000, run: () => undefined }],
    notice: notice => void notices.push(notice),
    failed
  })
  ticker.onBeat(() => {
    throw new Error('no')
  }, 'loop')
  ticker.onBeat(() => {
    calls++
  })
  await ticker.beat('one')
  t.strictSame([faults, calls, notices], [['conditions', 'loop'], 2, []])
})

t.test('throwing listeners of the host app do not affect the breaker or samples', async t => {
  const kit = await createTestManager({
    tasks: [{
      id: 't',
      max_retries: 0,
      breaker: { failures: 2 },
      func: () => {
        throw new Error('x')
      }
    }]
  })
  t.teardown(() => kit.close())
  kit.manager.onNotice(() => {
    throw new Error('of notices')
  }, 'host notices')
  kit.manager.conditions.onChange(() => {
    throw new Error('of conditions')
  }, 'host conditions')
  for (let index = 0; index < 4; index++) await kit.enqueue('t')
  t.match(kit.manager.pauses.list(), [{ scope: 'task', name: 't', by: 'breaker' }])
  const before = kit.manager.conditions.reading
  await kit.unplug(10)
  t.not(kit.manager.conditions.reading, before)
  t.strictSame(kit.manager.listenerTroubles.map(({ listener }) => listener).toSorted(), ['host conditions',
    'host notices'])
})

t.test('a throwing onHints listener is reported with its task', async t => {
  const kit = await createTestManager({
    tasks: [{
      id: 't',
      func: async ctx => {
        ctx.onHints(() => {
          throw new Error('mine')
        })
        await kit.sleep('1h')
      }
    }]
  })
  t.teardown(() => kit.close())
  await kit.enqueue('t')
  await kit.unplug(10)
  t.match(kit.notices.filter(({ kind }) => kind === 'listener_failed'), [{
    listener: 'onHints of t',
    error: { message: 'mine' }
  }])
})
