import { failureOf } from '../../model/run/failure.ts'
import type { BreakerRule } from '../../model/task/policy.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { InProcess } from '../../engine/in-process.ts'
import type { Json } from '../../model/json/json.ts'
import type { Listener, Notice } from '../../model/notice.ts'
import type { Pauses } from './pauses.ts'
import type { Failure, Outcome } from '../../model/run/outcome.ts'
import type { Run } from '../../model/run/run.ts'
import type { LiveConditions } from './conditions.ts'
import type { Task } from '../../model/task/task.ts'

interface BreakerOptions {
  engine: Engine & Partial<InProcess>
  clock: Clock
  notice: Listener
  pauses: Pauses
  conditions: LiveConditions
  tasks: () => ReadonlyMap<string, Task>
}

/** Failed attempts in a row, and how often the task was paused since its last success. */
type Count = { failures: number, trips: number }

const BY = 'breaker'
const PREFIX = 'breaker/'
/** True when a stored value is a count. */
function isCount (value: unknown): value is Count {
  const { failures, trips } = (value ?? {}) as Partial<Count>
  return Number.isSafeInteger(failures) && Number.isSafeInteger(trips)
}

const NONE: Count = { failures: 0, trips: 0 }
const MOST_COUNTS = 200

/** The length of pause number `trips`, ms. It doubles with each pause, up to the cap. */
export const pauseOf = ({ pauseMs, capMs }: BreakerRule, trips: number): number =>
  Math.min(capMs, pauseMs * 2 ** Math.min(trips - 1, 40))

type Failed = { run: EndedRun, error: Failure, rule: BreakerRule, trips: number }

/** A run whose attempt has ended. */
type EndedRun = Pick<Run, 'id' | 'task'>

/** Pauses a task after failed attempts in a row, for longer each time. Attempts count in the order in which they end,
 *  across runs. A success resets the count; an attempt that is cancelled, skipped or given back does not change it.
 *  After a pause one run tries the task: its success closes the breaker, its failure opens it again. Attempts that were
 *  running when the breaker opened do not count. */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #counts = new Map<string, Count>()
  /** The trial run of each task that was paused, also while the pause after its failure is being stored; null: the next
   *  run is the trial. */
  readonly #trials = new Map<string, string | null>()
  #last: Promise<void> = Promise.resolve()
  /** When there are more counts than this, those of removed tasks are deleted. */
  #most = MOST_COUNTS

  constructor (options: BreakerOptions) {
    this.#options = options
  }

  /** Reads the stored counts. */
  async load (): Promise<void> {
    await this.#read()
  }

  /** Reads the counts of other owners of the store, after pending writes. */
  refresh (): void {
    if ((this.#options.engine.users?.() ?? 1) > 1) this.#then(() => this.#read())
  }

  async #read (): Promise<void> {
    const facts = await this.#options.engine.kept({ prefix: PREFIX })
    const kept = new Map(facts.flatMap(({ name, value }) => isCount(value) ? [[name.slice(PREFIX.length), value]] : []))
    for (const task of new Set([...this.#counts.keys(), ...kept.keys()])) {
      const [own = NONE, count = NONE] = [this.#counts.get(task), kept.get(task)]
      if (own.failures === count.failures && own.trips === count.trips) continue
      if (kept.has(task)) this.#counts.set(task, count)
      else this.#counts.delete(task)
      if (count.trips > 0) this.#trials.set(task, null)
      else this.#trials.delete(task)
    }
    this.#publish()
  }

  /** Follows the trial run: when it begins, and when it ends without a success or failure. */
  readonly receive = (notice: Notice): void => {
    if (notice.kind === 'claimed' && this.#trials.get(notice.run.task) === null) {
      this.#try(notice.run.task, notice.run.id)
    } else if (notice.kind === 'stale') this.#free(notice.id)
    else if (notice.kind === 'settled' && notice.outcome !== 'failed') this.#free(notice.run.id)
    else if (notice.kind === 'settled' && this.#isTrial(notice.run.id)) this.#failedTrial(notice.run.id)
  }

  /** Called when an attempt has ended, before its slot is freed, so that no waiting run starts before the count is
   *  updated. */
  readonly ended = (run: EndedRun, outcome: Outcome): void => {
    const rule = this.#options.tasks().get(run.task)?.breaker ?? null
    if (rule === null) return
    if (outcome.kind === 'completed') this.#succeeded(run)
    else if (outcome.kind === 'failed') this.#failed(run, outcome.error, rule)
  }

  /** Resolves when all changes so far are written. */
  async settled (): Promise<void> {
    await this.#last
  }

  #succeeded ({ id, task }: EndedRun): void {
    const count = this.#counts.get(task)
    if (count === undefined || (count.trips > 0 && this.#trials.get(task) !== id)) return
    this.#counts.delete(task)
    this.#trials.delete(task)
    this.#publish()
    this.#then(async () => {
      await this.#keep(task, null)
      if (this.#pauseOf(task)?.by === BY) await this.#options.pauses.remove({ scope: 'task', name: task }, BY)
    })
  }

  #failed (run: EndedRun, error: Failure, rule: BreakerRule): void {
    const { task, id } = run
    const { failures, trips } = this.#counts.get(task) ?? NONE
    // Failures do not count while a person has paused the task.
    if (this.#pauseOf(task) !== undefined) return this.#free(id)
    if (trips > 0 && this.#trials.get(task) !== id) return
    const opens = trips > 0 || failures + 1 >= rule.failures
    const count = opens ? { failures: 0, trips: trips + 1 } : { failures: failures + 1, trips }
    this.#counts.set(task, count)
    if (this.#counts.size > this.#most) this.#forget()
    // Until the pause is stored, the trial keeps other runs from starting.
    if (opens) this.#try(task, id)
    this.#then(async () => {
      // Both in one commit, so that other owners of the store see them together.
      await Promise.all([this.#keep(task, count), ...opens ? [this.#pause({ run, error, rule, trips })] : []])
    }, () => this.#free(id))
  }

  /** Deletes the counts of removed tasks. */
  #forget (): void {
    const tasks = this.#options.tasks()
    for (const task of this.#counts.keys()) {
      if (tasks.has(task)) continue
      this.#counts.delete(task)
      this.#trials.delete(task)
      this.#then(() => this.#keep(task, null))
    }
    this.#most = Math.max(MOST_COUNTS, 2 * this.#counts.size)
  }

  async #pause ({ run: { task }, error, rule, trips }: Failed): Promise<void> {
    const { clock, pauses } = this.#options
    const many = trips > 0
      ? 'it failed again after a pause'
      : `${rule.failures} ${rule.failures === 1 ? 'attempt' : 'attempts in a row'} failed`
    const reason = `${many}: ${error.message.slice(0, 300)}`
    await pauses.add({ scope: 'task', name: task, until: clock.now() + pauseOf(rule, trips + 1), by: BY, reason })
  }

  #try (task: string, run: string | null): void {
    this.#trials.set(task, run)
    this.#publish()
  }

  /** Handles the failure of a trial, which the owner that executed it counts. Another run may become the trial when
   *  that owner ended before it counted. */
  #failedTrial (id: string): void {
    this.refresh()
    this.#then(async () => undefined, () => this.#free(id))
  }

  #isTrial (id: string): boolean {
    return this.#trials.values().some(run => run === id)
  }

  /** Lets another run be the trial when this one was it and has ended. */
  #free (id: string): void {
    for (const [task, run] of this.#trials) if (run === id) this.#try(task, null)
  }

  #publish (): void {
    this.#options.conditions.try(new Map(Array.from(this.#trials, ([task, run]) => [task, { run }])))
  }

  /** Serializes writes, and calls `over` after the write, even when it has failed. */
  #then (write: () => Promise<void>, over: () => void = () => undefined): void {
    this.#last = this.#last.then(write)
      .catch(error => this.#options.notice({ kind: 'engine_failed', call: 'keep', error: failureOf(error) }))
      .then(over)
  }

  async #keep (task: string, count: Count | null): Promise<void> {
    const { engine, clock } = this.#options
    await engine.keep({ name: PREFIX + task, value: count as Json, now: clock.now() })
  }

  #pauseOf (task: string) {
    return this.#options.pauses.list().find(({ scope, name }) => scope === 'task' && name === task)
  }
}
