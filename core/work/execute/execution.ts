import { MOST_KEPT, STUCK, fileCalls } from '../context/file-calls.ts'
import { SECOND } from '../../model/base/duration.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { attempt } from './attempt.ts'
import { withValidCheckpoint } from './valid-checkpoint.ts'
import { checkReach } from './reach.ts'
import { contextFor } from '../context/context.ts'
import { failedFor } from './settlements.ts'
import { blockWarning } from '../../model/view/loop-block.ts'
import { ioStuck } from '../../model/errors/run-errors.ts'
import { runScope, scopeOf } from '../context/scope.ts'
import { dispatch } from '../isolate/dispatch.ts'
import type { Active } from './active-runs.ts'
import type { Breathing, ContextOptions } from '../context/context.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Enqueue, Services, TaskLog } from '../../model/task/context.ts'
import type { InlineTable } from '../watch/inline-table.ts'
import type { Listener } from '../../model/notice.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { LogLine } from '../../engine/reports.ts'
import type { Outcome } from '../../model/run/outcome.ts'
import type { TaskFunction } from '../../model/task/task.ts'
import type { Threads } from '../isolate/threads.ts'
import type { Usage } from '../../model/run/usage.ts'

export interface ExecutionOptions {
  engine: Engine
  clock: Clock
  random: () => number
  notice: Listener
  conditions: LiveConditions
  /** How long a run that was asked to stop may take to end before its slot is freed, ms. */
  abortGraceMs: number
  logFor: (write: (line: LogLine) => void) => TaskLog
  services: () => Services
  enqueue: (task: string, ask: Enqueue) => Promise<string>
  /** Waits while the gates of a running run are closed. */
  breathe: (active: Active, breathing: Breathing) => Promise<void>
  /** The table of runs that are executed in this thread. */
  inline?: Pick<InlineTable, 'enter' | 'returned' | 'leave'>
  /** The folder of uploaded files. */
  uploads: () => string
}

/** The end of an attempt. `ms`: how long it held its slot. `used`: its resource usage, where known. */
export interface Executed {
  outcome: Outcome
  ms: number
  used: Usage | undefined
}

/** A task outside this thread is killed after the grace and keeps its slot until it has exited, which may take this
 *  much longer. */
const KILL_MS = SECOND / 2

/** Refuses to run a task whose file calls hang on an unreachable mount: its retries would use up the thread pool of
 *  libuv. */
const unlessStuck = (task: string, work: TaskFunction): TaskFunction => ctx => {
  const count = fileCalls.keptBy(task, STUCK)
  if (count >= MOST_KEPT) throw ioStuck({ task, count })
  return work(ctx)
}

/** Adds a warning to the outcome and the log of a run that blocked the event loop for `ms`; 0: it did not. */
function withWarning (outcome: Outcome, ms: number, log: () => TaskLog): Outcome {
  if (ms === 0) return outcome
  log().warn(blockWarning(ms))
  return outcome.kind !== 'completed'
    ? outcome
    : { ...outcome, warning: [outcome.warning, blockWarning(ms)].filter(Boolean).join('; ') }
}

/** Calls the work, and `returned` when the call returns. */
function called (work: () => unknown, returned: () => void): unknown {
  try {
    return work()
  } finally {
    returned()
  }
}

/** Executes one attempt of a run, in this thread or outside it. */
export class Execution {
  readonly #active: Active
  readonly #options: ExecutionOptions & { threads: Threads }
  #used: Usage | undefined
  #ms = 0

  constructor (active: Active, options: ExecutionOptions & { threads: Threads }) {
    this.#active = active
    this.#options = options
  }

  /** Never rejects. An attempt that could not begin has failed and is not retried. */
  async run (): Promise<Executed> {
    const outcome = await this.#attempt().catch(failedFor)
    return { outcome, ms: this.#ms, used: this.#used }
  }

  async #attempt (): Promise<Outcome> {
    const { run, task, stop } = this.#active
    const { clock, random, abortGraceMs, notice, inline } = this.#options
    const began = clock.monotonic()
    const isInline = task.work.kind === 'function'
    const given = this.#contextOptions()
    const work = unlessStuck(task.id, this.#withinReach(given, this.#work(given)))
    const ctx = contextFor(given)
    const scope = scopeOf(ctx, given.log)
    const place = isInline ? inline?.enter({ id: run.id, task: task.id }) : undefined
    const outcome = await attempt({
      task,
      run,
      stop,
      clock,
      random,
      graceMs: abortGraceMs + (task.work.kind === 'isolated' ? KILL_MS : 0),
      work: place === undefined
        ? () => runScope.run(scope, work, ctx)
        : () => called(() => runScope.run(scope, work, ctx), () => inline!.returned(place)),
      overdue: ms => notice({ kind: 'overdue', id: run.id, task: task.id, ms })
    })
    scope.output.end()
    this.#ms = clock.monotonic() - began
    return place === undefined ? outcome : withWarning(outcome, inline!.leave(place), given.log)
  }

  /** Checks the bounded paths of the payload before the work begins. */
  #withinReach (given: ContextOptions, work: TaskFunction): TaskFunction {
    const { run, task } = this.#active
    if (task.input === null) return work
    return ctx => {
      const checked = checkReach(task, run, this.#options.uploads())
      return checked === null ? work(ctx) : checked.then(reach => {
        given.reach = reach
        return work(ctx)
      })
    }
  }

  /** The function of the task, or a function that runs it in a thread or a process. */
  #work (given: ContextOptions): TaskFunction {
    const { run, task, lease } = this.#active
    const { engine, clock, notice, abortGraceMs, threads } = this.#options
    if (task.work.kind === 'function') return task.work.func
    return dispatch(task.work, {
      given,
      clock,
      threads,
      graceMs: abortGraceMs,
      child: child => engine.report({ lease, now: clock.now(), child }),
      uncaught: error => notice({ kind: 'late_error', id: run.id, task: task.id, error }),
      used: used => {
        if (used) this.#used = used
      }
    })
  }

  #contextOptions (): ContextOptions {
    const { engine, clock, services, enqueue, logFor, conditions, breathe } = this.#options
    const { task, lease, stop, lines, progress } = this.#active
    const log = () => logFor(line => lines.write(line))
    return {
      run: withValidCheckpoint(this.#active, log, this.#options),
      version: task.version,
      stop,
      log,
      progress,
      services,
      enqueue,
      conditions,
      breathe: breathing => breathe(this.#active, breathing),
      save: async state => {
        const isSaved = await engine.report({ lease, now: clock.now(), checkpoint: state })
        if (!isSaved) throw new StopReason('lost', 'the run was taken over: its checkpoint was not saved')
      }
    }
  }
}
