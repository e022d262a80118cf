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
  /** The simulation ends when this run, or a run of this task, starts. */
  until?: Target | undefined
}

/** Signals that are valid at the present do not expire: instant, epoch ms. */
const FOR_EVER = 8.64e15

/** The simulated runs up to `end`. */
interface Continued {
  likely: Likely[]
  end: number
}

/** How long before the present the runner starts, ms. Runs that have waited for longer count as piled up. */
const STARTED = 10 * MINUTE

/** The remaining time of a run that has run for `ranMs`, ms. */
function remaining ({ p50, p90 }: Took, ranMs: number): number {
  const whole = ranMs < p50 ? p50 : ranMs < p90 ? p90 : ranMs * 1.25
  return Math.max(1, Math.round(whole - ranMs))
}

/** The parts of a simulation that continues from the present. `ids`: the id of the real run, by the id of the simulated
 *  one. `inForce`: the tasks and settings that the parts read. `seen.isOver`: the awaited run has started. */
interface Stage extends Assembled {
  present: ForecastInput
  kept: Engine
  clock: SimulatedClock
  recorder: Recorder
  ids: Map<string, string>
  settle: () => Promise<void>
  inForce: { tasks: ReadonlyMap<string, Task>, config: Config }
  seen: { isOver: boolean }
}

/** Returns a function that estimates how long a simulated run takes, ms. */
function durations (present: ForecastInput, ids: ReadonlyMap<string, string>) {
  const began = new Map(present.running.map(({ id, started_at: at }) => [id, at ?? present.at]))
  return (task: string, run: string): number => {
    const took = present.took[task] ?? { p50: EXPECTED_MS, p90: EXPECTED_MS, most: EXPECTED_MS, runs: 0 }
    const at = began.get(ids.get(run) ?? '')
    // Running runs are claimed one millisecond before the present.
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
  const receive = (notice: Notice) => {
    if (until === undefined || notice.kind !== 'claimed' || clock.now() < present.at) return
    seen.isOver ||= 'run' in until ? ids.get(notice.run.id) === until.run : notice.run.task === until.task
  }
  const inForce: Stage['inForce'] = {
    config: present.config,
    tasks: new Map(present.tasks.map(task => [task.id, workFor(task, { clock, tookMs })]))
  }
  const parts = assemble({
    config: () => inForce.config,
    clock,
    kept: suspecting(remembering(kept, present), present, ids),
    recorder,
    onNotice: receive,
    tasks: () => inForce.tasks
  })
  return {
    ...parts,
    present,
    kept,
    clock,
    recorder,
    ids,
    settle: () => untilQuiet(() => parts.pending() > 0),
    inForce,
    seen
  }
}

/** No run starts during the set-up. */
const HALT: Pause = { scope: 'all', name: null, until: null, by: 'offpeak', at: 0 }

const SAMPLE_EVERY = MINUTE

/** Repeats the present reading until the longest dwell and the patience with load have passed. */
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

/** Restores the present state. Running runs are claimed first, without constraints and limits; then the real tasks and
 *  settings are in force. */
async function setUp (stage: Stage): Promise<void> {
  const { present, engine, kept, runner, conditions, planner, inForce, clock, settle, activity, ids } = stage
  for (const { name, value } of present.facts) await engine.keep({ name, value, now: present.at })
  if (present.tasks.some(({ flexMs }) => flexMs > 0)) {
    await engine.keep({
      name: 'activity',
      value: present.activity as never,
      now: present.at
    })
  }
  const { config, tasks } = inForce
  Object.assign(inForce, { tasks: emptied(tasks), config: unlimited(config, present.running.length) })
  await clock.goTo(present.at - 1, settle)
  await seedRuns(
    engine,
    present.running.map(run => ({ ...run, due_at: Math.min(run.due_at, clock.now()) })),
    { ids, tasks }
  )
  // The runner starts now: a run may begin before `add` resolves, and its real id must be known by then.
  await runner.start()
  await settle()
  const began = new Map(present.running.map(({ id, crashes, started_at }) => [id, { crashes, started_at }]))
  for (const active of runner.active.all()) {
    active.task = tasks.get(active.task.id) ?? active.task
    // A suspect that has run for long enough does not hold the other suspects.
    const real = began.get(ids.get(active.run.id) ?? '')
    if (real !== undefined && real.crashes > 0) active.run = { ...active.run, ...real }
  }
  conditions.pause([HALT])
  Object.assign(inForce, { tasks, config })
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

/** Simulates the runs from the present state on while the machine stays unchanged, with the real planner, gates and
 *  runner. */
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
