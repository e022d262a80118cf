import type { Claimed, Engine } from '../../engine/engine.ts'
import type { Lease, Run } from '../../model/run/run.ts'
import type { Listener } from '../../model/notice.ts'
import type { ProgressTracker } from '../context/progress.ts'
import type { RunLines } from '../context/run-log.ts'
import type { ActiveRun } from '../../model/admit/admission-input.ts'
import type { Stop } from '../context/stop.ts'
import type { StopReason } from '../../model/run/outcome.ts'
import type { Task } from '../../model/task/task.ts'

/** A run that this process is executing. */
export interface Active {
  run: Claimed
  task: Task
  lease: Lease
  stop: Stop
  lines: RunLines
  progress: ProgressTracker
}

const COMPLETED_READ = 5

/** The median duration of the last completed runs of a task, ms, or null when there are none. */
async function medianDurationOf (task: string, engine: Engine): Promise<number | null> {
  const { items } = await engine.list({ task, state: ['completed'], limit: COMPLETED_READ })
  const took = items.flatMap(({ started_at: from, finished_at: to }) => from === null || to === null ? [] : [to - from])
    .toSorted((a, b) => a - b)
  return took[Math.floor(took.length / 2)] ?? null
}

/** The runs that this process is executing. */
export class ActiveRuns {
  readonly #runs = new Map<string, Active>()
  readonly #counts = new Map<string, number>()
  readonly #resting = new Set<string>()
  readonly #seen = new Set<string>()

  get size (): number {
    return this.#runs.size
  }

  /** The number of taken slots. A resting run takes none. */
  get taken (): number {
    return this.#runs.size - this.#resting.size
  }

  get byTask (): ReadonlyMap<string, number> {
    return this.#counts
  }

  /** The runs that have a slot. */
  get working (): Active[] {
    return this.all().filter(({ run }) => !this.#resting.has(run.id))
  }

  /** The runs as the gates count them. A resting run keeps its place in its queue and its locks. */
  get begun (): ActiveRun[] {
    return this.all().map(({ run, task }) => ({
      task: task.id,
      queue: run.queue,
      locks: task.locks,
      alone: task.alone,
      priority: run.priority,
      source: run.source,
      due_at: run.due_at,
      started_at: run.started_at ?? 0,
      resting: this.#resting.has(run.id),
      crashes: run.crashes
    }))
  }

  /** Adds a run. It replaces an earlier turn of the same run, whose lease is lost. */
  add (active: Active): void {
    const earlier = this.#runs.get(active.run.id)
    if (earlier !== undefined) this.delete(earlier)
    this.#runs.set(active.run.id, active)
    this.#counts.set(active.task.id, (this.#counts.get(active.task.id) ?? 0) + 1)
    if (active.task.work.kind === 'function') this.#seen.add(active.task.id)
  }

  /** Removes a run. Does nothing when the run is not here, or is here in another turn. */
  delete (active: Active): void {
    if (this.#runs.get(active.run.id) !== active) return
    this.#runs.delete(active.run.id)
    if (!this.#resting.delete(active.run.id)) this.#uncount(active)
  }

  /** Frees the slot of a run, which keeps its lease. */
  rest (active: Active): void {
    if (this.#runs.get(active.run.id) !== active || this.#resting.has(active.run.id)) return
    this.#resting.add(active.run.id)
    this.#uncount(active)
  }

  /** Takes a slot for a resting run. */
  resume (active: Active): void {
    const { run, task } = active
    if (this.#runs.get(run.id) === active && this.#resting.delete(run.id)) {
      this.#counts.set(task.id, (this.#counts.get(task.id) ?? 0) + 1)
    }
  }

  #uncount ({ task }: Active): void {
    const count = this.#counts.get(task.id)! - 1
    if (count === 0) this.#counts.delete(task.id)
    else this.#counts.set(task.id, count)
  }

  get (id: string): Active | undefined {
    return this.#runs.get(id)
  }

  /** True when a run has begun since it was read as waiting. */
  hasBegun ({ id, turn }: Pick<Run, 'id' | 'turn'>): boolean {
    const active = this.#runs.get(id)
    return active !== undefined && active.run.turn > turn
  }

  all (): Active[] {
    return [...this.#runs.values()]
  }

  abort (id: string, reason: StopReason): boolean {
    const active = this.#runs.get(id)
    if (active === undefined || active.stop.reason !== null) return false
    active.stop.ask(reason)
    return true
  }

  /** The tasks whose functions have run in this thread since the last call. */
  suspects (): string[] {
    const seen = [...this.#seen]
    this.#seen.clear()
    for (const { task } of this.#runs.values()) if (task.work.kind === 'function') this.#seen.add(task.id)
    return seen
  }

  /** Stores the log lines and progress since the last call, and sends a notice of the progress. */
  async flush ({ engine, now, notice }: { engine: Engine, now: number, notice: Listener }): Promise<void> {
    const reports = this.all().map(async ({ run, lease, lines, progress }) => {
      if (progress.wonders) progress.expect(await medianDurationOf(run.task, engine))
      const logs = lines.take()
      const moved = progress.take()
      if (logs.length === 0 && moved === null) return
      await engine.report({ lease, now, ...logs.length > 0 ? { logs } : {}, ...moved ? { progress: moved } : {} })
      if (moved !== null) notice({ kind: 'progressed', run: { id: run.id, task: run.task, progress: moved } })
    })
    await Promise.all(reports)
  }
}
