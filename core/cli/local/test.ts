import { basename, dirname, resolve } from 'node:path'
import { existsSync } from 'node:fs'
import type { Claimed } from '../../engine/engine.ts'
import type { ContextOptions } from '../../work/context/context.ts'
import type { Failure } from '../../model/run/outcome.ts'
import type { Listener } from '../../model/notice.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { Outcome } from '../../model/run/outcome.ts'
import type { Task } from '../../model/task/task.ts'
import type { TaskManager } from '../../manager.ts'
import { EXIT_CODES } from '../terminal/exit-codes.ts'
import { payloadOf } from '../input/json.ts'
import { OutputCapture } from '../../work/context/output-capture.ts'
import { ProgressTracker } from '../../work/context/progress.ts'
import { LiveConditions } from '../../work/conditions/conditions.ts'
import { Stop } from '../../work/context/stop.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { Threads } from '../../work/isolate/threads.ts'
import { attempt } from '../../work/execute/attempt.ts'
import { contextFor } from '../../work/context/context.ts'
import { iso, systemClock } from '../../model/base/clock.ts'
import { levelName, runLog } from '../../log.ts'
import { lineWords, progressWords } from '../terminal/follow.ts'
import { ownFolders } from '../../compose/folders.ts'
import { homeOptions } from './home.ts'
import { newRun } from '../../work/desk/request/enqueue-request.ts'
import { plain, print, printJson, printNote } from '../terminal/output.ts'
import { outsideRun, runScope, scopeOf } from '../../work/context/scope.ts'
import { stateWords } from '../terminal/run-words.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { withTasks } from './offline.ts'
import { dispatch } from '../../work/isolate/dispatch.ts'

export type TestOptions = LocalOptions & { task?: string, payload?: string, json?: boolean }

const GRACE = 5000

function taskIn ({ catalog }: TaskManager, file: string, id: string | undefined): Task {
  const fault = catalog.broken.find(broken => broken.file === basename(file))
  if (fault !== undefined) throw taskFileBroken({ ...fault, file })
  const own = [...catalog.tasks.values()].filter(task => task.source === basename(file) && (id ?? task.id) === task.id)
  if (own.length === 1) return own[0]!
  const ids = [...catalog.tasks.values()].filter(task => task.source === basename(file)).map(task => task.id)
  throw usageInvalid(ids.length === 0 ? `${file} defines no task` : `${file} defines ${ids.join(', ')}`,
    ids.length === 0 ? undefined : 'Name one of them with --task.')
}

/** A run that is not stored. */
function runOf (task: Task, payload: unknown, now: number): Claimed {
  const { key = null, schedule = null, payload: stored = null, ...asked } = newRun({
    task,
    ask: payload === undefined ? {} : { payload },
    source: 'manual',
    now
  })
  return {
    ...asked,
    key,
    schedule,
    payload: stored,
    id: 'test',
    state: 'running',
    nominal_at: now,
    attempt: 1,
    turn: 1,
    crashes: 0,
    missed: 0,
    owner: null,
    lease_until: null,
    cancel: null,
    reason: null,
    error: null,
    warning: null,
    progress: null,
    child: null,
    created_at: now,
    started_at: now,
    finished_at: null,
    deadline_at: null,
    moved: null,
    key_until: null,
    now: false,
    single: false,
    preempted: 0,
    offer: 0,
    checkpoint: null
  }
}

const printUncaught = (error: Failure): void => printNote(`uncaught error: ${error.message}`)

/** The options of the task's context: its log goes to standard error, and `enqueue` adds nothing. */
function contextOptions (run: Claimed, task: Task, stop: Stop, { config, settings }: TaskManager) {
  const logs = runLog({ level: 'trace', redact: config.log.redact, now: Date.now })
  return {
    run,
    version: task.version,
    stop,
    log: () =>
      logs(line =>
        outsideRun(() =>
          printNote(lineWords({ ...line, at: iso(line.at)!, level: levelName(line.level), seq: 0, attempt: 1 }))
        )
      ),
    progress: new ProgressTracker(systemClock),
    services: () => ({ config: config.services, offpeak: { folders: () => ownFolders(settings) } }),
    conditions: new LiveConditions({ clock: systemClock, config: () => config }),
    breathe: async () => undefined,
    save: async () => undefined,
    enqueue: async id => {
      printNote(`would add a run of ${id}`)
      return 'test'
    }
  } satisfies ContextOptions
}

function workOf (task: Task, given: ContextOptions): ReturnType<typeof dispatch> {
  const listener: Listener = notice => {
    if (notice.kind === 'late_error') printUncaught(notice.error)
  }
  return dispatch(task.work, {
    given,
    uncaught: printUncaught,
    clock: systemClock,
    graceMs: GRACE,
    threads: new Threads(listener),
    child: async () => undefined,
    used: () => undefined
  })
}

async function execute (task: Task, run: Claimed, manager: TaskManager): Promise<Outcome> {
  const stop = new Stop()
  const interrupt = () => stop.ask(new StopReason('cancelled', 'interrupted'))
  process.once('SIGINT', interrupt)
  const given = contextOptions(run, task, stop, manager)
  const ctx = contextFor(given)
  const scope = scopeOf(ctx, given.log)
  const capture = new OutputCapture({ of: 'streams' })
  await capture.start()
  const work = workOf(task, given)
  const outcome = await attempt({
    task,
    run,
    stop,
    clock: systemClock,
    random: Math.random,
    graceMs: GRACE,
    work: () => runScope.run(scope, work, ctx),
    overdue: () => undefined
  })
  scope.output.end()
  await capture.stop()
  process.removeListener('SIGINT', interrupt)
  const moved = given.progress.take()
  if (moved) printNote(progressWords({ label: outcome.kind, progress: { ...moved, at: iso(moved.at)! } }))
  return outcome
}

function wordsOf (outcome: Outcome): string {
  if (outcome.kind === 'failed') return `: ${outcome.error.message}`
  if (outcome.kind === 'completed') return outcome.warning === undefined ? '' : ` with a warning: ${outcome.warning}`
  return `: ${outcome.reason.message}`
}

/** The frames of the stack of a failed attempt, one a line, without the version that reloads a file. */
const framesOf = (outcome: Outcome): string[] =>
  outcome.kind === 'failed'
    ? outcome.error.stack?.split('\n').filter(line => /^\s+at /.test(line)).map(line =>
      line.replace(/\?v=\w+(?=:\d+:\d+)/, '')
    ) ?? []
    : []

/** Runs one task of a file once in this process, and prints its outcome. */
export async function test (file: string, { task: id, payload: text, json, ...given }: TestOptions): Promise<void> {
  if (!existsSync(file)) throw usageInvalid(`There is no file ${file}`)
  const payload = await payloadOf(text)
  const options = homeOptions(given)
  const env = { ...options.env, OFFPEAK_MANAGER__TASKS_DIRECTORIES: JSON.stringify([dirname(resolve(file))]) }
  await withTasks({ ...options, env }, async manager => {
    const task = taskIn(manager, file, id)
    const outcome = await execute(task, runOf(task, payload, Date.now()), manager)
    process.exitCode = outcome.kind === 'postponed' ? 1 : EXIT_CODES[outcome.kind]!
    if (json) return printJson(outcome)
    print(`${task.id} ${stateWords(outcome.kind)}${plain(wordsOf(outcome))}`)
    for (const frame of framesOf(outcome)) print(plain(frame))
    if (outcome.kind === 'completed' && outcome.result !== null) print(JSON.stringify(outcome.result, null, 2))
  })
  // A task that leaves a handle open must not keep the process alive.
  process.exit()
}

/** Executes a task once in this process, outside the queue; its log goes to standard error. */
export const runOnce = (task: Task, payload: unknown, manager: TaskManager): Promise<Outcome> =>
  execute(task, runOf(task, payload, Date.now()), manager)

export { wordsOf }
