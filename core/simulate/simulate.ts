import { Alarm } from '../work/plan/alarm.ts'
import { Recorder } from '../work/simulate/recorder.ts'
import { EXPECTED_MS } from '../model/forecast/forecast.ts'
import { MINUTE, milliseconds } from '../model/base/duration.ts'
import { SimulatedClock, untilQuiet } from '../work/simulate/clock.ts'
import { assemble, workFor } from './assemble.ts'
import { configOf } from '../model/config/config.ts'
import { createSqliteEngine } from '../engine/sqlite/keeper.ts'
import { defineTask } from '../load/define/define.ts'
import { instantIn } from '../model/base/check.ts'
import { readingOf, stateWith } from '../model/machine/machine-state.ts'
import type { Change } from '../model/machine/recording.ts'
import type { Config, ConfigFile } from '../model/config/config.ts'
import type { Assembled } from './assemble.ts'
import type { Histogram } from '../model/machine/activity.ts'
import type { Json } from '../model/json/json.ts'
import type { MachineState } from '../model/machine/machine-state.ts'
import type { HeldSum, SimulatedRun } from '../work/simulate/recorder.ts'
import type { Task, TaskDefinition } from '../model/task/task.ts'

export type { HeldSum, SimulatedRun } from '../work/simulate/recorder.ts'

/** The input of a simulation. Instants are epoch ms, or ISO 8601 with a zone; `to` is excluded. */
export interface SimulateAsk {
  config?: ConfigFile | Config
  tasks: readonly (Task | TaskDefinition)[]
  from: number | string
  to: number | string
  /** The changes of the machine in order of time, each in force until a later one. Default: an idle desktop on
   *  mains. */
  readings?: readonly (Omit<Change, 'at'> & { at: number | string })[]
  /** How long a run of a task takes, ms, such as the median of its past runs; default: one minute. */
  took?: Readonly<Record<string, number>>
  /** The activity by hour of the week, for tasks with flex. */
  activity?: Histogram
}

/** The result of a simulation: the runs in order of their nominal instants, and how long they were held. Instants are
 *  epoch ms. */
export interface Simulation {
  from: number
  to: number
  runs: SimulatedRun[]
  held: HeldSum[]
}

const SAMPLE_EVERY = MINUTE

const NOT_SIMULATED = 'Nothing was simulated'

const isTask = (one: Task | TaskDefinition): one is Task => 'work' in one

interface Machine extends Assembled {
  ask: SimulateAsk
  clock: SimulatedClock
  config: Config
  tasks: ReadonlyMap<string, Task>
}

function tasksOf (ask: SimulateAsk, config: Config, clock: SimulatedClock): Map<string, Task> {
  return new Map(ask.tasks.map(one => {
    const task = isTask(one) ? one : defineTask({
      definition: one,
      pointer: '',
      contentHash: '',
      override: config.tasks[one.id],
      config,
      source: 'code'
    })
    // The assumed time of a task without a history stays below its timeout.
    const expected = ask.took?.[task.id] ?? Math.min(EXPECTED_MS, (task.timeoutMs || Infinity) / 2)
    return [task.id, workFor(task, { clock, tookMs: () => expected })]
  }))
}

/** Takes a sample at each change of the readings, and one a minute. */
function follow ({ ask, clock, config, tasks, conditions, activity }: Machine): void {
  const changes = (ask.readings ?? []).map((change, index) => ({
    ...change,
    at: instantIn(change.at, { what: NOT_SIMULATED, pointer: `/readings/${index}/at` })
  }))
  // A probe without an answer would hold its tasks forever.
  let state: MachineState = { probes: Object.fromEntries(Object.keys(config.probes).map(name => [name, false])) }
  const learns = [...tasks.values()].some(({ flexMs }) => flexMs > 0)
  const { dwell, signal_dwell: signals, load_patience: patience } = config.scheduling
  const settlesMs = 2 * SAMPLE_EVERY + 2 * Math.max(milliseconds(dwell), milliseconds(signals)) + milliseconds(patience)
  let next = 0
  let changedAt = clock.now()
  const sample = () => {
    const now = clock.now()
    for (let change = changes[next]; change !== undefined && change.at <= now; change = changes[++next]) {
      const { at: _, ...rest } = change
      state = stateWith(state, rest)
      changedAt = now
    }
    const reading = readingOf(state, now)
    if (learns) activity.learn(reading)
    // After the longest dwell and the patience with load an unchanged reading changes no gate.
    const rests = now - changedAt > settlesMs
    if (!rests) conditions.take(reading, now)
    const wait = Math.min(
      rests && !learns ? Infinity : SAMPLE_EVERY - now % SAMPLE_EVERY,
      (changes[next]?.at ?? Infinity) - now
    )
    if (wait < Infinity) clock.after(wait, sample)
  }
  sample()
}

async function play (machine: Machine, { from, to }: { from: number, to: number }): Promise<void> {
  const { ask, clock, engine, pending, planner, runner, activity } = machine
  if (ask.activity) await engine.keep({ name: 'activity', value: ask.activity as unknown as Json, now: from })
  await activity.load()
  await planner.load()
  await planner.sync()
  const alarm = new Alarm({ clock, ring: () => void fire() })
  const fire = async () => {
    await planner.fire()
    alarm.set(planner.nextAt)
    runner.wake()
  }
  follow(machine)
  await runner.start()
  await fire()
  const settle = () => untilQuiet(() => pending() > 0)
  await settle()
  await clock.goTo(to - 1, settle)
  alarm.clear()
}

/** Simulates which runs start when, and which are held for which reason: the real planner, gates and runner on a
 *  simulated clock; each run takes the expected time. Throws OFFPEAK_TASK_INVALID, and OFFPEAK_INPUT_INVALID for an
 *  invalid instant. */
export async function simulate (ask: SimulateAsk): Promise<Simulation> {
  const from = instantIn(ask.from, { what: NOT_SIMULATED, pointer: '/from' })
  const to = instantIn(ask.to, { what: NOT_SIMULATED, pointer: '/to' })
  // A fire at `from` is included.
  const clock = new SimulatedClock(from - 1)
  const config = configOf((ask.config ?? {}) as ConfigFile, new Intl.DateTimeFormat().resolvedOptions().timeZone)
  const recorder = new Recorder(clock)
  const kept = createSqliteEngine({ folder: ':memory:' })
  try {
    const tasks = tasksOf(ask, config, clock)
    const machine = {
      ...assemble({ config: () => config, clock, kept, recorder, tasks: () => tasks }),
      ask,
      clock,
      config,
      tasks
    }
    await kept.start()
    await play(machine, { from, to })
    // Changes by the stop are not part of the result.
    const result = structuredClone({ from, to, runs: recorder.runs(), held: recorder.held(to) })
    const stopping = machine.runner.stop()
    while (machine.runner.active.size > 0) await clock.step(() => untilQuiet(() => machine.pending() > 0))
    await stopping
    return result
  } finally {
    await kept.stop()
  }
}
