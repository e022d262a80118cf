import { Activity } from '../work/plan/activity.ts'
import { Quiescence } from '../work/simulate/quiescence.ts'
import { Planner } from '../work/plan/planner.ts'
import { Runner } from '../work/run/runner.ts'
import { SECOND } from '../model/base/duration.ts'
import { LiveConditions } from '../work/conditions/conditions.ts'
import { StopReason } from '../model/run/outcome.ts'
import { StoreFeed } from '../work/upkeep/store-feed.ts'
import { countCalls } from '../work/simulate/clock.ts'
import type { Config } from '../model/config/config.ts'
import type { Recorder } from '../work/simulate/recorder.ts'
import type { Engine } from '../engine/engine.ts'
import type { Listener } from '../model/notice.ts'
import type { Task } from '../model/task/task.ts'
import type { Services, TaskContext, TaskLog } from '../model/task/context.ts'
import type { SimulatedClock } from '../work/simulate/clock.ts'

const silence = () => undefined
const OWNER = 'simulation'
const LOG: TaskLog = { trace: silence, debug: silence, info: silence, warn: silence, error: silence, fatal: silence }

interface WorkOptions {
  clock: SimulatedClock
  /** How long a run of a task takes, ms. */
  tookMs: (task: string, run: string) => number
}

/** Work that takes the expected time; time before an interruption counts. */
export function workFor (task: Omit<Task, 'work'>, { clock, tookMs }: WorkOptions): Task {
  const done = new Map<string, number>()
  const func = async ({ run_id: id, signal }: TaskContext) => {
    const began = clock.monotonic()
    const ms = tookMs(task.id, id)
    try {
      await clock.sleep(ms - (done.get(id) ?? 0), signal)
      done.delete(id)
    } catch (error) {
      done.set(id, Math.min(ms, (done.get(id) ?? 0) + clock.monotonic() - began))
      throw error
    }
  }
  return { ...task, work: { kind: 'function', func } }
}

interface AssembleAsk {
  config: () => Config
  clock: SimulatedClock
  /** The engine, in memory. */
  kept: Engine
  recorder: Recorder
  tasks: () => ReadonlyMap<string, Task>
  /** Called with each notice, after the recorder. */
  onNotice?: Listener
}

/** Connects the planner, the runner and the conditions that they read, on a simulated clock. */
export function assemble ({ config, clock, kept, recorder, tasks, onNotice = silence }: AssembleAsk) {
  const conditions = new LiveConditions({ clock, config })
  const quiescence = new Quiescence({ conditions, config, tasks, verdicts: runs => runner.verdicts.ofAll(runs) })
  const { engine, pending } = countCalls(recorder.reading(quiescence.reading(kept)))
  const notice: Listener = one => {
    recorder.notice(one)
    onNotice(one)
  }
  const feed = new StoreFeed({ engine, owner: OWNER, notice, facts: silence, schedules: silence })
  void feed.start()
  const shared = { engine, clock, random: () => 0.5, notice, tasks }
  const activity: Activity = new Activity({ engine, clock, config })
  const planner: Planner = new Planner({
    ...shared,
    move: (task, nominal, next) => activity.move(task, nominal, next),
    replaced: run =>
      runner.abort(
        run.id,
        new StopReason('cancelled', 'replaced by a later fire')
      )
  })
  const runner: Runner = new Runner({
    ...shared,
    conditions,
    owner: OWNER,
    slots: () => config().manager.scheduler_thread_pool,
    stopGraceMs: () => 0,
    abortGraceMs: SECOND,
    logFor: () => LOG,
    services: () => ({}) as Services,
    uploads: () => '',
    enqueue: async () => ''
  })
  return { engine, pending, conditions, activity, planner, runner }
}
export type Assembled = ReturnType<typeof assemble>
