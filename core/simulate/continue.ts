import { Alarm } from '../work/plan/alarm.ts'
import { Recorder } from '../work/simulate/recorder.ts'
import { EXPECTED_MS } from '../model/forecast/forecast.ts'
import { SimulatedClock, untilQuiet } from '../work/simulate/clock.ts'
import { assemble, workFor } from './assemble.ts'
import { createSqliteEngine } from '../engine/sqlite/keeper.ts'
import { emptied, remembering, seedRates, seedRuns, seedSchedules, suspecting, unlimited } from './seed.ts'
import { MINUTE, milliseconds } from '../model/base/duration.ts'
import type { Assembled } from './assemble.ts'
import type { Config } from '../model/config/config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Likely } from '../model/forecast/merge.ts'
import type { Notice } from '../model/notice.ts'
import type { Pause } from '../model/conditions/gate.ts'
import type { ForecastInput, Took } from '../model/forecast/forecast.ts'
import type { Target } from '../work/plan/forecaster.ts'
import type { SimulatedRun } from '../work/simulate/recorder.ts'
import type { Task } from '../model/task/task.ts'

interface ContinueAsk {
  to: number
  /** The simulation ends as soon as this has started. */
  until?: Target | undefined
}

/** What nobody sends again stays what it is. */
const FOR_EVER = 8.64e15

/** What became of the runs up to `end`. */
interface Continued {
  likely: Likely[]
  end: number
}

/** The runner has started so long ago, ms: what has waited for longer comes back as after a long hold. */
const STARTED = 10 * MINUTE

/** How long a run will still take that has run for so long, ms. */
function remaining ({ p50, p90 }: Took, ranMs: number): number {
  const whole = ranMs < p50 ? p50 : ranMs < p90 ? p90 : ranMs * 1.25
  return Math.max(1, Math.round(whole - ranMs))
}

/** Everything of one simulation that goes on from the present. `ids`: of the simulated runs, those of the runs that
 *  they are. `so`: what is in force. `seen`: whether it has come to its end. */
interface Stage extends Assembled {
  present: ForecastInput
  kept: Engine
  clock: SimulatedClock
  recorder: Recorder
  ids: Map<string, string>
  settle: () => Promise<void>
  so: { tasks: ReadonlyMap<string, Task>, config: Config }
  seen: { isOver: boolean }
}

/** How long the rest of a simulated run takes, ms. */
function durations (present: ForecastInput, ids: ReadonlyMap<string, string>) {
  const began = new Map(present.running.map(({ id, started_at: at }) => [id, at ?? present.at]))
  return (task: string, run: string): number => {
    const took = present.took[task] ?? { p50: EXPECTED_MS, p90: EXPECTED_MS, most: EXPECTED_MS, runs: 0 }
    const at = began.get(ids.get(run) ?? '')
    // What runs is claimed a millisecond before the present.
    return at === undefined ? took.p50 : remaining(took, present.at - at) + 1
  }
}

function stageFor (
  present: ForecastInput,
  { kept, clock, until }: { kept: Engine, clock: SimulatedClock, until: Target | undefined }
): Stage {
  const ids = new Map<string, string>()
  const tookMs = durations(present, ids)
  const recorder = new Recorder(clock)
  const seen = { isOver: false }
  const hear = (notice: Notice) => {
    if (until === undefined || notice.kind !== 'claimed' || clock.now() < present.at) return
    seen.isOver ||= 'run' in until ? ids.get(notice.run.id) === until.run : notice.run.task === until.task
  }
  const so: Stage['so'] = {
    config: present.config,
    tasks: new Map(present.tasks.map(task => [task.id, workFor(task, { clock, tookMs })]))
  }
  const parts = assemble({
    config: () => so.config,
    clock,
    kept: suspecting(remembering(kept, present), present, ids),
    recorder,
    hear,
    tasks: () => so.tasks
  })
  return {
    ...parts,
    present,
    kept,
    clock,
    recorder,
    ids,
    settle: () => untilQuiet(() => parts.pending() > 0),
    so,
    seen
  }
}

/** Nothing starts while what is so is being put together. */
const HALT: Pause = { scope: 'all', name: null, until: null, by: 'offpeak', at: 0 }

const SAMPLE_EVERY = MINUTE

/** The machine stays what it is now, and is sampled until no dwell and no patience is left to change anything. */
function stay ({ conditions, clock, present: { reading, hysteresis, config, at } }: Stage): void {
  const { trends: _, ...now } = reading
  const { dwell, signal_dwell: signals, load_patience: patience } = config.scheduling
  const until = at + 2 * Math.max(milliseconds(dwell), milliseconds(signals)) + milliseconds(patience) + SAMPLE_EVERY
  const given = Object.fromEntries(Object.entries(now.signals).map(([name, signal]) => [
    name,
    { ...signal, expires_at: signal.expires_at > at ? FOR_EVER : signal.expires_at }
  ]))
  const sample = () => {
    conditions.take({ ...now, signals: given, at: clock.now() }, clock.now())
    if (clock.now() < until) clock.after(SAMPLE_EVERY, sample)
  }
  conditions.resume({ reading: { ...now, signals: given }, hysteresis })
  sample()
}

/** Runs that run are claimed first, by tasks that ask for nothing and limits that are far off; then everything is as
 *  it is. */
async function setUp (stage: Stage): Promise<void> {
  const { present, engine, kept, runner, conditions, planner, so, clock, settle, activity, ids } = stage
  for (const { name, value } of present.facts) await engine.keep({ name, value, now: present.at })
  if (present.tasks.some(({ flexMs }) => flexMs > 0)) {
    await engine.keep({
      name: 'activity',
      value: present.activity as never,
      now: present.at
    })
  }
  const { config, tasks } = so
  Object.assign(so, { tasks: emptied(tasks), config: unlimited(config, present.running.length) })
  await clock.goTo(present.at - 1, settle)
  await seedRuns(
    engine,
    present.running.map(run => ({ ...run, due_at: Math.min(run.due_at, clock.now()) })),
    { ids, tasks }
  )
  // A run may begin before its add is answered: whose it is has to be known by then.
  await runner.start()
  await settle()
  const began = new Map(present.running.map(({ id, crashes, started_at }) => [id, { crashes, started_at }]))
  for (const active of runner.active.all()) {
    active.task = tasks.get(active.task.id) ?? active.task
    // A suspect that has run for long enough keeps no other one out.
    const real = began.get(ids.get(active.run.id) ?? '')
    if (real !== undefined && real.crashes > 0) active.run = { ...active.run, ...real }
  }
  conditions.pause([HALT])
  Object.assign(so, { tasks, config })
  await seedRates(kept, present)
  await seedRuns(engine, present.waiting, { ids, tasks })
  await seedSchedules(engine, present)
  await activity.load()
  await planner.load()
  await planner.sync()
  await settle()
  conditions.try(present.trials)
}

function likelyOf (
  { id, task, schedule, nominal_at, due_at, started_at, finished_at }: SimulatedRun,
  { ids, present }: Stage
): Likely {
  const ends = finished_at ?? (started_at === null ? null : started_at + (present.took[task]?.p50 ?? EXPECTED_MS))
  return {
    run: ids.get(id) ?? null,
    schedule,
    task,
    nominal_at,
    due_at,
    started_at,
    ends_at: started_at === null ? null : ends
  }
}

/** What becomes of the runs from now on if the machine stays as it is: the real planner, gates and runner, from the
 *  present state. */
export async function continued (present: ForecastInput, { to, until }: ContinueAsk): Promise<Continued> {
  const clock = new SimulatedClock(present.at - STARTED)
  const kept = createSqliteEngine({ folder: ':memory:', check: false })
  await kept.start()
  try {
    const stage = stageFor(present, { kept, clock, until })
    const { planner, runner, conditions, settle, recorder } = stage
    const alarm = new Alarm({ clock, ring: () => void fire() })
    const fire = async () => {
      await planner.fire()
      alarm.set(planner.nextAt)
      runner.wake()
    }
    await setUp(stage)
    await clock.goTo(present.at, settle)
    stay(stage)
    conditions.pause(present.pauses)
    await fire()
    await settle()
    for (let next = clock.nextAt; next !== null && next < to && !stage.seen.isOver; next = clock.nextAt) {
      await clock.step(settle)
    }
    alarm.clear()
    return { likely: recorder.runs().map(run => likelyOf(run, stage)), end: stage.seen.isOver ? clock.now() + 1 : to }
  } finally {
    await kept.stop()
  }
}
