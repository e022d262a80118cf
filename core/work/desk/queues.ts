import { iso } from '../../model/base/clock.ts'
import { milliseconds } from '../../model/base/duration.ts'
import { queueNotFound } from '../../model/errors/request-errors.ts'
import { ON_FULL, queueSettings, refilled, whole } from '../../model/config/queue.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { QueueCount } from '../../engine/reports.ts'
import type { Pause } from '../../model/conditions/gate.ts'
import type { Runner } from '../run/runner.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Task } from '../../model/task/task.ts'

/** One queue. `depth`: the number of waiting runs, due or not. `oldest`: the due instant of the run that has waited
 *  longest, of any priority. Instants are ISO 8601, `per` is in seconds. */
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

interface QueuesOptions {
  engine: Engine
  clock: Clock
  runner: Runner
  conditions: LiveConditions
  tasks: () => ReadonlyMap<string, Task>
}

/** The queues that are named in config.json or by tasks. */
export class Queues {
  readonly #options: QueuesOptions

  constructor (options: QueuesOptions) {
    this.#options = options
  }

  /** In alphabetical order. */
  get names (): string[] {
    const { tasks, conditions } = this.#options
    return [
      ...new Set([...Object.keys(conditions.current.config.queues), ...[...tasks().values()].map(({ queue }) => queue)])
    ].toSorted()
  }

  async list (): Promise<QueueView[]> {
    const { engine, clock } = this.#options
    const counts = new Map((await engine.queues({ now: clock.now() })).map(count => [count.queue, count]))
    return this.names.map(name => this.#view(name, counts.get(name)))
  }

  /** Throws OFFPEAK_QUEUE_NOT_FOUND. */
  async get (name: string): Promise<QueueView> {
    if (!this.names.includes(name)) throw queueNotFound({ queue: name, known: this.names })
    const { engine, clock } = this.#options
    return this.#view(name, (await engine.queues({ now: clock.now(), names: [name] }))[0])
  }

  #view (name: string, count: QueueCount | undefined): QueueView {
    const { runner, conditions: { current: { config, pauses } }, tasks, clock } = this.#options
    const { concurrency = null, max_length: max = null, on_full: onFull = 'refuse' } = queueSettings(config.queues,
      name)
    return {
      name,
      tasks: [...tasks().values()].filter(({ queue }) => queue === name).map(({ id }) => id).toSorted(),
      depth: count === undefined ? 0 : count.blocked + count.queued,
      running: runner.active.begun.filter(({ queue }) => queue === name).length,
      concurrency,
      rate: this.#rate(name),
      max_length: max,
      on_full: onFull,
      paused: pausedBy(pauses, name, clock.now()),
      oldest: iso(count?.oldest ?? null)
    }
  }

  #rate (name: string): QueueView['rate'] {
    const { runner, conditions, clock } = this.#options
    const { rate } = queueSettings(conditions.current.config.queues, name)
    if (rate === undefined) return null
    return {
      limit: rate.limit,
      per: milliseconds(rate.per) / 1000,
      left: whole(refilled(runner.verdicts.buckets.get(name), rate, clock.now()))
    }
  }
}

function pausedBy (pauses: readonly Pause[], name: string, now: number): QueueView['paused'] {
  const pause = pauses.find(one =>
    (one.scope === 'all' || (one.scope === 'queue' && one.name === name)) && (one.until === null || one.until > now)
  )
  return pause === undefined ? null : { by: pause.by, until: iso(pause.until), reason: pause.reason ?? null }
}
