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

t.test('a listener that throws or rejects stays, and the others are called', async t => {
  const faults: ListenerFault[] = []
  const listeners = new Listeners<[number]>(fault => void faults.push(fault))
  const heard: string[] = []
  listeners.add(number => {
    heard.push(`first ${number}`)
    throw new Error('first')
  }, 'first')
  listeners.add(async function second (number) {
    heard.push(`second ${number}`)
    throw new Error('second')
  })
  listeners.add(number => void heard.push(`third ${number}`), 'third')
  listeners.call(1)
  await nextTurn()
  listeners.call(2)
  t.strictSame(heard, ['first 1', 'second 1', 'third 1', 'first 2', 'second 2', 'third 2'])
  t.match(faults, [{ listener: 'first', failures: 1 }, { listener: 'second', failures: 1 }])
})

t.test('a fault is reported the first, tenth and hundredth time', t => {
  const reported: number[] = []
  const listeners = new Listeners<[]>(({ failures }) => void reported.push(failures))
  listeners.add(() => {
    throw new Error('always')
  })
  for (let call = 0; call < 500; call++) listeners.call()
  t.strictSame(reported, [1, 10, 100])
  t.end()
})

t.test('a listener that is added during a call is called from the next one on, one that is removed no more', t => {
  const listeners = new Listeners<[]>(() => undefined)
  const heard: string[] = []
  let off = () => {}
  listeners.add(() => {
    off()
    listeners.add(() => void heard.push('added'))
  })
  off = listeners.add(() => void heard.push('removed'))
  listeners.call()
  t.strictSame(heard, [])
  listeners.call()
  t.strictSame(heard, ['added'])
  t.end()
})

t.test('what a listener says is delivered after the notice that it heard, to everybody', t => {
  const notices = new Notices({ now: () => 0 })
  const heard: string[] = []
  notices.listen(notice => {
    if (notice.kind === 'stopped') notices.say(beat('answer'))
  })
  notices.listen(notice => void heard.push(notice.kind))
  notices.say({ kind: 'stopped' })
  t.strictSame(heard, ['stopped', 'file_mended'])
  t.end()
})

t.test('listeners that answer each other for ever come to an end', t => {
  const notices = new Notices({ now: () => 0 })
  let calls = 0
  notices.listen(() => {
    calls++
    notices.say(beat('echo'))
  })
  notices.say(beat('first'))
  t.ok(calls > 1 && calls < 100, `${calls} calls`)
  notices.say(beat('second'))
  t.ok(calls > 2)
  t.end()
})

t.test('a listener that fails of everything is named once to the others, and not to itself', t => {
  const notices = new Notices({ now: () => 42 })
  const own: string[] = []
  const others: Notice[] = []
  notices.listen(notice => {
    own.push(notice.kind)
    throw new Error('mine')
  }, 'the host app')
  notices.listen(notice => void others.push(notice))
  notices.say({ kind: 'stopped' })
  notices.say({ kind: 'stopped' })
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

t.test('of listeners that fail no more than fifty are kept', t => {
  const notices = new Notices({ now: () => 0 })
  for (let index = 0; index < 60; index++) {
    notices.report({ listener: `number ${index}`, failures: 1, error: new Error('no') })
  }
  t.equal(notices.troubles.length, 50)
  t.equal(notices.troubles.at(-1)!.listener, 'number 59')
  t.end()
})

t.test('a listener of the conditions or of a timed loop that throws ends neither', async t => {
  const faults: string[] = []
  const failed = ({ listener }: ListenerFault) => void faults.push(listener)
  const conditions = new LiveConditions({ clock: fakeClock(), config: () => configOf({}, 'UTC'), failed })
  let heard = 0
  conditions.onChange(() => {
    throw new Error('no')
  }, 'conditions')
  conditions.onChange(() => {
    heard++
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
    heard++
  })
  await ticker.beat('one')
  t.strictSame([faults, heard, notices], [['conditions', 'loop'], 2, []])
})

t.test('a listener of the host app that throws keeps the breaker from nothing, and a sample neither', async t => {
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

t.test('a task whose listener of hints throws is named, and harms nobody', async t => {
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
