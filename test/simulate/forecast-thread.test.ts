import t from 'tap'
import { ForecastThread } from '../../core/simulate/forecast-thread.ts'
import { calmReading } from '../../core/model/machine/machine-state.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import { emptyHistogram } from '../../core/model/machine/activity.ts'
import { taskOf } from '../task.ts'
import type { ForecastInput } from '../../core/model/forecast/forecast.ts'

const HOUR = 3_600_000
const NOON = Date.parse('2026-03-10T12:00:00Z')

function presentWith (minutes: string[]): ForecastInput {
  const { work: _, ...task } = taskOf({ id: 'tick', class: 'critical' })
  const tasks = minutes.map((_, place) => ({ ...task, id: `t${place}` }))
  const schedules = minutes.map((minute, place) => ({
    id: `t${place}`,
    task: `t${place}`,
    origin: 'api' as const,
    trigger: 'cron',
    trigger_args: { minute },
    timezone: 'UTC',
    payload: null,
    anchor: NOON,
    cursor: NOON,
    nominal_at: NOON + 60_000,
    next_at: NOON + 60_000,
    created_at: NOON,
    created_by: 'test'
  }))
  return {
    at: NOON,
    config: defaultsOf(),
    tasks,
    schedules,
    waiting: [],
    running: [],
    ended: [],
    pauses: [],
    trials: new Map(),
    facts: [],
    rates: {},
    reading: calmReading(NOON),
    hysteresis: null,
    activity: emptyHistogram(),
    took: {}
  }
}

t.test('forecasts are computed in a thread, which is started again after it has ended', async t => {
  const thread = new ForecastThread()
  t.teardown(() => thread.end())
  const present = presentWith(['*'])
  const { items } = await thread.computeForecast(present, { to: NOON + HOUR })
  t.equal(items.length, 59)
  t.match(await thread.computeForecast(present, { to: NOON + HOUR / 2 }), { from: NOON, items: { length: 29 } })
  await thread.end()
  t.match(
    await thread.computeForecast(present, { to: NOON + HOUR / 4 }),
    { items: { length: 14 } },
    'it is started again'
  )
})

t.test('a forecast that is too large is refused with its code and fix', async t => {
  const thread = new ForecastThread()
  t.teardown(() => thread.end())
  await t.rejects(
    thread.computeForecast(presentWith(Array.from({ length: 10 }, () => '*')), { to: NOON + 24 * HOUR }),
    { code: 'OFFPEAK_FORECAST_TOO_LARGE', fix: 'Ask for 16 hours at most.' }
  )
})

t.test('a forecast of a day of a hundred tasks has every start of them', async t => {
  const { computeForecast } = await import('../../core/simulate/compute-forecast.ts')
  const present = presentWith(Array.from({ length: 100 }, (_, place) => String(place % 60)))
  const { items } = await computeForecast(present, { to: NOON + 24 * HOUR })
  // Every schedule is at 12:01 first, also those of other minutes.
  t.equal(items.length, 2400 + 98)
})
