import t from 'tap'
import fc from 'fast-check'
import { NOON, config, desktop, laptop, verdict } from './gates/machine.ts'
import { MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { steadied, steady } from '../../core/model/machine/hysteresis.ts'
import type { Reading } from '../../core/model/machine/reading.ts'
import type { Steady } from '../../core/model/machine/hysteresis.ts'
import type { Task } from '../../core/model/task/task.ts'

const CONFIG = config()

/** What a task is told as readings come in: the instants (ms from the first) at which its verdict changes, and the first verdict. */
function changes (readings: Iterable<[number, Reading]>, task: Partial<Task> = {}, settings = CONFIG) {
  let state: Steady | null = null
  let last: string | undefined
  const found: [number, string][] = []
  for (const [after, reading] of readings) {
    const now = NOON + after
    state = steady(state, reading, settings, now)
    const { decision } = verdict({ task, reading, steady: state, config: settings, now, run: { task: 'work', due_at: now, priority: 'normal' } })
    if (decision !== last) found.push([after, decision])
    last = decision
  }
  return found
}

function * every (periodMs: number, count: number, readingAt: (index: number) => Reading): Generator<[number, Reading]> {
  for (let index = 0; index < count; index++) yield [index * periodMs, readingAt(index)]
}

const cpu = (busy: Reading['cpu']['busy'], own: Reading['cpu']['own'] = 0) => desktop({ cpu: { busy, own, load: 'unknown', cores: 4 } })
const BACKGROUND = { class: 'background' } as const

t.test('a battery that flaps between 49 and 51 % each second changes nothing', t => {
  t.strictSame(changes(every(SECOND, 600, index => laptop(index % 2 ? 51 : 49)), BACKGROUND), [[0, 'hold']])
  t.strictSame(changes(every(SECOND, 600, index => laptop(index % 2 ? 49 : 51)), BACKGROUND), [[0, 'start'], [1000, 'hold']])
  t.end()
})

t.test('a level counts as risen only beyond the margin, and 100 % is 100 %', t => {
  const levels = [48, 50, 51, 52]
  t.strictSame(changes(every(MINUTE, 4, index => laptop(levels[index]!)), BACKGROUND), [[0, 'hold'], [3 * MINUTE, 'start']])
  const filling = [97, 99, 100]
  t.strictSame(changes(every(2 * MINUTE, 3, index => laptop(filling[index]!)), { class: 'charging_only' }), [[0, 'hold'], [4 * MINUTE, 'start']])
  t.end()
})

t.test('the first change of power counts at once, and a plug that is loose at most once a minute', t => {
  const unplugged = laptop(20)
  const plugged = laptop(20, 'mains')
  t.strictSame(changes([[0, plugged], [5000, unplugged]]), [[0, 'start'], [5000, 'hold']])
  const flips = changes(every(SECOND, 300, index => index % 2 ? plugged : unplugged))
  t.ok(flips.length >= 4, 'it is followed')
  t.ok(flips.slice(2).every(([at], index) => at - flips[index + 1]![0] >= MINUTE), 'but not more often')
  t.end()
})

t.test('a spike of load changes nothing, load for a whole minute does', t => {
  const spiky = every(SECOND, 300, index => cpu(index % 10 === 0 ? 1 : 0.1))
  t.strictSame(changes(spiky), [[0, 'start']])
  const busy = changes(every(5 * SECOND, 60, index => cpu(index >= 12 && index < 36 ? 0.95 : 0.1)))
  t.strictSame(busy, [[0, 'start'], [120 * SECOND, 'hold'], [240 * SECOND, 'start']])
  t.end()
})

t.test('a short rest in the middle of load opens nothing', t => {
  t.strictSame(changes(every(SECOND, 300, index => cpu(index % 3 === 0 ? 0.1 : 0.95)), {}), [[0, 'start']], 'nor does load with rests close')
  t.strictSame(changes(every(SECOND, 300, index => cpu(index > 100 && index % 10 === 0 ? 0.1 : 0.95))), [[0, 'start'], [MINUTE, 'hold']])
  t.end()
})

t.test('load that is there at the start holds when it has lasted a minute; our own is none', t => {
  t.strictSame(changes(every(5 * SECOND, 30, () => cpu(0.95))), [[0, 'start'], [MINUTE, 'hold']])
  t.strictSame(changes(every(5 * SECOND, 30, () => cpu(0.95, 0.9))), [[0, 'start']])
  t.end()
})

t.test('what a sensor no longer tells counts for one more minute', t => {
  const silent = changes(every(10 * SECOND, 20, index => index < 2 ? laptop(20) : laptop('unknown')))
  t.strictSame(silent, [[0, 'hold'], [70 * SECOND, 'start']])
  t.end()
})

t.test('after a sleep the machine is judged afresh', t => {
  t.strictSame(changes([[0, laptop(80)], [1000, laptop(20)], [8 * 60 * MINUTE, laptop(90)]]), [[0, 'start'], [1000, 'hold'], [8 * 60 * MINUTE, 'start']])
  const state = [0, 5, 10].reduce<Steady | null>((before, at) => steady(before, cpu(1), CONFIG, NOON + at * SECOND), null)!
  t.match(steadied(cpu(1), steady(state, cpu(1), CONFIG, NOON + 60 * MINUTE)), { cpu: { busy: 0 } })
  t.end()
})

t.test('signals count at once unless they are told to dwell', t => {
  const solar = (value: number) => desktop({ signals: { solar: { value, at: NOON, expires_at: NOON + 60 * MINUTE } } })
  const flapping = () => every(SECOND, 120, index => solar(index % 2 ? 600 : 400))
  const task = { constraints: { signals: { solar: '> 500' } } }
  t.equal(changes(flapping(), task).length, 120)
  t.equal(changes(flapping(), task, config({ scheduling: { signal_dwell: '1m' } })).length, 3)
  t.end()
})

t.test('the state is plain JSON of bounded size', t => {
  let state: Steady | null = null
  for (let index = 0; index < 3000; index++) state = steady(state, cpu((index % 100) / 100), CONFIG, NOON + index * 100)
  t.strictSame(JSON.parse(JSON.stringify(state)), state)
  t.ok(JSON.stringify(state).length < 3000)
  t.end()
})

t.test('whatever the machine does, no gate that hangs on power, level or load turns to and fro within a minute', t => {
  const step = fc.record({ level: fc.integer({ min: 0, max: 100 }), busy: fc.integer({ min: 0, max: 10 }).map(tenth => tenth / 10), power: fc.constantFrom('mains' as const, 'battery' as const), wait: fc.integer({ min: 1, max: 20 }) })
  fc.assert(fc.property(fc.array(step, { minLength: 2, maxLength: 120 }), fc.integer({ min: 1, max: 99 }), (steps, threshold) => {
    let now = NOON
    let state: Steady | null = null
    const seen: Record<string, { value: boolean, at: number | null }> = {}
    return steps.every(({ level, busy, power, wait }) => {
      now += wait * SECOND
      const reading: Reading = { ...laptop(level, power), cpu: { busy, own: 0, load: 'unknown', cores: 1 } }
      state = steady(state, reading, CONFIG, now)
      const is = steadied(reading, state)
      const answers = { level: (is.battery.level as number) >= threshold, cpu: (is.cpu.busy as number) * 100 >= threshold, power: is.power === 'mains' }
      return Object.entries(answers).every(([name, value]) => {
        const before = seen[name]
        const turned = before !== undefined && before.value !== value
        seen[name] = turned ? { value, at: now } : before ?? { value, at: null }
        return !turned || before.at === null || now - before.at >= MINUTE
      })
    })
  }), { numRuns: 500 })
  t.end()
})
