import { readdirSync, watch } from 'node:fs'
import t from 'tap'
import { createTestManager, simulate } from '../../core/index.ts'
import { spansOf } from './spans.ts'
import type { SimulateAsk, TaskDefinition, TestClock } from '../../core/index.ts'

const DAY = '2026-03-10'
const at = (time: string) => `${DAY}T${time}:00Z`
const func = () => {
  throw new Error('simulated work is never executed')
}
const config = { manager: { timezone: 'UTC' }, probes: { film: { kind: 'process' as const, processes: ['vlc'] } } }
const ask = { config, from: at('00:00'), to: '2026-03-11T00:00:00Z' }

const LAPTOP: SimulateAsk['readings'] = [
  { at: at('00:00'), battery: { level: 95, charging: false } },
  { at: at('09:10'), power: 'battery', battery: { level: 80 } },
  { at: at('12:00'), battery: { level: 45 } },
  { at: at('18:00'), power: 'mains', battery: { level: 40, charging: true } },
  { at: at('19:30'), battery: { level: 85 }, probes: { film: true } },
  { at: at('21:15'), probes: { film: false } }
]

const hour = (instant: number | null) => instant === null ? '-' : new Date(instant).toISOString().slice(11, 16)
const hourly = { trigger: 'cron', trigger_args: { minute: 0 } }

t.test('simulate returns when runs were planned, held and executed, and executes no work', async t => {
  const tasks: TaskDefinition[] = [{
    id: 'copy',
    trigger: 'cron',
    trigger_args: { hour: 10 },
    constraints: { power: 'mains' },
    func
  }]
  const { runs, held } = await simulate({ ...ask, tasks, readings: LAPTOP, took: { copy: 120_000 } })
  t.match(runs, [{
    task: 'copy',
    nominal_at: Date.parse(at('10:00')),
    started_at: Date.parse(at('18:00')),
    finished_at: Date.parse(at('18:02')),
    outcome: 'completed'
  }])
  t.match(runs[0]!.held, [{
    code: 'on_battery',
    message: 'on battery (80 %), needs mains',
    from: Date.parse(at('10:00')),
    to: Date.parse(at('18:00'))
  }])
  t.match(held, [{ task: 'copy', code: 'on_battery', ms: 8 * 3_600_000, runs: 1 }])
})

t.test('a task without a history is not expected to exceed its timeout', async t => {
  const { runs } = await simulate({ ...ask, tasks: [{ id: 'brief', ...hourly, timeout: '30s', max_retries: 0, func }] })
  t.ok(runs.length > 0)
  t.strictSame(runs.filter(({ outcome }) => outcome !== 'completed'), [])
})

t.test('fires during a held run are counted on it, and those during a running one are skipped', async t => {
  const tasks: TaskDefinition[] = [{ id: 'held', ...hourly, constraints: { power: 'mains' }, func }, {
    id: 'long',
    ...hourly,
    timeout: '4h',
    func
  }]
  const { runs } = await simulate({
    ...ask,
    tasks,
    from: at('09:30'),
    to: at('13:30'),
    readings: LAPTOP,
    took: { long: 90 * 60_000 }
  })
  t.match(runs.filter(({ task }) => task === 'held'), [{
    nominal_at: Date.parse(at('10:00')),
    missed: 3,
    outcome: 'queued',
    held: [{ to: null }]
  }])
  t.strictSame(
    runs.filter(({ task }) => task === 'long').map(({ nominal_at: nominal, outcome }) => [hour(nominal), outcome]),
    [['10:00', 'completed'], ['11:00', 'skipped'], ['12:00', 'running'], ['13:00', 'skipped']]
  )
})

t.test('a run that yields continues for the rest of its duration', async t => {
  const tasks: TaskDefinition[] = [{
    id: 'train',
    trigger: 'cron',
    trigger_args: { hour: 8 },
    timeout: '4h',
    constraints: { power: 'mains' },
    on_lost: 'yield',
    func
  }]
  const { runs } = await simulate({ ...ask, tasks, readings: LAPTOP, took: { train: 100 * 60_000 } })
  t.strictSame(runs[0]!.spells.map(({ started_at: from, finished_at: to, outcome }) => [hour(from), hour(to), outcome]),
    [['08:00', '09:10', 'postponed'], ['18:00', '18:30', 'completed']])
})

t.test('runs that are running at the end are returned as running', async t => {
  const tasks: TaskDefinition[] = [{ id: 'late', trigger: 'cron', trigger_args: { hour: 23, minute: 59 }, func }]
  const { runs } = await simulate({ ...ask, tasks, took: { late: 120_000 } })
  t.match(runs, [{ outcome: 'running', finished_at: null, spells: [{ finished_at: null, outcome: null }] }])
})

/** Tasks of both worlds. */
const SHARED: Partial<TaskDefinition>[] = [
  { id: 'mains', ...hourly, constraints: { power: 'mains' } },
  { id: 'charge', ...hourly, class: 'charging_only' },
  { id: 'fair', ...hourly, class: 'background' },
  { id: 'quiet', trigger: 'cron', trigger_args: { hour: 20 }, constraints: { not_while: ['film'] } },
  { id: 'night', trigger: 'cron', trigger_args: { hour: 14 }, constraints: { window: 'off_peak' } },
  { id: 'soon', trigger: 'cron', trigger_args: { hour: 10 }, constraints: { power: 'mains' }, deadline: '3h' },
  {
    id: 'gives_up',
    trigger: 'cron',
    trigger_args: { hour: 11 },
    constraints: { power: 'mains' },
    deadline: '1h',
    on_deadline: 'skip'
  }
]

/** One run as a row that simulation and test manager write alike. */
const rowOf = (
  task: string,
  times: (number | null)[],
  outcome: unknown,
  missed: unknown,
  holds: Parameters<typeof spansOf>[0]
) =>
  String([task, ...times.map(hour), outcome, missed,
    spansOf(holds).map(({ code, from, to }) => [code, hour(from), hour(to)])])

t.test('a test manager starts and holds the same runs on the same day', async t => {
  const simulated = await simulate({
    ...ask,
    tasks: SHARED.map(task => ({ ...task, func }) as TaskDefinition),
    readings: LAPTOP
  })
  const tasks = SHARED.map(task =>
    ({ ...task, func: ctx => (ctx.services.clock as TestClock).sleep('1m') }) as TaskDefinition
  )
  const kit = await createTestManager({
    at: Date.parse(ask.from) - 1,
    config,
    tasks,
    reading: { battery: { level: 95, charging: false } }
  })
  t.teardown(() => kit.close())
  for (const { at: when, ...change } of LAPTOP) {
    await kit.advanceTo(when)
    await kit.set(change)
  }
  await kit.advanceTo(Date.parse(ask.to) - 1)
  const lived = (await kit.runs()).map(run =>
    rowOf(run.task, [run.nominal_at, run.started_at], run.state, run.missed, run.holds)
  )
  const expected = simulated.runs.map(run =>
    rowOf(run.task, [run.nominal_at, run.started_at], run.outcome, run.missed, run.held)
  )
  t.ok(expected.length > 40)
  t.strictSame(expected.toSorted(), lived.toSorted())
})

t.test('a hundred tasks over three days have every run of them', async t => {
  const tasks = Array.from({ length: 100 }, (_, i): TaskDefinition => ({
    id: `t${i}`,
    class: (['background', 'normal', 'charging_only', 'critical'] as const)[i % 4]!,
    trigger: 'cron',
    trigger_args: i < 20 ? { minute: i } : { hour: i % 24, minute: i % 60 },
    func
  }))
  const { runs } = await simulate({ ...ask, tasks, to: '2026-03-13T00:00:00Z', readings: LAPTOP })
  t.equal(runs.length >= 3 * 80 + 20 * 24, true, `${runs.length} runs`)
})

t.test('an invalid instant or task is refused', async t => {
  await t.rejects(simulate({ ...ask, from: 'soon', tasks: [] }), {
    code: 'OFFPEAK_INPUT_INVALID',
    message: /found 'soon'/
  })
  await t.rejects(simulate({ ...ask, tasks: [{ id: 'bad', trigger: 'cron', trigger_args: { hour: 25 }, func }] }), {
    code: 'OFFPEAK_TASK_INVALID'
  })
})

t.test('no file is written', async t => {
  const folder = t.testdir()
  const { TMPDIR } = process.env
  process.env['TMPDIR'] = folder
  t.teardown(() => {
    delete process.env['TMPDIR']
    if (TMPDIR !== undefined) process.env['TMPDIR'] = TMPDIR
  })
  const watched = watch(folder)
  const seen: unknown[] = []
  watched.on('change', (_, name) => seen.push(name))
  await simulate({ ...ask, tasks: [{ id: 'good', ...hourly, func }] })
  watched.close()
  t.same([seen, readdirSync(folder)], [[], []])
})
