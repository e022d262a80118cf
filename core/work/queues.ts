import { iso } from '../model/clock.ts'
import { milliseconds } from '../model/duration.ts'
import { queueNotFound } from '../model/errors.ts'
import { ON_FULL, queueSettings, refilled, whole } from '../model/queue.ts'
import type { Clock } from '../model/clock.ts'
import type { DueTask, Engine } from '../engine/engine.ts'
import type { Pause } from '../model/gates/gate.ts'
import type { Runner } from './runner.ts'
import type { Situation } from './situation.ts'
import type { Task } from '../model/task.ts'

/** One queue as it stands. `depth`: runs that wait, due or not. `oldest`: since when the longest waiting of those that come next is due.
 *  Instants are ISO 8601, `per` is seconds. */
export interface QueueView {
  name: string
  tasks: string[]
  depth: number
  running: number
  concurrency: number | null
  rate: { limit: number, per: number, left: number } | null
  max_length: number | null
  on_full: typeof ON_FULL[number]
  paused: { by: string, until: string | null, reason: string | null } | null
  oldest: string | null
}

export interface QueuesOptions { engine: Engine, clock: Clock, runner: Runner, situation: Situation, tasks: () => ReadonlyMap<string, Task> }

/** The queues: those that config.json names and those that tasks name. */
export class Queues {
  readonly #options: QueuesOptions

  constructor (options: QueuesOptions) {
    this.#options = options
  }

  /** In the order of the alphabet. */
  get names (): string[] {
    const { tasks, situation } = this.#options
    return [...new Set([...Object.keys(situation.now.config.queues), ...[...tasks().values()].map(({ queue }) => queue)])].toSorted()
  }

  async list (): Promise<QueueView[]> {
    const { engine, clock } = this.#options
    const { tasks: due } = await engine.due(clock.now())
    return await Promise.all(this.names.map(name => this.#view(name, due)))
  }

  /** Throws OFFPEAK_QUEUE_NOT_FOUND. */
  async get (name: string): Promise<QueueView> {
    if (!this.names.includes(name)) throw queueNotFound({ queue: name, known: this.names })
    const { engine, clock } = this.#options
    return await this.#view(name, (await engine.due(clock.now())).tasks)
  }

  async #view (name: string, due: readonly DueTask[]): Promise<QueueView> {
    const { runner, situation: { now: { config, pauses } }, tasks, clock } = this.#options
    const { concurrency = null, max_length: max = null, on_full: then = 'refuse' } = queueSettings(config.queues, name)
    const heads = due.filter(({ first }) => first.queue === name).map(({ first }) => first.due_at)
    return {
      name,
      tasks: [...tasks().values()].filter(({ queue }) => queue === name).map(({ id }) => id).toSorted(),
      depth: await this.#depth(name),
      running: runner.active.running.filter(({ queue }) => queue === name).length,
      concurrency,
      rate: this.#rate(name),
      max_length: max,
      on_full: then,
      paused: pausedBy(pauses, name, clock.now()),
      oldest: heads.length === 0 ? null : iso(Math.min(...heads))
    }
  }

  #rate (name: string): QueueView['rate'] {
    const { runner, situation, clock } = this.#options
    const { rate } = queueSettings(situation.now.config.queues, name)
    if (rate === undefined) return null
    return { limit: rate.limit, per: milliseconds(rate.per) / 1000, left: whole(refilled(runner.buckets.get(name), rate, clock.now())) }
  }

  async #depth (queue: string): Promise<number> {
    const { engine, clock } = this.#options
    const { matched } = await engine.change({ act: 'cancel', filter: { queue, state: ['blocked', 'queued'] }, now: clock.now(), limit: 1, dry_run: true })
    return matched
  }
}

function pausedBy (pauses: readonly Pause[], name: string, now: number): QueueView['paused'] {
  const pause = pauses.find(one => (one.scope === 'all' || (one.scope === 'queue' && one.name === name)) && (one.until === null || one.until > now))
  return pause === undefined ? null : { by: pause.by, until: iso(pause.until), reason: pause.reason ?? null }
}
