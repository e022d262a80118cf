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

/** How many runs may wait in queues, as the engine is told with each call that adds some. What schedules ask for is not
 *  bounded: their overlap bounds it. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor (options: AdmissionOptions) {
    this.#options = options
  }

  /** The bounds of the queues that have one. */
  get bounds (): Record<string, QueueBound> {
    const { queues } = this.#options.config()
    return Object.fromEntries(
      Object.entries(queues).flatMap(([queue, { max_length: max, on_full = 'refuse' }]) =>
        max === undefined ? [] : [[queue, { max, on_full }]]
      )
    )
  }

  /** The same for a run that is tried again: it pushes nothing out. */
  get refusing (): Record<string, QueueBound> {
    return Object.fromEntries(
      Object.entries(this.bounds).map(([queue, { max }]) => [queue, { max, on_full: 'refuse' as const }])
    )
  }

  /** The most that may wait in these queues. */
  get lengths (): Record<string, number> {
    return Object.fromEntries(Object.entries(this.bounds).map(([queue, { max }]) => [queue, max]))
  }

  /** That a queue is full, and when there may be a place. */
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
