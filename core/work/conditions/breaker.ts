import { failureOf } from '../../model/run/failure.ts'
import type { BreakerRule } from '../../model/task/policy.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Json } from '../../model/base/json.ts'
import type { Listener, Notice } from '../../model/notice.ts'
import type { Pauses } from './pauses.ts'
import type { Run } from '../../model/run/run.ts'
import type { Situation } from './situation.ts'
import type { Task } from '../../model/task/task.ts'

export interface BreakerOptions { engine: Engine, clock: Clock, notice: Listener, pauses: Pauses, situation: Situation, tasks: () => ReadonlyMap<string, Task> }

/** Failed attempts in a row, and how often that has paused the task since it last succeeded. */
type Count = { failures: number, trips: number }

const BY = 'breaker'
const PREFIX = 'breaker/'
const NONE: Count = { failures: 0, trips: 0 }

/** How long the pause number `trips` lasts, ms: each one twice as long as the one before it, up to the cap. */
export const pauseOf = ({ pauseMs, capMs }: BreakerRule, trips: number): number => Math.min(capMs, pauseMs * 2 ** Math.min(trips - 1, 40))

type Failed = { run: Run, rule: BreakerRule, trips: number }

/** Pauses a task that fails and fails, for longer each time. After a pause one run tries it: its success closes the breaker, its failure
 *  opens it again. What was heard counts at once; the disk has it a little later. */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #counts = new Map<string, Count>()
  /** Of the tasks that were paused: the run that tries, or has just failed and is not dealt with; null: the next one will. */
  readonly #trials = new Map<string, string | null>()
  #last: Promise<void> = Promise.resolve()

  constructor (options: BreakerOptions) {
    this.#options = options
  }

  /** Reads what was counted before this start. */
  async load (): Promise<void> {
    for (const { name, value } of await this.#options.engine.kept(PREFIX)) {
      const task = name.slice(PREFIX.length)
      this.#counts.set(task, value as Count)
      if ((value as Count).trips > 0) this.#trials.set(task, null)
    }
    this.#tell()
  }

  /** Hears which runs begin and what came of them. */
  readonly hear = (notice: Notice): void => {
    if (notice.kind === 'claimed' && this.#trials.get(notice.run.task) === null) this.#try(notice.run.task, notice.run.id)
    else if (notice.kind === 'stale') this.#free(notice.id)
    else if (notice.kind === 'settled') this.#ended(notice)
  }

  /** Resolves when everything that was heard is dealt with. */
  async settled (): Promise<void> {
    await this.#last
  }

  #ended ({ run, outcome }: Extract<Notice, { kind: 'settled' }>): void {
    const rule = this.#options.tasks().get(run.task)?.breaker ?? null
    // A run that was held until its deadline says nothing of its task.
    const says = rule !== null && run.reason?.code !== 'deadline'
    if (says && outcome === 'completed') this.#close(run.task)
    else if (says && outcome === 'failed') this.#count(run, rule)
    else this.#free(run.id)
  }

  #close (task: string): void {
    if (!this.#counts.delete(task)) return
    this.#trials.delete(task)
    this.#tell()
    this.#then(async () => {
      await this.#keep(task, null)
      if (this.#pauseOf(task)?.by === BY) await this.#options.pauses.remove({ scope: 'task', name: task }, BY)
    })
  }

  #count (run: Run, rule: BreakerRule): void {
    const { task, id } = run
    const { failures, trips } = this.#counts.get(task) ?? NONE
    // What a person has paused counts no further.
    if (this.#pauseOf(task) !== undefined) return this.#free(id)
    // Of runs that were under way when it was paused none says how it is now.
    if (trips > 0 && this.#trials.get(task) !== id) return
    const broken = trips > 0 || failures + 1 >= rule.failures
    const count = broken ? { failures: 0, trips: trips + 1 } : { failures: failures + 1, trips }
    this.#counts.set(task, count)
    // Until the pause is there this run keeps the others out.
    if (broken) this.#try(task, id)
    this.#then(async () => {
      await this.#keep(task, count)
      if (broken) await this.#pause({ run, rule, trips })
    }, () => this.#free(id))
  }

  async #pause ({ run: { task, error }, rule, trips }: Failed): Promise<void> {
    const { clock, pauses } = this.#options
    const many = trips > 0 ? 'it failed again after a pause' : `${rule.failures} ${rule.failures === 1 ? 'attempt' : 'attempts in a row'} failed`
    const reason = `${many}: ${(error?.message ?? 'it failed').slice(0, 300)}`
    await pauses.add({ scope: 'task', name: task, until: clock.now() + pauseOf(rule, trips + 1), by: BY, reason })
  }

  #try (task: string, run: string | null): void {
    this.#trials.set(task, run)
    this.#tell()
  }

  /** Lets another run try when this one did and told nothing. */
  #free (id: string): void {
    for (const [task, run] of this.#trials) if (run === id) this.#try(task, null)
  }

  #tell (): void {
    this.#options.situation.try(new Map(Array.from(this.#trials, ([task, run]) => [task, { run }])))
  }

  /** Writes one after another, and then does what is left to do whatever came of it. */
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
