import t from 'tap'
import { SimulatedClock } from '../../core/work/simulate/clock.ts'
import { after, systemClock } from '../../core/model/base/clock.ts'

const START = Date.parse('2026-03-10T08:00:00Z')
const settle = async () => undefined

t.test('timers ring in the order of their instants, then in the order they were set, and never early', async t => {
  const clock = new SimulatedClock(START)
  const rung: [string, number][] = []
  const set = (name: string, ms: number) => clock.after(ms, () => rung.push([name, clock.now() - START]))
  set('late', 30)
  set('first', 10)
  set('second', 10)
  const cancel = set('cancelled', 20)
  set('at once', 0)
  cancel()
  await clock.goTo(START + 29, settle)
  t.strictSame(rung, [['at once', 1], ['first', 10], ['second', 10]])
  t.equal(clock.now(), START + 29)
  t.equal(clock.nextAt, START + 30)
  await clock.goTo(START + 30, settle)
  t.strictSame(rung.at(-1), ['late', 30])
  t.equal(clock.nextAt, null)
})

t.test('a timer set by another timer rings within the same advance, after the first has settled', async t => {
  const clock = new SimulatedClock(START)
  const events: string[] = []
  clock.after(5, () => {
    clock.after(5, () => events.push('then'))
  })
  await clock.goTo(START + 20, async () => {
    events.push('settled')
  })
  t.strictSame(events, ['settled', 'then', 'settled'])
})

t.test('a jump moves the wall clock alone', async t => {
  const clock = new SimulatedClock(START)
  let rings = 0
  clock.after(1000, () => {
    rings++
  })
  clock.jump(60_000)
  t.strictSame([clock.now() - START, clock.monotonic(), rings], [60_000, 0, 0])
  await clock.goTo(START + 61_000, settle)
  t.strictSame([clock.monotonic(), rings], [1000, 1])
})

t.test('an aborted sleep rejects with the reason of its signal and leaves no timer', async t => {
  const clock = new SimulatedClock(START)
  const stop = new AbortController()
  const sleeping = clock.sleep(1000, stop.signal)
  stop.abort(new Error('stop'))
  await t.rejects(sleeping, { message: 'stop' })
  await t.rejects(clock.sleep(1000, stop.signal), { message: 'stop' })
  t.equal(clock.nextAt, null)
})

t.test('a clock without timers uses those of the process', async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = after(systemClock, 60_000, () => t.fail('it was cancelled'))
  after(systemClock, 1, resolve)
  await promise
  cancel()
})
