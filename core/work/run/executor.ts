import { ProgressTracker } from '../context/progress.ts'
import { RunLines } from '../context/run-log.ts'
import { Stop } from '../context/stop.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { SECOND, spanWords } from '../../model/base/duration.ts'
import { TRIED_LONG } from '../../model/run/run.ts'
import { Threads } from '../isolate/threads.ts'
import { after } from '../../model/base/clock.ts'
import { attempt } from './attempt.ts'
import { begun } from './restart.ts'
import { checkReach } from './reach.ts'
import { MOST_KEPT, STUCK, fileCalls } from '../context/file-calls.ts'
import { ioStuck } from '../../model/base/task-errors.ts'
import { contextFor } from '../context/context.ts'
import { failureOf } from '../../model/run/failure.ts'
import { heldWords } from '../../model/view/loop.ts'
import { runScope, scopeOf } from '../context/scope.ts'
import { dispatch } from '../isolate/dispatch.ts'
import type { Active, ActiveRuns } from './active.ts'
import type { Breathing, ContextOptions } from '../context/context.ts'
import type { Claimed, Engine, Settlement } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Enqueue, Services, TaskLog } from '../../model/task/context.ts'
import type { InlineTable } from '../watch/inline-table.ts'
import type { Listener } from '../../model/notice.ts'
import type { LogLine } from '../../engine/reports.ts'
import type { Outcome } from '../../model/run/outcome.ts'
import type { Lease, PastAttempt, Reason, Run } from '../../model/run/run.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Task, TaskFunction } from '../../model/task/task.ts'
import type { Used } from '../../model/run/used.ts'

export interface ExecutorOptions {
  engine: Engine
  clock: Clock
  random: () => number
  notice: Listener
  active: ActiveRuns
  conditions: LiveConditions
  /** How long a run that was told to stop may take before its slot is freed. */
  abortGraceMs: number
  logFor: (write: (line: LogLine) => void) => TaskLog
  services: () => Services
  enqueue: (task: string, ask: Enqueue) => Promise<string>
  /** Waits while the gates of a running run are closed. */
  breathe: (active: Active, breathing: Breathing) => Promise<void>
  /** Where runs are listed that are executed in this thread. */
  inline?: Pick<InlineTable, 'enter' | 'returned' | 'leave'>
  /** The folder of files that were sent. */
  uploads: () => string
  /** Called with what an attempt has come to before its slot is free, and before that is durable. */
  ended?: (run: Claimed, outcome: Outcome) => void
}

/** How long an attempt had its slot (ms), and what it took of the machine where that can be told. */
interface Taken {
  ms: number
  used: Used | undefined
}

/** What is executed elsewhere is ended at the grace, and keeps its slot until it is gone: this is how long that may
 *  take. */
const ENDING = SECOND / 2

type ToRetry = Extract<Outcome, { kind: 'failed' }> & { retry_at: number }

const isToRetry = (outcome: Outcome): outcome is ToRetry => outcome.kind === 'failed' && outcome.retry_at !== null

const nobody = () => undefined

/** A task that is tried again and again on a mount whose server is gone would come to keep every thread that there is
 *  for files and names. */
const sparing = (task: string, work: TaskFunction): TaskFunction => ctx => {
  const count = fileCalls.keptBy(task, STUCK)
  if (count >= MOST_KEPT) throw ioStuck({ task, count })
  return work(ctx)
}

/** A run that has held the event loop says so, whatever it came to: the log has it, and what is completed a warning. */
function afterHolding (outcome: Outcome, ms: number, log: () => TaskLog): Outcome {
  if (ms === 0) return outcome
  log().warn(heldWords(ms))
  return outcome.kind !== 'completed'
    ? outcome
    : { ...outcome, warning: [outcome.warning, heldWords(ms)].filter(Boolean).join('; ') }
}

/** What a function returns at once: a promise, when it goes on later. */
function called (work: () => unknown, returned: () => void): unknown {
  try {
    return work()
  } finally {
    returned()
  }
}

/** What could not even begin has failed, and is not tried again. */
const failed = (error: unknown): Outcome => ({ kind: 'failed', error: failureOf(error), retry_at: null })

/** True when it is what is to be stored that cannot be, and not the disk that does not take it. */
const isUnstorable = (error: unknown): boolean => error instanceof TypeError || error instanceof RangeError

/** Executes claimed runs and settles what they came to. */
export class Executor {
  readonly #options: ExecutorOptions
  readonly #attempts = new Set<Active>()
  #emptied: () => void = nobody
  readonly #threads: Threads
  readonly #unsettled = new Set<() => void>()
  #state: 'open' | 'closed' = 'open'

  constructor (options: ExecutorOptions) {
    this.#options = options
    this.#threads = new Threads(options.notice)
  }

  /** Runs that are running, or have ended and are being settled. */
  get pending (): number {
    return this.#attempts.size
  }

  /** Begins a claimed run; `freed` is called when its slot is free, with how long it took (ms), and again when it is
   *  settled. */
  begin (run: Claimed, task: Task, freed: (ms?: number) => void): void {
    const { active: runs, clock, notice } = this.#options
    const lease = { id: run.id, turn: run.turn }
    const active: Active = {
      run,
      task,
      lease,
      stop: new Stop(),
      lines: new RunLines(),
      progress: new ProgressTracker(clock)
    }
    runs.add(active)
    notice({ kind: 'claimed', run })
    this.#attempts.add(active)
    void this.#execute(active, freed)
  }

  /** True for a run that is executed here, or has ended and is being settled. */
  has (id: string): boolean {
    for (const { run } of this.#attempts) if (run.id === id) return true
    return false
  }

  /** Gives a claimed run back that was not executed, to be due again then. */
  async giveBack ({ id, turn, due_at: due }: Claimed, reason: Reason, due_at = due): Promise<void> {
    await this.#settle({
      lease: { id, turn },
      outcome: { kind: 'postponed', reason, due_at },
      now: this.#options.clock.now(),
      begun: false
    })
  }

  /** Gives a run back that is stored as running here, when nobody here has it. */
  async giveBackLease (lease: Lease, reason: Reason): Promise<void> {
    const run = await this.#options.engine.get(lease.id)
    if (run?.state !== 'running' || run.turn !== lease.turn) return
    await this.#settle({
      lease,
      outcome: { kind: 'postponed', reason, due_at: run.due_at },
      now: this.#options.clock.now(),
      begun: false
    })
  }

  /** Tries again to settle what the engine could not take. */
  retrySettle (): void {
    for (const again of this.#unsettled) again()
    this.#unsettled.clear()
  }

  open (): void {
    this.#state = 'open'
  }

  /** Gives up on what the engine cannot take: its runs are put back at the next start. */
  close (): void {
    this.#state = 'closed'
    this.retrySettle()
    void this.#threads.close().catch(() => undefined)
  }

  /** Resolves when no run is running, or after `withinMs`. */
  async drained (withinMs: number): Promise<void> {
    if (this.#attempts.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = after(this.#options.clock, withinMs, resolve)
    this.#emptied = resolve
    await promise
    this.#emptied = nobody
    cancel()
  }

  async #execute (active: Active, freed: (ms?: number) => void): Promise<void> {
    const taken: Taken = { ms: 0, used: undefined }
    try {
      const ended = await this.#attempt(active, taken).catch(failed)
      this.#options.ended?.(active.run, ended)
      // The slot is free now: the disk confirms what came of the run while the next one runs.
      this.#options.active.delete(active)
      freed(taken.ms)
      const outcome = isToRetry(ended) ? await this.#within(active, ended) : ended
      this.#tell(active, { outcome, taken, settled: await this.#settle(this.#settlement(active, outcome, taken)) })
    } finally {
      this.#options.active.delete(active)
      this.#attempts.delete(active)
      if (this.#attempts.size === 0) this.#emptied()
      freed()
    }
  }

  async #attempt (active: Active, taken: Taken): Promise<Outcome> {
    const { run, task, stop } = active
    const { clock, random, abortGraceMs, notice, inline } = this.#options
    const began = clock.monotonic()
    const given = this.#given(active)
    const work = sparing(task.id,
      this.#bounded(active, given,
        task.work.kind === 'function' ? task.work.func : this.#elsewhere(active, given, taken)))
    const ctx = contextFor(given)
    const scope = scopeOf(ctx, given.log)
    const slot = task.work.kind === 'function' ? inline?.enter({ id: run.id, task: task.id }) : undefined
    const outcome = await attempt({
      task,
      run,
      stop,
      clock,
      random,
      graceMs: abortGraceMs + (task.work.kind === 'isolated' ? ENDING : 0),
      work: slot === undefined
        ? () => runScope.run(scope, work, ctx)
        : () => called(() => runScope.run(scope, work, ctx), () => inline!.returned(slot)),
      overdue: ms => notice({ kind: 'overdue', id: run.id, task: task.id, ms })
    })
    scope.output.end()
    taken.ms = clock.monotonic() - began
    return slot === undefined ? outcome : afterHolding(outcome, inline!.leave(slot), given.log)
  }

  /** The work of a task whose payload may be bounded, after a look at that. */
  #bounded ({ run, task }: Active, given: ContextOptions, work: TaskFunction): TaskFunction {
    if (task.input === null) return work
    return ctx => {
      const looked = checkReach(task, run, this.#options.uploads())
      return looked === null ? work(ctx) : looked.then(reach => {
        given.reach = reach
        return work(ctx)
      })
    }
  }

  /** The work of a task that is not executed in this thread. */
  #elsewhere ({ run, task, lease }: Active, given: ContextOptions, taken: Taken): TaskFunction {
    const { engine, clock, notice, abortGraceMs } = this.#options
    return dispatch(task.work, {
      given,
      clock,
      threads: this.#threads,
      graceMs: abortGraceMs,
      child: child => engine.report({ lease, now: clock.now(), child }),
      uncaught: error => notice({ kind: 'late_error', id: run.id, task: task.id, error }),
      used: used => {
        if (used) taken.used = used
      }
    })
  }

  /** A retry that would come later than the task goes on trying is none. */
  async #within ({ run, task }: Active, outcome: ToRetry): Promise<Outcome> {
    if (task.retryForMs === Infinity) return outcome
    const earlier = run.attempt === 1 ? [] : await this.#attemptsOf(run.id)
    const first = earlier.findLast(past => past.attempt === 1)?.started_at ?? run.started_at ?? run.due_at
    if (outcome.retry_at <= first + task.retryForMs) return outcome
    return {
      ...outcome,
      retry_at: null,
      reason: { code: TRIED_LONG, message: `it is tried for ${spanWords(task.retryForMs)} at most` }
    }
  }

  /** The earlier attempts of a run; none when the engine cannot say, which lets it be tried once more. */
  async #attemptsOf (id: string): Promise<PastAttempt[]> {
    try {
      return (await this.#options.engine.get(id))?.attempts ?? []
    } catch (error) {
      this.#options.notice({ kind: 'engine_failed', call: 'get', error: failureOf(error) })
      return []
    }
  }

  #settlement ({ lease, lines, progress }: Active, outcome: Outcome, { used }: Taken): Settlement {
    const logs = lines.end()
    return {
      lease,
      outcome,
      now: this.#options.clock.now(),
      logs: logs.length > 0 ? logs : undefined,
      progress: progress.take() ?? undefined,
      used
    }
  }

  #tell (
    { lease: { id, turn } }: Active,
    { outcome, settled, taken: { ms, used } }: { outcome: Outcome, settled: Run | null, taken: Taken }
  ): void {
    const { notice } = this.#options
    if (settled) {
      notice({
        kind: 'settled',
        run: settled,
        outcome: outcome.kind,
        ms: Math.round(ms * 10) / 10,
        ...used && { used }
      })
    } else notice({ kind: 'stale', id, turn, outcome: outcome.kind })
  }

  /** Settles, and goes on trying while the engine cannot take it: what a task did must not be lost to a full disk. */
  async #settle (asked: Settlement): Promise<Run | null> {
    let settlement = asked
    for (;;) {
      try {
        return await this.#options.engine.settle(settlement)
      } catch (error) {
        this.#options.notice({ kind: 'engine_failed', call: 'settle', error: failureOf(error) })
        if (settlement === asked && isUnstorable(error)) {
          settlement = { lease: asked.lease, now: asked.now, outcome: failed(error) }
          continue
        }
        if (this.#state === 'closed') return null
        await new Promise<void>(resolve => this.#unsettled.add(resolve))
      }
    }
  }

  #given (active: Active): ContextOptions {
    const { engine, clock, services, enqueue, logFor, conditions, breathe } = this.#options
    const { task, lease, stop, lines, progress } = active
    const log = () => logFor(line => lines.write(line))
    return {
      run: begun(active, log, this.#options),
      version: task.version,
      stop,
      log,
      progress,
      services,
      enqueue,
      conditions,
      breathe: breathing => breathe(active, breathing),
      save: async state => {
        const held = await engine.report({ lease, now: clock.now(), checkpoint: state })
        if (!held) throw new StopReason('lost', 'the run was taken over: its checkpoint was not saved')
      }
    }
  }
}
