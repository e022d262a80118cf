import { Alarm } from '../work/plan/alarm.ts'
import { Diary } from '../work/simulate/recorder.ts'
import { Foresight } from '../work/plan/forecaster.ts'
import { Lull } from '../work/simulate/quiescence.ts'
import { MINUTE, SECOND, milliseconds } from '../model/base/duration.ts'
import { Planner } from '../work/plan/planner.ts'
import { Runner } from '../work/run/runner.ts'
import { Situation } from '../work/conditions/situation.ts'
import { StopReason } from '../model/run/outcome.ts'
import { VirtualClock, quiet, watched } from '../work/simulate/clock.ts'
import { configOf } from '../model/config/config.ts'
import { createSqliteEngine } from '../engine/sqlite/keeper.ts'
import { defineTask } from '../load/task/define.ts'
import { instantIn } from '../model/base/check.ts'
import { readingOf, sceneWith } from '../model/machine/scene.ts'
import type { Change } from '../model/machine/recording.ts'
import type { Config, ConfigFile } from '../model/config/config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Histogram } from '../model/machine/activity.ts'
import type { Json } from '../model/base/json.ts'
import type { Scene } from '../model/machine/scene.ts'
import type { HeldSum, SimulatedRun } from '../work/simulate/recorder.ts'
import type { Task, TaskDefinition } from '../model/task/task.ts'
import type { TaskContext, TaskLog } from '../model/task/context.ts'

export type { HeldSum, SimulatedRun } from '../work/simulate/recorder.ts'

/** What is simulated. Instants are epoch ms, or ISO 8601 with a zone; `to` itself is left out. */
export interface SimulateAsk {
  config?: ConfigFile | Config
  tasks: readonly (Task | TaskDefinition)[]
  from: number | string
  to: number | string
  /** What the machine does, in order of time; each change holds until a later one. Without any it is a calm desktop on mains. */
  readings?: readonly (Omit<Change, 'at'> & { at: number | string })[]
  /** How long a run of a task takes, ms, such as the median of its past runs; a minute where nothing is said. */
  took?: Readonly<Record<string, number>>
  /** What is known of the hours of the week, for tasks with flex. */
  activity?: Histogram
}

/** What would have run when. Runs in order of their nominal instants; all instants are epoch ms. */
export interface Simulation { from: number, to: number, runs: SimulatedRun[], held: HeldSum[] }

const SAMPLE_EVERY = MINUTE
const EXPECTED = MINUTE

const silence = () => undefined
const LOG: TaskLog = { trace: silence, debug: silence, info: silence, warn: silence, error: silence, fatal: silence }

const NOT_SIMULATED = 'Nothing was simulated'

const isTask = (one: Task | TaskDefinition): one is Task => 'work' in one

/** Work that takes the time it is expected to take; what was done before an interruption is not done again. */
function workFor (task: Task, { clock, tookMs, done }: { clock: VirtualClock, tookMs: number, done: Map<string, number> }): Task {
  const func = async ({ run_id: id, signal }: TaskContext) => {
    const began = clock.monotonic()
    try {
      await clock.sleep(tookMs - (done.get(id) ?? 0), signal)
      done.delete(id)
    } catch (error) {
      done.set(id, Math.min(tookMs, (done.get(id) ?? 0) + clock.monotonic() - began))
      throw error
    }
  }
  return { ...task, work: { kind: 'function', func } }
}

interface House { ask: SimulateAsk, config: Config, clock: VirtualClock, kept: Engine, diary: Diary }

/** Planner, runner and all that they look at, on a clock that does not move by itself. */
function assemble ({ ask, config, clock, kept, diary }: House) {
  const done = new Map<string, number>()
  const tasks = new Map(ask.tasks.map(one => {
    const task = isTask(one) ? one : defineTask({ definition: one, pointer: '', contentHash: '', override: config.tasks[one.id], config, source: 'code' })
    return [task.id, workFor(task, { clock, tookMs: ask.took?.[task.id] ?? EXPECTED, done })]
  }))
  const situation = new Situation({ clock, config: () => config })
  const lull = new Lull({ situation, config, tasks: () => tasks, verdict: run => runner.verdict(run) })
  const { engine, pending } = watched(diary.reading(lull.reading(kept)))
  const shared = { engine, clock, random: () => 0.5, notice: diary.notice, tasks: () => tasks }
  const foresight: Foresight = new Foresight({ ...shared, config: () => config, situation, planner: () => planner })
  const planner: Planner = new Planner({ ...shared, move: (task, nominal, next) => foresight.move(task, nominal, next), replaced: run => runner.abort(run.id, new StopReason('cancelled', 'replaced by a later fire')) })
  const runner: Runner = new Runner({
    ...shared, situation, owner: 'simulation', slots: () => config.manager.scheduler_thread_pool,
    stopGraceMs: () => 0, abortGraceMs: SECOND, logFor: () => LOG, services: () => ({}), enqueue: async () => ''
  })
  return { tasks, engine, pending, situation, foresight, planner, runner }
}

type Assembled = ReturnType<typeof assemble>

interface Machine extends Assembled { ask: SimulateAsk, clock: VirtualClock, config: Config }

/** Lets the machine do what the readings say: a sample at each change, and one a minute. */
function live ({ ask, clock, config, tasks, situation, foresight }: Machine): void {
  const changes = (ask.readings ?? []).map((change, index) => ({ ...change, at: instantIn(change.at, { what: NOT_SIMULATED, pointer: `/readings/${index}/at` }) }))
  // A probe that nobody tells anything of would hold its tasks for ever.
  let scene: Scene = { probes: Object.fromEntries(Object.keys(config.probes).map(name => [name, false])) }
  const learns = [...tasks.values()].some(({ flexMs }) => flexMs > 0)
  const { dwell, signal_dwell: signals, load_patience: patience } = config.scheduling
  const settlesMs = 2 * SAMPLE_EVERY + 2 * Math.max(milliseconds(dwell), milliseconds(signals)) + milliseconds(patience)
  let next = 0
  let changedAt = clock.now()
  const sample = () => {
    const now = clock.now()
    for (let change = changes[next]; change !== undefined && change.at <= now; change = changes[++next]) {
      const { at: _, ...rest } = change
      scene = sceneWith(scene, rest)
      changedAt = now
    }
    const reading = readingOf(scene, now)
    if (learns) foresight.learn(reading)
    // What has not changed for longer than any dwell and than the patience with load makes no gate think again.
    const rests = now - changedAt > settlesMs
    if (!rests) situation.take(reading, now)
    const wait = Math.min(rests && !learns ? Infinity : SAMPLE_EVERY - now % SAMPLE_EVERY, (changes[next]?.at ?? Infinity) - now)
    if (wait < Infinity) clock.after(wait, sample)
  }
  sample()
}

async function play (machine: Machine, { from, to }: { from: number, to: number }): Promise<void> {
  const { ask, clock, engine, pending, planner, runner, foresight } = machine
  if (ask.activity) await engine.keep({ name: 'activity', value: ask.activity as unknown as Json, now: from })
  await foresight.load()
  await planner.load()
  await planner.sync()
  const alarm = new Alarm({ clock, ring: () => void fire() })
  const fire = async () => {
    await planner.fire()
    alarm.set(planner.nextAt)
    runner.wake()
  }
  live(machine)
  await runner.start()
  await fire()
  const settle = () => quiet(() => pending() > 0)
  await settle()
  await clock.goTo(to - 1, settle)
  alarm.clear()
}

/** What would run when, and what would be held why: the real planner, gates and runner on a virtual clock, with work that takes as long as
 *  it is expected to. Throws OFFPEAK_TASK_INVALID, and OFFPEAK_INPUT_INVALID for what is no instant. */
export async function simulate (ask: SimulateAsk): Promise<Simulation> {
  const from = instantIn(ask.from, { what: NOT_SIMULATED, pointer: '/from' })
  const to = instantIn(ask.to, { what: NOT_SIMULATED, pointer: '/to' })
  // A fire at the very beginning is one of those that are asked for.
  const clock = new VirtualClock(from - 1)
  const config = configOf((ask.config ?? {}) as ConfigFile, new Intl.DateTimeFormat().resolvedOptions().timeZone)
  const diary = new Diary(clock)
  const kept = createSqliteEngine({ folder: ':memory:' })
  try {
    const machine = { ...assemble({ ask, config, clock, kept, diary }), ask, clock, config }
    await kept.start()
    await play(machine, { from, to })
    // What stopping makes of the runs is no part of the story.
    const story = structuredClone({ from, to, runs: diary.runs(), held: diary.held(to) })
    const stopping = machine.runner.stop()
    while (machine.runner.active.size > 0) await clock.step(() => quiet(() => machine.pending() > 0))
    await stopping
    return story
  } finally {
    await kept.stop()
  }
}
