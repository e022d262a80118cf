import t from 'tap'
import fc from 'fast-check'
import { NOON, config, desktop, laptop } from './gates/machine.ts'
import { CONFIG, changes, cpu, every } from './hysteresis-fixtures.ts'
import { MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { smoothed, nextHysteresis } from '../../core/model/machine/hysteresis.ts'
import type { Reading } from '../../core/model/machine/reading.ts'
import type { Hysteresis } from '../../core/model/machine/hysteresis.ts'
import type { Task } from '../../core/model/task/task.ts'

const BACKGROUND = { class: 'background' } as const

t.test('a battery that flaps between 49 and 51 % each second changes nothing [F56]', t => {
  t.strictSame(changes(every(SECOND, 600, index => laptop(index % 2 ? 51 : 49)), BACKGROUND), [[0, 'hold']])
  t.strictSame(changes(every(SECOND, 600, index => laptop(index % 2 ? 49 : 51)), BACKGROUND), [[0, 'start'], [1000,
    'hold']])
  t.end()
})

t.test('a level counts as risen only beyond the margin, and 100 % is 100 %', t => {
  const levels = [48, 50, 51, 52]
  t.strictSame(changes(every(MINUTE, 4, index => laptop(levels[index]!)), BACKGROUND), [[0, 'hold'], [3 * MINUTE,
    'start']])
  const filling = [97, 99, 100]
  t.strictSame(changes(every(2 * MINUTE, 3, index => laptop(filling[index]!)), { class: 'charging_only' }), [[0,
    'hold'], [4 * MINUTE, 'start']])
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

t.test('a mean of 15 % with a spike each minute holds nothing, load that stays does within a minute', t => {
  const spiky = every(5 * SECOND, 720, index => cpu(index % 12 === 5 ? 1 : 0.08))
  t.strictSame(changes(spiky), [[0, 'start']])
  for (const busy of [0.9, 0.95, 1]) {
    const found = changes(every(5 * SECOND, 60, index => cpu(index >= 12 && index < 36 ? busy : 0.1)))
    t.strictSame(found.map(([, decision]) => decision), ['start', 'hold', 'start'])
    t.ok(found[1]![0] > 60 * SECOND && found[1]![0] <= 2 * MINUTE, `${busy} is seen within a minute: ${found[1]![0]}`)
    t.ok(found[2]![0] > 3 * MINUTE && found[2]![0] <= 4 * MINUTE, `and its end too: ${found[2]![0]}`)
  }
  t.end()
})

t.test('after a busy spell spikes do not keep the gate closed', t => {
  const found = changes(every(5 * SECOND, 200, index => cpu(index < 24 ? 0.95 : index % 10 === 0 ? 0.75 : 0.08)))
  t.strictSame(found.map(([, decision]) => decision), ['hold', 'start'])
  t.ok(found[1]![0] <= 3 * MINUTE + 20 * SECOND)
  t.end()
})

t.test('the mean goes by time, not by the number of samples', t => {
  const at = (periodMs: number) => {
    let state: Hysteresis | null = null
    for (const [after, reading] of every(periodMs, 120 * SECOND / periodMs + 1,
      index => cpu(index * periodMs > 60 * SECOND ? 0.9 : 0.1))) {
      state = nextHysteresis(state, reading, CONFIG, NOON + after)
    }
    return state!.loads.cpu!.mean
  }
  for (const seconds of [1, 2, 5, 10, 20]) {
    t.ok(Math.abs(at(seconds * SECOND) - (0.9 - 0.8 * 0.1)) < 1e-9, `${seconds} s`)
  }
  t.end()
})

t.test('a limit is left only well below it', t => {
  const found = changes(every(5 * SECOND, 240, index => cpu(index < 60 ? 0.8 : index < 120 ? 0.66 : 0.6)))
  t.strictSame(found.map(([, decision]) => decision), ['hold', 'start'])
  t.ok(found[1]![0] > 600 * SECOND, '66 % is not, below 65 % is')
  t.end()
})

t.test('the first reading counts at once, on every load; our own is none', t => {
  const first = (over: Partial<Reading>, task: Partial<Task> = {}) => changes([[0, desktop(over)]], task)[0]![1]
  const idle = { constraints: { idle: true } }
  t.equal(first({ cpu: { busy: 0.95, own: 0, load: 'unknown', cores: 4 } }), 'hold')
  t.equal(first({ cpu: { busy: 0.95, own: 0.9, load: 'unknown', cores: 4 } }), 'start')
  t.equal(first({ memory: { used: 0.9, available_bytes: 1 } }), 'hold')
  t.equal(first({ memory: { used: 0.9, own: 0.5, available_bytes: 1 } }), 'start')
  t.equal(first({ io: { busy: 1, bytes_per_s: 3e8 } }), 'hold')
  t.equal(first({ io: { busy: 1, bytes_per_s: 3e8, own: 0.9, own_bytes_per_s: 2.9e8 } }), 'start')
  t.equal(first({ idle_seconds: 9000, io: { busy: 0.1, bytes_per_s: 3e8 } }, idle), 'hold')
  t.equal(first({ idle_seconds: 9000, io: { busy: 0.1, bytes_per_s: 3e8, own_bytes_per_s: 3e8 } }, idle), 'start')
  t.equal(first({ idle_seconds: 9000, network: { online: true, metered: false, bytes_per_s: 1e6 } }, idle), 'hold')
  t.equal(
    first({ idle_seconds: 9000, network: { online: true, metered: false, bytes_per_s: 1e6, own_bytes_per_s: 1e6 } },
      idle),
    'start'
  )
  t.end()
})

t.test('on mains load that has lasted for half an hour holds nothing, until it has ended and comes again', t => {
  const day = (busy: (minute: number) => number) => changes(every(MINUTE, 8 * 60, index => cpu(busy(index))))
  t.strictSame(day(() => 1), [[0, 'hold'], [30 * MINUTE, 'start']])
  t.strictSame(
    day(minute => minute >= 100 && minute < 110 ? 0.1 : 1).map((
      [at, decision]
    ) => [Math.round(at / MINUTE / 5) * 5, decision]),
    [[0, 'hold'], [30, 'start'], [110, 'hold'], [140, 'start']]
  )
  const onBattery = changes(
    every(MINUTE, 200, () => ({ ...laptop(90), cpu: { busy: 1, own: 0, load: 'unknown' as const, cores: 4 } }))
  )
  t.strictSame(onBattery, [[0, 'hold']], 'a battery is spared')
  const asked = changes(every(MINUTE, 200, () => cpu(1)), { constraints: { cpu_below: 0.5 } })
  t.strictSame(asked, [[0, 'hold']], 'and what a task asks for itself stands')
  t.strictSame(changes(every(MINUTE, 120, () => cpu(1)), {}, config({ scheduling: { load_patience: '1h' } })), [[0,
    'hold'], [60 * MINUTE, 'start']])
  t.end()
})

t.test('what a sensor no longer tells counts for one more minute', t => {
  const silent = changes(every(10 * SECOND, 20, index => index < 2 ? laptop(20) : laptop('unknown')))
  t.strictSame(silent, [[0, 'hold'], [70 * SECOND, 'start']])
  t.end()
})

t.test('after a sleep the machine is judged afresh', t => {
  t.strictSame(changes([[0, laptop(80)], [1000, laptop(20)], [8 * 60 * MINUTE, laptop(90)]]), [[0, 'start'], [1000,
    'hold'], [8 * 60 * MINUTE, 'start']])
  const state = [0, 5, 10].reduce<Hysteresis | null>(
    (before, at) => nextHysteresis(before, cpu(1), CONFIG, NOON + at * SECOND),
    null
  )!
  t.match(smoothed(cpu(0.2), nextHysteresis(state, cpu(0.2), CONFIG, NOON + 60 * MINUTE)), {
    cpu: { busy: 0.2 },
    trends: { cpu: { lasted: null } }
  })
  t.end()
})

t.test('the state is plain JSON of bounded size', t => {
  let state: Hysteresis | null = null
  for (let index = 0; index < 3000; index++) {
    state = nextHysteresis(state, cpu((index % 100) / 100), CONFIG, NOON + index * 100)
  }
  t.strictSame(JSON.parse(JSON.stringify(state)), state)
  t.ok(JSON.stringify(state).length < 1000)
  t.end()
})

t.test('under any readings, no gate of power, level or load reverses its result twice within a minute [F56]', t => {
  const step = fc.record({
    level: fc.integer({ min: 0, max: 100 }),
    busy: fc.integer({ min: 0, max: 10 }).map(tenth => tenth / 10),
    power: fc.constantFrom('mains' as const, 'battery' as const),
    wait: fc.integer({ min: 1, max: 20 })
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 120 }), fc.integer({ min: 1, max: 99 }),
      (steps, threshold) => {
        let now = NOON
        let state: Hysteresis | null = null
        const seen: Record<string, { value: boolean, at: number | null }> = {}
        return steps.every(({ level, busy, power, wait }) => {
          now += wait * SECOND
          const reading: Reading = { ...laptop(level, power), cpu: { busy, own: 0, load: 'unknown', cores: 1 } }
          state = nextHysteresis(state, reading, CONFIG, now)
          const is = smoothed(reading, state)
          const answers = {
            level: (is.battery.level as number) >= threshold,
            cpu: (is.cpu.busy as number) * 100 >= threshold,
            power: is.power === 'mains'
          }
          return Object.entries(answers).every(([name, value]) => {
            const before = seen[name]
            const turned = before !== undefined && before.value !== value
            seen[name] = turned ? { value, at: now } : before ?? { value, at: null }
            return !turned || before.at === null || now - before.at >= MINUTE
          })
        })
      }),
    { numRuns: 500 }
  )
  t.end()
})
