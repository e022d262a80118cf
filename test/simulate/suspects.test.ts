import t from 'tap'
import { askedNow } from '../../core/work/plan/forecast-input.ts'
import { calmReading } from '../../core/model/machine/machine-state.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import { emptyHistogram } from '../../core/model/machine/activity.ts'
import { computeForecast } from '../../core/simulate/compute-forecast.ts'
import { taskOf } from '../task.ts'
import type { ForecastInput } from '../../core/model/forecast/forecast.ts'
import type { Run } from '../../core/model/run/run.ts'

const NOON = Date.parse('2026-03-10T12:00:00Z')
const TOOK = { p50: 60_000, p90: 60_000, most: 60_000, runs: 5 }

const task = taskOf({ id: 'job', class: 'critical', concurrency: 10 })
const run = (id: string, over: Partial<Run>) => ({
  ...askedNow(task, NOON - 60_000),
  id,
  single: true,
  turn: 1,
  ...over,
  after: []
})

function presentOf (runs: { running: Run[], waiting: ForecastInput['waiting'] }): ForecastInput {
  const { work: _, ...plain } = task
  return {
    at: NOON,
    config: defaultsOf(),
    tasks: [plain],
    schedules: [],
    ended: [],
    pauses: [],
    trials: new Map(),
    facts: [],
    rates: {},
    reading: calmReading(NOON),
    hysteresis: null,
    activity: emptyHistogram(),
    took: { job: TOOK },
    ...runs
  }
}

t.test('a forecast starts crash suspects one at a time, as the gate does, and other runs at once [F02]', async t => {
  const present = presentOf({
    running: [run('tried', { state: 'running', crashes: 4, started_at: NOON - 4000 })],
    waiting: [run('first', { crashes: 3 }), run('second', { crashes: 3, due_at: NOON - 1000 }),
      run('innocent', { crashes: 1 })]
  })
  const { items } = await computeForecast(present, { to: NOON + 3_600_000 })
  const likely = Object.fromEntries(
    items.flatMap(({ run: id, likely_at: at }) => id === null || at === null ? [] : [[id, at - NOON]])
  )
  t.ok(likely['innocent']! < 1000, `the innocent run starts after ${likely['innocent']} ms`)
  t.ok(likely['first']! >= 6000 && likely['first']! < 8000, `the first suspect after ${likely['first']} ms`)
  t.ok(likely['second']! >= 16_000 && likely['second']! < 20_000, `the second one after ${likely['second']} ms`)
})
