import t from 'tap'
import { Forecaster } from '../../core/work/plan/forecaster.ts'
import { emptyHistogram } from '../../core/model/machine/activity.ts'
import { harness } from './harness.ts'
import { tookOf } from '../../core/work/plan/forecast-input.ts'
import type { ForecastAsk } from '../../core/work/plan/forecaster.ts'
import type { Forecast, ForecastInput } from '../../core/model/forecast/forecast.ts'
import type { HarnessOptions, Owner } from './harness.ts'

const HOUR = 3_600_000

interface Asked {
  present: ForecastInput
  ask: ForecastAsk
  answer: PromiseWithResolvers<Forecast>
}

/** A forecaster whose forecasts the test resolves. */
async function setup (t: Owner, options: HarnessOptions = {}) {
  const it = await harness(t, options)
  const asked: Asked[] = []
  let wanted: PromiseWithResolvers<Asked> | null = null
  const computeForecast = (present: ForecastInput, ask: ForecastAsk) => {
    const answer = Promise.withResolvers<Forecast>()
    const one = { present, ask, answer }
    if (wanted === null) asked.push(one)
    else wanted.resolve(one)
    wanted = null
    return answer.promise
  }
  const forecaster = new Forecaster({
    engine: it.engine,
    clock: it.clock,
    conditions: it.conditions,
    config: () => it.conditions.current.config,
    planner: () => it.planner,
    tasks: () => it.tasks,
    activity: emptyHistogram,
    computeForecast
  })
  const next = async (): Promise<Asked> => {
    const first = asked.shift()
    if (first !== undefined) return first
    wanted = Promise.withResolvers()
    return await wanted.promise
  }
  const forecast = (from: number): Forecast => ({ from, to: from + HOUR, items: [] })
  return { ...it, forecaster, asked, next, forecast }
}

t.test('callers who ask for the same hours during a computation share one forecast', async t => {
  const it = await setup(t)
  const first = it.forecaster.forecast(24)
  const one = await it.next()
  const others = [it.forecaster.forecast(24), it.forecaster.forecast(24)]
  one.answer.resolve(it.forecast(1))
  t.match(await first, { from: 1 })
  t.match(await Promise.all(others), [{ from: 1 }, { from: 1 }], 'nothing has changed meanwhile')
  t.equal(it.asked.length, 0)
})

t.test('a forecast is reused until something changes or five seconds have passed', async t => {
  const it = await setup(t)
  const answer = async (from: number) => {
    const asked = it.forecaster.forecast(24)
    const { answer } = await it.next()
    answer.resolve(it.forecast(from))
    return await asked
  }
  await answer(1)
  t.match(await it.forecaster.forecast(24), { from: 1 })
  it.forecaster.changed()
  t.match(await answer(2), { from: 2 })
  it.clock.advance(5000)
  t.match(await answer(3), { from: 3 })
})

t.test('a change during the computation makes the forecast stale', async t => {
  const it = await setup(t)
  const first = it.forecaster.forecast(24)
  const one = await it.next()
  it.forecaster.changed()
  one.answer.resolve(it.forecast(1))
  await first
  const second = it.forecaster.forecast(24)
  const { answer } = await it.next()
  answer.resolve(it.forecast(2))
  t.match(await second, { from: 2 })
})

t.test('a forecast that fails rejects, and the next call computes it again', async t => {
  const it = await setup(t)
  const first = it.forecaster.forecast(24)
  const one = await it.next()
  one.answer.reject(new Error('no luck'))
  await t.rejects(first, { message: 'no luck' })
  const second = it.forecaster.forecast(24)
  const { answer } = await it.next()
  answer.resolve(it.forecast(2))
  t.match(await second, { from: 2 })
})

t.test('the input holds running and waiting runs, pauses and tasks, and can be cloned', async t => {
  const it = await setup(t, { tasks: [{ id: 'one' }] })
  const { run } = await it.desk.enqueue('one', { delay: '1h' })
  it.conditions.pause([{ scope: 'all', name: null, until: null, by: 'anna', at: 0 }])
  const asked = it.forecaster.forecast(12)
  const { present, ask, answer } = await it.next()
  t.match(present, {
    at: it.clock.now(),
    waiting: [{ id: run.id, after: [] }],
    running: [],
    pauses: [{ by: 'anna' }],
    tasks: [{ id: 'one' }]
  })
  t.equal(ask.to, it.clock.now() + 12 * HOUR)
  t.strictSame(structuredClone(present), present)
  answer.resolve(it.forecast(1))
  await asked
})

t.test('durations are computed from past runs', t => {
  const runs = [10, 30, 20, 50, 40].map(ms => ({ started_at: 100, finished_at: 100 + ms }))
  t.strictSame(tookOf([...runs, { started_at: null, finished_at: 7 }]), { p50: 30, p90: 50, most: 50, runs: 5 })
  t.equal(tookOf([]), null)
  t.end()
})
