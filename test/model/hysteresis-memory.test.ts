import t from 'tap'
import { NOON, config, desktop, laptop } from './gates/machine.ts'
import { BACK, CONFIG, changes, cpu, every, seen, setBack } from './hysteresis-fixtures.ts'
import { MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { nextHysteresis, nextSignalHysteresis } from '../../core/model/machine/hysteresis.ts'
import type { Reading } from '../../core/model/machine/reading.ts'
import type { Hysteresis } from '../../core/model/machine/hysteresis.ts'

t.test('a clock that is set back begins steadiness again', t => {
  const last = <T>(readings: [number, Reading][], look: (reading: Reading) => T) => seen(readings, look).at(-1)
  t.strictSame(last(setBack([laptop(80, 'mains'), laptop(80)], laptop(80, 'mains')), ({ power }) => power), [-BACK,
    'mains'])
  t.strictSame(last(setBack([laptop(80), laptop(80, 'mains')], laptop(80)), ({ power }) => power), [-BACK, 'battery'])
  t.strictSame(last(setBack([cpu(0.95), cpu(0.95)], cpu(0.05)), ({ cpu: { busy } }) => busy), [-BACK, 0.05])
  t.strictSame(last(setBack([cpu(0.05), cpu(0.05)], cpu(0.95)), ({ cpu: { busy } }) => busy), [-BACK, 0.95])
  t.strictSame(last(setBack([laptop(60), laptop(80)], laptop(20)), ({ battery: { level } }) => level), [-BACK, 20])
  t.end()
})

t.test('a clock that is set back by a moment restarts no mean', t => {
  let state: Hysteresis | null = null
  for (let index = 0; index < 30; index++) state = nextHysteresis(state, cpu(0.1), CONFIG, NOON + index * SECOND)
  t.ok(nextHysteresis(state, cpu(1), CONFIG, NOON + 28 * SECOND).loads.cpu!.mean < 0.2)
  t.end()
})

const ups = (over: Partial<NonNullable<Reading['ups']>>): Reading =>
  desktop({ ups: { on_battery: true, level: 80, seconds_left: 3000, ...over } })
const SILENT = ups({ on_battery: 'unknown', level: 'unknown', seconds_left: 'unknown', warning: 'silent' })

t.test('a UPS that stops answering on battery counts as on battery until it answers: only critical work starts', t => {
  const readings = [
    ...every(5 * SECOND, 400, index => index < 4 ? ups({}) : index < 390 ? SILENT : ups({ on_battery: false }))
  ]
  t.strictSame(changes(readings, {}, config({ sense: { ups: 'rack@nas' } })), [[0, 'start'], [20 * SECOND, 'hold'], [
    390 * 5 * SECOND,
    'start'
  ]])
  t.strictSame(changes(readings, { class: 'critical' }), [[0, 'start']])
  t.end()
})

t.test('a UPS that stops answering on mains holds no run, nor does one that is no longer configured', t => {
  t.strictSame(changes(every(5 * SECOND, 100, index => index < 4 ? ups({ on_battery: false }) : SILENT)), [[0,
    'start']])
  t.strictSame(changes(every(5 * SECOND, 40, index => index < 4 ? ups({ level: 10 }) : desktop())), [[0, 'hold'], [
    20 * SECOND,
    'start'
  ]])
  t.end()
})

t.test('a clock that is set back does not forget that the UPS was on its battery', t => {
  t.equal(seen(setBack([ups({}), ups({})], SILENT), ({ ups: state }) => state?.on_battery).at(-1)![1], true)
  t.end()
})

const solar = (value: number, expires = 60 * MINUTE) =>
  desktop({ signals: { solar: { value, at: NOON, expires_at: NOON + expires } } })
const SUN = { constraints: { signals: { solar: '> 500' } } }

t.test('a signal counts at once and then stays for a dwell, like all that is sensed', t => {
  const flapping = () => every(SECOND, 120, index => solar(index % 2 ? 600 : 400))
  t.equal(changes(flapping(), SUN).length, 3)
  t.equal(changes(flapping(), SUN, config({ scheduling: { signal_dwell: 0 } })).length, 120)
  t.strictSame(changes(every(SECOND, 10, index => solar(index < 5 ? 400 : 600)), SUN), [[0, 'hold'], [5 * SECOND,
    'start']])
  t.end()
})

t.test('a signal that has expired holds, and its next value counts at once', t => {
  const expires = 20 * SECOND
  const readings = every(SECOND, 60, index => index < 30 ? solar(600, expires) : solar(700))
  t.strictSame(changes(readings, SUN), [[0, 'start'], [expires, 'hold'], [30 * SECOND, 'start']])
  t.end()
})

t.test('signals alone leave everything else as it was', t => {
  let state: Hysteresis | null = null
  for (let index = 0; index < 30; index++) {
    state = nextHysteresis(state, { ...solar(400), cpu: cpu(0.4).cpu }, CONFIG, NOON + index * SECOND)
  }
  const { signals } = solar(600)
  const next = nextSignalHysteresis(state!, signals, CONFIG, NOON + 40 * SECOND)
  t.strictSame({ ...next, words: {} }, { ...state!, words: {} })
  t.equal(next.words['signal solar']?.value, 600)
  t.equal(next.words.power?.value, 'mains')
  t.equal(nextSignalHysteresis(next, {}, CONFIG, NOON + 41 * SECOND).words['signal solar'], undefined)
  t.end()
})
