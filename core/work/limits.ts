import { drawn, queueSettings } from '../model/queue.ts'
import { queueFull } from '../model/errors.ts'
import type { Bucket, QueueSettings } from '../model/queue.ts'
import type { Clock } from '../model/clock.ts'
import type { Config } from '../model/config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Listener } from '../model/notice.ts'
import type { NewRun } from '../model/run.ts'

/** The starts that queues with a rate have left. They are kept in memory: after a restart every queue has all of its starts. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>()

  get all (): ReadonlyMap<string, Bucket> {
    return this.#buckets
  }

  /** Counts one start. */
  draw (queue: string, { queues }: Pick<Config, 'queues'>, now: number): void {
    const { rate } = queueSettings(queues, queue)
    if (rate === undefined) this.#buckets.delete(queue)
    else this.#buckets.set(queue, drawn(this.#buckets.get(queue), rate, now))
  }
}

export interface AdmissionOptions { engine: Engine, clock: Clock, notice: Listener, config: () => Pick<Config, 'queues'> }

const WAITING = ['blocked', 'queued'] as const

/** Sees that no more runs wait in a queue than may. What schedules ask for is not counted out: their overlap bounds it. */
export class Admission {
  readonly #options: AdmissionOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor (options: AdmissionOptions) {
    this.#options = options
  }

  /** Adds runs when their queues take them; throws OFFPEAK_QUEUE_FULL, and then none was added. */
  async admit<T> (runs: readonly NewRun[], add: () => Promise<T>): Promise<T> {
    const { queues } = this.#options.config()
    const bounded = [...Map.groupBy(runs, ({ queue }) => queue)]
      .map(([queue, own]) => ({ queue, count: own.length, settings: queueSettings(queues, queue) }))
      .filter(({ settings }) => settings.max_length !== undefined)
    if (bounded.length === 0) return await add()
    // One after another: two that look at the same time would both find the last place.
    const turn = this.#last.then(() => this.#fill(bounded, add))
    this.#last = turn.catch(() => undefined)
    return await turn
  }

  async #fill<T> (bounded: readonly Asked[], add: () => Promise<T>): Promise<T> {
    const over = await Promise.all(bounded.map(async asked => ({ ...asked, over: await this.#waiting(asked.queue) + asked.count - asked.settings.max_length! })))
    for (const { queue, over: many, count, settings: { max_length: max, on_full: then } } of over) {
      if (many > 0 && (then !== 'drop_oldest' || count > max!)) throw queueFull({ queue, max: max! })
    }
    const added = await add()
    for (const { queue, over: many } of over) if (many > 0) await this.#drop(queue, many)
    return added
  }

  async #waiting (queue: string): Promise<number> {
    const { engine, clock } = this.#options
    const { matched } = await engine.change({ act: 'cancel', filter: { queue, state: [...WAITING] }, now: clock.now(), limit: 1, dry_run: true })
    return matched
  }

  /** Skips the oldest waiting runs, as many as are too many once a repeated key has added none. */
  async #drop (queue: string, most: number): Promise<void> {
    const { engine, clock, notice, config } = this.#options
    const max = queueSettings(config().queues, queue).max_length ?? Infinity
    const { items } = await engine.list({ queue, state: [...WAITING], limit: Math.min(max, 1_000_000) + most })
    const reason = { code: 'queue_full', message: `dropped: newer runs came, and queue ${queue} lets ${max} wait` }
    for (const { id } of items.slice(max).toReversed()) {
      const run = await engine.end({ id, now: clock.now(), as: 'skipped', reason })
      if (run?.state === 'skipped') notice({ kind: 'settled', run, outcome: 'skipped', ms: 0 })
    }
  }
}

interface Asked { queue: string, count: number, settings: QueueSettings }
