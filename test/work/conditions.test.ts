import t from 'tap'
import { LiveConditions } from '../../core/work/conditions/conditions.ts'
import { asksForSignal } from '../../core/model/machine/signal.ts'
import { calmReading } from '../../core/model/machine/machine-state.ts'
import { configOf } from '../../core/model/config/config.ts'
import { fakeClock } from '../clock.ts'
import type { Changed } from '../../core/work/conditions/conditions.ts'
import type { ConfigFile } from '../../core/model/config/config.ts'
import type { Signal } from '../../core/model/machine/reading.ts'

function setup (file: ConfigFile = {}) {
  const clock = fakeClock()
  const config = configOf(file, 'UTC')
  const conditions = new LiveConditions({ clock, config: () => config })
  const changes: Changed[] = []
  conditions.onChange(changed => void changes.push(changed))
  const signals = (values: Record<string, Signal['value']>, ttl = 3_600_000) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { value, at: clock.now(), expires_at: clock.now() + ttl }])
    )
  const set = (values: Record<string, Signal['value']>, ttl?: number) =>
    conditions.signal(signals(values, ttl), clock.now())
  const sample = (values: Record<string, Signal['value']> = {}) =>
    conditions.take({ ...calmReading(clock.now()), signals: signals(values) }, clock.now())
  const turn = async () => {
    await Promise.resolve()
    return changes.splice(0)
  }
  return { clock, conditions, set, sample, turn }
}

const NOTHING = { reading: false, signals: [], pauses: false, trials: false }

t.test('listeners are called with what has changed', async t => {
  const { conditions, sample, turn } = setup()
  sample({ price: 3 })
  t.strictSame(await turn(), [{ ...NOTHING, reading: true, signals: ['price'] }])
  sample({ price: 3 })
  t.strictSame(await turn(), [{ ...NOTHING, reading: true }])
  conditions.pause([])
  conditions.try(new Map())
  t.strictSame(await turn(), [{ ...NOTHING, pauses: true }, { ...NOTHING, trials: true }])
})

t.test('signals that are set together give one change that names them', async t => {
  const { set, sample, turn, conditions } = setup()
  sample()
  await turn()
  for (let index = 0; index < 1000; index++) set({ price: 1, [`s${index % 3}`]: index })
  t.strictSame((await turn()).map(({ signals, reading }) => [signals.toSorted(), reading]), [[['price', 's0', 's1',
    's2'], false]])
  t.equal(conditions.current.hysteresis!.words['signal price']?.value, 1)
})

t.test('an equal value, or one within the dwell, gives no change', async t => {
  const { clock, set, sample, turn } = setup({ scheduling: { signal_dwell: '1m' } })
  sample({ price: 1 })
  await turn()
  set({ price: 1 })
  t.strictSame(await turn(), [])
  set({ price: 2 })
  t.match(await turn(), [{ signals: ['price'] }])
  clock.advance(10_000)
  set({ price: 3 })
  t.strictSame(await turn(), [])
  clock.advance(50_000)
  sample({ price: 3 })
  t.match(await turn(), [{ reading: true, signals: ['price'] }], 'the sample after the dwell')
})

t.test('a signal that is removed, or set again after that, is a change', async t => {
  const { clock, set, sample, turn } = setup()
  sample({ price: 1 })
  await turn()
  set({})
  t.match(await turn(), [{ signals: ['price'] }])
  set({ price: 1 }, 1000)
  t.match(await turn(), [{ signals: ['price'] }])
  clock.advance(2000)
  set({ price: 1 })
  t.strictSame(await turn(), [], 'its expiry was not observed')
})

t.test('a reading before the listeners are called is one change with the signals', async t => {
  const { set, sample, turn } = setup()
  sample()
  await turn()
  set({ price: 1 })
  sample({ price: 1 })
  t.strictSame(await turn(), [{ ...NOTHING, reading: true, signals: ['price'] }])
})

t.test('a task asks for the signals that its constraints name', t => {
  t.equal(asksForSignal({ signals: { price: '< 5' } }, ['solar', 'price']), true)
  t.equal(asksForSignal({ signals: { price: '< 5' } }, ['solar', 'toString']), false)
  t.equal(asksForSignal({}, ['price']), false)
  t.end()
})
