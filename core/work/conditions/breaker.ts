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

/** Failed attempts in a row, and how often that has paused the task since it last succeeded. */
type Count = { failures: number, trips: number }

const BY = 'breaker'
const PREFIX = 'breaker/'
/** True of a count, of what was stored as one. */
function isCount (value: unknown): value is Count {
  const { failures, trips } = (value ?? {}) as Partial<Count>
  return Number.isSafeInteger(failures) && Number.isSafeInteger(trips)
}

const NONE: Count = { failures: 0, trips: 0 }
const MOST_COUNTS = 200

/** How long the pause number `trips` lasts, ms: each one twice as long as the one before it, up to the cap. */
export const pauseOf = ({ pauseMs, capMs }: BreakerRule, trips: number): number =>
  Math.min(capMs, pauseMs * 2 ** Math.min(trips - 1, 40))

type Failed = { run: EndedRun, error: Failure, rule: BreakerRule, trips: number }

/** What the breaker needs to know of a run whose attempt has ended. */
type EndedRun = Pick<Run, 'id' | 'task'>

/** Pauses a task after failed attempts in a row, for longer each time. They are counted in the order in which they end,
 *  whatever run they are of; a success begins the count again, and what is cancelled, skipped or given back counts as
 *  neither. After a pause one run tries the task: its success closes the breaker, its failure opens it again. The
 *  attempts that were running when it opened are not counted: they say how it was before. */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #counts = new Map<string, Count>()
  /** Of the tasks that were paused: the run that tries, or has just failed and whose pause is being made; null: the
   *  next one will. */
  readonly #trials = new Map<string, string | null>()
  #last: Promise<void> = Promise.resolve()
  /** With more than that it is asked which of the tasks are still there. */
  #most = MOST_COUNTS

  constructor (options: BreakerOptions) {
    this.#options = options
  }

  /** Reads what was counted before this start. */
  async load (): Promise<void> {
    await this.#read()
  }

  /** Others may have counted: takes over what they have kept, once what was counted here is written. */
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
    this.#tell()
  }

  /** Called with every notice: which run tries is known when it begins, and when it is over without having said how the
   *  task is. */
  readonly receive = (notice: Notice): void => {
    if (notice.kind === 'claimed' && this.#trials.get(notice.run.task) === null) {
      this.#try(notice.run.task, notice.run.id)
    } else if (notice.kind === 'stale') this.#free(notice.id)
    else if (notice.kind === 'settled' && notice.outcome !== 'failed') this.#free(notice.run.id)
    else if (notice.kind === 'settled' && this.#isTrial(notice.run.id)) this.#failedTrial(notice.run.id)
  }

  /** Called when an attempt has ended, before its slot is free and long before that is durable: of the runs that wait
   *  none starts in between. */
  readonly ended = (run: EndedRun, outcome: Outcome): void => {
    const rule = this.#options.tasks().get(run.task)?.breaker ?? null
    if (rule === null) return
    if (outcome.kind === 'completed') this.#succeeded(run)
    else if (outcome.kind === 'failed') this.#failed(run, outcome.error, rule)
  }

  /** Resolves when everything that was heard is written. */
  async settled (): Promise<void> {
    await this.#last
  }

  #succeeded ({ id, task }: EndedRun): void {
    const count = this.#counts.get(task)
    if (count === undefined || (count.trips > 0 && this.#trials.get(task) !== id)) return
    this.#counts.delete(task)
    this.#trials.delete(task)
    this.#tell()
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
      // In one call, so that other owners of the store see both.
      await Promise.all([this.#keep(task, count), ...opens ? [this.#pause({ run, error, rule, trips })] : []])
    }, () => this.#free(id))
  }

  /** Forgets what was counted of tasks that are not there any more: their names may come and go. */
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
    this.#tell()
  }

  /** A trial that has failed is counted by whoever had it. Another run may try also when that one has ended before it
   *  counted. */
  #failedTrial (id: string): void {
    this.refresh()
    this.#then(async () => undefined, () => this.#free(id))
  }

  #isTrial (id: string): boolean {
    return this.#trials.values().some(run => run === id)
  }

  /** Lets another run try when this one was the trial and is over. */
  #free (id: string): void {
    for (const [task, run] of this.#trials) if (run === id) this.#try(task, null)
  }

  #tell (): void {
    this.#options.conditions.try(new Map(Array.from(this.#trials, ([task, run]) => [task, { run }])))
  }

  /** Writes one after another, and calls back then, also when a write has failed. */
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
