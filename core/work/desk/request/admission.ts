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

/** The maximum lengths of queues, which each engine call that adds runs receives. They do not apply to runs of
 *  schedules, which `overlap` limits. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor (options: AdmissionOptions) {
    this.#options = options
  }

  /** The length limits, by queue. */
  get bounds (): Record<string, QueueBound> {
    const { queues } = this.#options.config()
    return Object.fromEntries(
      Object.entries(queues).flatMap(([queue, { max_length: max, on_full = 'refuse' }]) =>
        max === undefined ? [] : [[queue, { max, on_full }]]
      )
    )
  }

  /** The length limits for retries, by queue: a retried run never displaces another one. */
  get refusing (): Record<string, QueueBound> {
    return Object.fromEntries(
      Object.entries(this.bounds).map(([queue, { max }]) => [queue, { max, on_full: 'refuse' as const }])
    )
  }

  /** The maximum lengths, by queue. */
  get lengths (): Record<string, number> {
    return Object.fromEntries(Object.entries(this.bounds).map(([queue, { max }]) => [queue, max]))
  }

  /** OFFPEAK_QUEUE_FULL, with an estimate of when the queue has room. */
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
