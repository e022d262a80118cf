import { failureOf } from '../model/failure.ts'
import type { BreakerRule } from '../model/policy.ts'
import type { Clock } from '../model/clock.ts'
import type { Engine } from '../engine/engine.ts'
import type { Json } from '../model/json.ts'
import type { Listener, Notice } from '../model/notice.ts'
import type { Pauses } from './pauses.ts'
import type { Task } from '../model/task.ts'

export interface BreakerOptions { engine: Engine, clock: Clock, notice: Listener, pauses: Pauses, tasks: () => ReadonlyMap<string, Task> }

/** Failed attempts in a row, and how often that has paused the task since it last succeeded. */
type Count = { failures: number, trips: number }

const BY = 'breaker'
const PREFIX = 'breaker/'
const NONE: Count = { failures: 0, trips: 0 }

/** How long the pause number `trips` lasts, ms: each one twice as long as the one before it, up to the cap. */
export const pauseOf = ({ pauseMs, capMs }: BreakerRule, trips: number): number => Math.min(capMs, pauseMs * 2 ** Math.min(trips - 1, 40))

/** Pauses a task that fails and fails, for longer each time; the first success closes it. */
export class Breaker {
  readonly #options: BreakerOptions
  #counts: Map<string, Count> | null = null
  #last: Promise<void> = Promise.resolve()

  constructor (options: BreakerOptions) {
    this.#options = options
  }

  /** Hears what came of the attempts. */
  readonly hear = (notice: Notice): void => {
    if (notice.kind !== 'settled' || (notice.outcome !== 'completed' && notice.outcome !== 'failed')) return
    const rule = this.#options.tasks().get(notice.run.task)?.breaker ?? null
    // A run that was held until its deadline says nothing of its task.
    if (rule === null || notice.run.reason?.code === 'deadline') return
    const { run, outcome } = notice
    this.#last = this.#last
      .then(() => outcome === 'completed' ? this.#close(run.task) : this.#count(run.task, rule, run.error?.message ?? 'it failed'))
      .catch(error => this.#options.notice({ kind: 'engine_failed', call: 'keep', error: failureOf(error) }))
  }

  /** Resolves when everything that was heard is dealt with. */
  async settled (): Promise<void> {
    await this.#last
  }

  async #load (): Promise<Map<string, Count>> {
    if (this.#counts !== null) return this.#counts
    const facts = await this.#options.engine.kept(PREFIX)
    this.#counts = new Map(facts.map(({ name, value }) => [name.slice(PREFIX.length), value as Count]))
    return this.#counts
  }

  async #keep (task: string, count: Count | null): Promise<void> {
    const { engine, clock } = this.#options
    const counts = await this.#load()
    await engine.keep({ name: PREFIX + task, value: count as Json, now: clock.now() })
    if (count === null) counts.delete(task)
    else counts.set(task, count)
  }

  async #close (task: string): Promise<void> {
    if (!(await this.#load()).has(task)) return
    await this.#keep(task, null)
    if (this.#pauseOf(task)?.by === BY) await this.#options.pauses.remove({ scope: 'task', name: task }, BY)
  }

  async #count (task: string, rule: BreakerRule, message: string): Promise<void> {
    const { failures, trips } = (await this.#load()).get(task) ?? NONE
    // Runs that were under way when it was paused, and what a person has paused, count no further.
    if (this.#pauseOf(task) !== undefined) return
    const broken = trips > 0 || failures + 1 >= rule.failures
    await this.#keep(task, broken ? { failures: 0, trips: trips + 1 } : { failures: failures + 1, trips })
    if (!broken) return
    const { clock, pauses } = this.#options
    const many = trips > 0 ? 'it failed again after a pause' : `${rule.failures} ${rule.failures === 1 ? 'attempt' : 'attempts in a row'} failed`
    await pauses.add({ scope: 'task', name: task, until: clock.now() + pauseOf(rule, trips + 1), by: BY, reason: `${many}: ${message.slice(0, 300)}` })
  }

  #pauseOf (task: string) {
    return this.#options.pauses.list().find(({ scope, name }) => scope === 'task' && name === task)
  }
}
