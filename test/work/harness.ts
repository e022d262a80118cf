// What the code under test starts ends with the test, too.
import '../child.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Desk } from '../../core/work/desk/desk.ts'
import { Planner } from '../../core/work/plan/planner.ts'
import { Runner } from '../../core/work/run/runner.ts'
import type { RunnerOptions } from '../../core/work/run/runner.ts'
import { LiveConditions } from '../../core/work/conditions/conditions.ts'
import { StoreFeed } from '../../core/work/upkeep/store-feed.ts'
import { StopReason } from '../../core/model/run/outcome.ts'
import { configOf } from '../../core/model/config/config.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { fakeClock, until } from '../clock.ts'
import type { FakeClock } from '../clock.ts'
import { isSettled } from '../settled.ts'
import { runLog } from '../../core/log.ts'
import { taskOf } from '../task.ts'
import type { Claimed } from '../../core/engine/engine.ts'
import type { Clock } from '../../core/model/base/clock.ts'
import type { ConfigFile } from '../../core/model/config/config.ts'
import type { Notice, NoticeKind } from '../../core/model/notice.ts'
import type { Outcome } from '../../core/model/run/outcome.ts'
import type { Run, State } from '../../core/model/run/run.ts'
import type { Task } from '../../core/model/task/task.ts'

/** The part of a tap test that fixtures use. */
export interface Owner {
  teardown(fn: () => unknown): void
}

export interface HarnessOptions {
  clock?: Clock
  tasks?: Partial<Task>[]
  config?: ConfigFile
  slots?: number
  leadMs?: number
  folder?: string
  at?: string
  abortGraceMs?: number
  stopGraceMs?: number
  onNotice?: (notice: Notice) => void
  ended?: (run: Claimed, outcome: Outcome) => void
  /** Replaces the clock, the engine and the conditions that all parts share. */
  through?: <T extends object>(part: T) => T
}

/** A new folder below the temp folder, removed after every teardown that is added later; a fixture of tap is removed
 *  before them. */
export function scratch (t: Owner): string {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

type Shared = Pick<RunnerOptions, 'engine' | 'clock' | 'notice' | 'conditions' | 'random' | 'tasks'> & {
  leadMs: number
  owner: string
  uploads: () => string
}

type RunnerSettings = Required<Pick<HarnessOptions, 'slots' | 'stopGraceMs' | 'abortGraceMs' | 'ended'>>

function partsOf (shared: Shared, { slots, stopGraceMs, ...settings }: RunnerSettings) {
  const runner: Runner = new Runner({
    ...shared,
    ...settings,
    slots: () => slots,
    stopGraceMs: () => stopGraceMs,
    logFor: runLog({ level: 'info', redact: ['password'], now: shared.clock.now }),
    services: () => ({ answer: 42 }),
    enqueue: async (task, ask) => (await desk.enqueue(task, ask, 'task')).run.id
  })
  const replaced = (run: Run) => void runner.abort(run.id, new StopReason('cancelled', 'replaced by a later fire'))
  const planner = new Planner({ ...shared, move: () => null, replaced })
  let schedules = 0
  const desk: Desk = new Desk({
    ...shared,
    planner,
    runner,
    coming: () => [],
    faultOf: () => null,
    scheduleId: () => `s${++schedules}`
  })
  const feed = new StoreFeed({ ...shared, facts: () => undefined, schedules: () => undefined })
  return { runner, planner, desk, feed }
}

/** What all parts share, with the engine started. */
async function sharedOf (
  { clock, notice, config, leadMs, folder, tasks, through }: Pick<Shared, 'clock' | 'notice' | 'leadMs'> & {
    config: ConfigFile
    folder: string
    tasks: ReadonlyMap<string, Task>
    through: <T extends object>(part: T) => T
  }
) {
  const settings = configOf(config, 'UTC')
  const engine = createSqliteEngine({ folder, clock: clock.now, ballastBytes: 0 })
  await engine.start()
  return {
    engine: through(engine),
    clock: through(clock),
    notice,
    conditions: through(new LiveConditions({ clock, config: () => settings })),
    leadMs,
    random: () => 0.5,
    owner: `boot-${folder}`,
    tasks: () => tasks,
    uploads: () => '/uploads'
  }
}

/** Runner, planner and desk on a real engine, with a clock that the test moves. */
export async function harness (
  t: Owner,
  { clock: own, tasks: given = [{}], config = {}, slots = 4, leadMs = 0, folder = scratch(t), at, abortGraceMs = 30,
    stopGraceMs = 0, onNotice = () => undefined, ended = () => undefined, through = part => part }: HarnessOptions = {}
) {
  const clock = (own ?? fakeClock(at)) as FakeClock
  const notices: Notice[] = []
  const notice = (notice: Notice) => {
    notices.push(notice)
    onNotice(notice)
  }
  const tasks = new Map(given.map(over => taskOf(over)).map(task => [task.id, task]))
  const shared = await sharedOf({ clock, notice, config, leadMs, folder, tasks, through })
  const { engine, conditions } = shared
  const parts = partsOf(shared, { slots, stopGraceMs, abortGraceMs, ended })
  const { runner, planner, feed } = parts
  for (const start of [() => feed.start(), () => planner.load(), () => planner.sync(), () => runner.start()]) {
    await start()
  }
  const close = async () => {
    for (const part of [runner, feed, engine]) await part.stop()
  }
  t.teardown(close)
  return {
    ...parts,
    clock,
    conditions,
    engine,
    tasks,
    notices,
    close,
    ...helpers({ engine, planner, runner, notices })
  }
}

/** Steps and queries that many tests share. */
function helpers (
  { engine, planner, runner, notices }: { engine: Shared['engine'], planner: Planner, runner: Runner,
    notices: Notice[] }
) {
  return {
    reach: async (id: string, state: State): Promise<Run> => {
      await until(`run ${id} is ${state}`,
        async () => (await engine.get(id))?.state === state && (state === 'running' || isSettled(notices, id)))
      return (await engine.get(id))!
    },
    fire: async () => {
      await planner.fire()
      runner.wake()
    },
    noticesOf: (kind: NoticeKind) => notices.filter(notice => notice.kind === kind)
  }
}

/** A task function that runs until `letGo()` and obeys its signal. */
export function gate () {
  const started: string[] = []
  let open = Promise.withResolvers<void>()
  return {
    started,
    letGo: () => {
      open.resolve()
      open = Promise.withResolvers<void>()
    },
    func: async ({ run_id: id, signal }: { run_id: string, signal: AbortSignal }) => {
      started.push(id)
      await Promise.race([open.promise, new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })])
      return 'let go'
    }
  }
}
