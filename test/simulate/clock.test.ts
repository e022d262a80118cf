import t from 'tap'
import { SimulatedClock } from '../../core/work/simulate/clock.ts'
import { after, systemClock } from '../../core/model/base/clock.ts'

const START = Date.parse('2026-03-10T08:00:00Z')
const settle = async () => undefined

t.test('timers ring in the order of their instants, then of their setting, and never early', async t => {
  const clock = new SimulatedClock(START)
  const rung: [string, number][] = []
  const set = (name: string, ms: number) => clock.after(ms, () => rung.push([name, clock.now() - START]))
  set('late', 30)
  set('first', 10)
  set('second', 10)
  const cancel = set('taken back', 20)
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

t.test('what a timer sets within the time that passes rings in it, after what it began has settled', async t => {
  const clock = new SimulatedClock(START)
  const story: string[] = []
  clock.after(5, () => {
    clock.after(5, () => story.push('then'))
  })
  await clock.goTo(START + 20, async () => {
    story.push('settled')
  })
  t.strictSame(story, ['settled', 'then', 'settled'])
})

t.test('a jump moves the wall alone', async t => {
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

t.test('a sleep ends with the reason of its signal, and leaves no timer', async t => {
  const clock = new SimulatedClock(START)
  const stop = new AbortController()
  const sleeping = clock.sleep(1000, stop.signal)
  stop.abort(new Error('stop'))
  await t.rejects(sleeping, { message: 'stop' })
  await t.rejects(clock.sleep(1000, stop.signal), { message: 'stop' })
  t.equal(clock.nextAt, null)
})

t.test('without timers of its own a clock takes those of the process', async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = after(systemClock, 60_000, () => t.fail('it was taken back'))
  after(systemClock, 1, resolve)
  await promise
  cancel()
})
