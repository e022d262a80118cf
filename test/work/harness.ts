import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Desk } from '../../core/work/desk/desk.ts'
import { Planner } from '../../core/work/plan/planner.ts'
import { Runner } from '../../core/work/run/runner.ts'
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

/** What these need of a tap test. */
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
}

/** A folder below the temp folder that is gone with the test, after all that is taken down later: a fixture of tap goes
 *  before that. */
export function scratch (t: Owner): string {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runner, planner and desk on a real engine, with a clock that the test moves. */
export async function harness (
  t: Owner,
  { clock: own, tasks = [{}], config = {}, slots = 4, leadMs = 0, folder = scratch(t), at, abortGraceMs = 30,
    stopGraceMs = 0, onNotice = () => undefined, ended = () => undefined }: HarnessOptions = {}
) {
  const clock = (own ?? fakeClock(at)) as FakeClock
  const settings = configOf(config, 'UTC')
  const notices: Notice[] = []
  const notice = (said: Notice) => {
    notices.push(said)
    onNotice(said)
  }
  const map = new Map(tasks.map(over => taskOf(over)).map(task => [task.id, task]))
  const engine = createSqliteEngine({ folder, clock: clock.now, ballastBytes: 0 })
  await engine.start()
  const random = () => 0.5
  const conditions = new LiveConditions({ clock, config: () => settings })
  const runner: Runner = new Runner({
    engine,
    clock,
    random,
    notice,
    conditions,
    owner: `boot-${folder}`,
    tasks: () => map,
    slots: () => slots,
    leadMs,
    stopGraceMs: () => stopGraceMs,
    abortGraceMs,
    ended,
    logFor: runLog({ level: 'info', redact: ['password'], now: clock.now }),
    services: () => ({ answer: 42 }),
    enqueue: async (task, ask) => (await desk.enqueue(task, ask, 'task')).run.id,
    uploads: () => '/uploads'
  })
  const planner = new Planner({
    engine,
    clock,
    random,
    notice,
    leadMs,
    tasks: () => map,
    move: () => null,
    replaced: run => runner.abort(run.id, new StopReason('cancelled', 'replaced by a later fire'))
  })
  let schedules = 0
  const desk: Desk = new Desk({
    engine,
    clock,
    notice,
    planner,
    runner,
    conditions,
    tasks: () => map,
    coming: () => [],
    scheduleId: () => `s${++schedules}`,
    uploads: () => '/uploads'
  })
  const owner = `boot-${folder}`
  const feed = new StoreFeed({ engine, owner, notice, facts: () => undefined, schedules: () => undefined })
  await feed.start()
  await planner.load()
  await planner.sync()
  await runner.start()
  const close = async () => {
    await runner.stop()
    await feed.stop()
    await engine.stop()
  }
  t.teardown(close)
  const reach = async (id: string, state: State): Promise<Run> => {
    await until(`run ${id} is ${state}`,
      async () => (await engine.get(id))?.state === state && (state === 'running' || isSettled(notices, id)))
    return (await engine.get(id))!
  }
  const fire = async () => {
    await planner.fire()
    runner.wake()
  }
  return {
    clock,
    conditions,
    engine,
    runner,
    planner,
    desk,
    tasks: map,
    notices,
    close,
    reach,
    fire,
    said: (kind: NoticeKind) => notices.filter(said => said.kind === kind)
  }
}

/** A task function that runs until it is let go; obeys its signal. */
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
