import { queueFull } from '../../../model/errors/request-errors.ts'
import { retryAfter } from '../../../model/config/retry-after.ts'
import type { QueueBound, Engine } from '../../../engine/engine.ts'
import type { Clock } from '../../../model/base/clock.ts'
import type { Config } from '../../../model/config/config.ts'
import type { OffpeakError } from '../../../model/errors/errors.ts'

interface AdmissionOptions {
  engine: Pick<Engine, 'due' | 'queues'>
  clock: Clock
  config: () => Pick<Config, 'queues'>
}

/** The maximum lengths of queues, passed to the engine with each call that adds runs. Runs of schedules are not limited
 *  by them, but by `overlap`. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor (options: AdmissionOptions) {
    this.#options = options
  }

  /** The limits of the queues that have one. */
  get bounds (): Record<string, QueueBound> {
    const { queues } = this.#options.config()
    return Object.fromEntries(
      Object.entries(queues).flatMap(([queue, { max_length: max, on_full = 'refuse' }]) =>
        max === undefined ? [] : [[queue, { max, on_full }]]
      )
    )
  }

  /** The same for a retried run, which never displaces another. */
  get refusing (): Record<string, QueueBound> {
    return Object.fromEntries(
      Object.entries(this.bounds).map(([queue, { max }]) => [queue, { max, on_full: 'refuse' as const }])
    )
  }

  /** The maximum lengths, by queue. */
  get lengths (): Record<string, number> {
    return Object.fromEntries(Object.entries(this.bounds).map(([queue, { max }]) => [queue, max]))
  }

  /** The error for a full queue, with an estimate of when it has room. */
  async full (queue: string): Promise<OffpeakError> {
    const { engine, clock } = this.#options
    const now = clock.now()
    const [[count], { next_at: next }] = await Promise.all([engine.queues({ now, names: [queue] }),
      engine.due({ now, owner: '' })])
    const { oldest = null, running = 0 } = count ?? {}
    return queueFull({
      queue,
      max: this.lengths[queue]!,
      retryAfter: retryAfter({ now, oldest, running, next_at: next })
    })
  }
}
