import { Execution } from './execution.ts'
import { ProgressTracker } from '../context/progress.ts'
import { RunLines } from '../context/run-log.ts'
import { Settlements } from './settlements.ts'
import { Stop } from '../context/stop.ts'
import { TRIED_LONG } from '../../model/run/run.ts'
import { Threads } from '../isolate/threads.ts'
import { after } from '../../model/base/clock.ts'
import { failureOf } from '../../model/run/failure.ts'
import { spanWords } from '../../model/base/duration.ts'
import type { Active, ActiveRuns } from './active-runs.ts'
import type { Claimed, Settlement } from '../../engine/engine.ts'
import type { Executed, ExecutionOptions } from './execution.ts'
import type { Outcome } from '../../model/run/outcome.ts'
import type { PastAttempt, Run } from '../../model/run/run.ts'
import type { Task } from '../../model/task/task.ts'

export interface ExecutorOptions extends ExecutionOptions {
  active: ActiveRuns
  /** Called with the outcome of an attempt before its slot is freed and before the outcome is durable. */
  ended?: (run: Claimed, outcome: Outcome) => void
}

type Retryable = Extract<Outcome, { kind: 'failed' }> & { retry_at: number }

const isRetryable = (outcome: Outcome): outcome is Retryable => outcome.kind === 'failed' && outcome.retry_at !== null

const nothing = () => undefined

/** Executes claimed runs and settles their outcomes. */
export class Executor {
  readonly #options: ExecutorOptions
  readonly settlements: Settlements
  readonly #attempts = new Set<Active>()
  #drained: () => void = nothing
  readonly #threads: Threads

  constructor (options: ExecutorOptions) {
    this.#options = options
    this.settlements = new Settlements(options)
    this.#threads = new Threads(options.notice)
  }

  /** The number of runs that are running, or that have ended and are not settled yet. */
  get pending (): number {
    return this.#attempts.size
  }

  /** True when a run is running here, or has ended and is not settled yet. */
  has (id: string): boolean {
    for (const { run } of this.#attempts) if (run.id === id) return true
    return false
  }

  open (): void {
    this.settlements.open()
  }

  close (): void {
    this.settlements.close()
    void this.#threads.close().catch(() => undefined)
  }

  /** Begins a claimed run. `freed` is called when its slot is freed, with how long the run held it in ms, and once more
   *  without an argument when the run is settled. */
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

  /** Resolves when no run is running or unsettled, or after `withinMs`. */
  async drained (withinMs: number): Promise<void> {
    if (this.#attempts.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = after(this.#options.clock, withinMs, resolve)
    this.#drained = resolve
    await promise
    this.#drained = nothing
    cancel()
  }

  async #execute (active: Active, freed: (ms?: number) => void): Promise<void> {
    const { active: runs, ended } = this.#options
    try {
      const executed = await new Execution(active, { ...this.#options, threads: this.#threads }).run()
      ended?.(active.run, executed.outcome)
      // The slot is freed here so that the next run executes while the disk confirms this outcome.
      runs.delete(active)
      freed(executed.ms)
      const outcome = isRetryable(executed.outcome)
        ? await this.#withinRetryTime(active, executed.outcome)
        : executed.outcome
      const settled = await this.settlements.settle(this.#settlementOf(active, { ...executed, outcome }))
      this.#report(active, { ...executed, outcome }, settled)
    } finally {
      runs.delete(active)
      this.#attempts.delete(active)
      if (this.#attempts.size === 0) this.#drained()
      freed()
    }
  }

  /** Drops a retry that exceeds the time for which the task may be retried. */
  async #withinRetryTime ({ run, task }: Active, outcome: Retryable): Promise<Outcome> {
    if (task.retryForMs === Infinity) return outcome
    const earlier = run.attempt === 1 ? [] : await this.#attemptsOf(run.id)
    const first = earlier.findLast(past => past.attempt === 1)?.started_at ?? run.started_at ?? run.due_at
    if (outcome.retry_at <= first + task.retryForMs) return outcome
    return {
      ...outcome,
      retry_at: null,
      reason: { code: TRIED_LONG, message: `its retries end ${spanWords(task.retryForMs)} after its first attempt` }
    }
  }

  /** The earlier attempts of a run; empty when the engine cannot answer, which permits one more retry. */
  async #attemptsOf (id: string): Promise<PastAttempt[]> {
    try {
      return (await this.#options.engine.get(id))?.attempts ?? []
    } catch (error) {
      this.#options.notice({ kind: 'engine_failed', call: 'get', error: failureOf(error) })
      return []
    }
  }

  #settlementOf ({ lease, lines, progress }: Active, { outcome, used }: Executed): Settlement {
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

  #report ({ lease: { id, turn } }: Active, { outcome: { kind }, ms, used }: Executed, settled: Run | null): void {
    const { notice } = this.#options
    if (settled === null) notice({ kind: 'stale', id, turn, outcome: kind })
    else notice({ kind: 'settled', run: settled, outcome: kind, ms: Math.round(ms * 10) / 10, ...used && { used } })
  }
}
