import { drawn, queueSettings } from '../../model/config/queue.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Bucket } from '../../model/config/queue.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Json } from '../../model/base/json.ts'
import type { Listener } from '../../model/notice.ts'

const PREFIX = 'bucket/'

const isBucket = (value: Json): value is { tokens: number, at: number } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Number.isFinite(value.tokens) && Number.isFinite(value.at)

export interface BucketsOptions { engine: Pick<Engine, 'keep' | 'kept'>, notice: Listener }

/** The starts that queues with a rate have left. Starts that come while one is being written are written together: a crash forgets these
 *  alone. */
export class Buckets {
  readonly #options: BucketsOptions
  readonly #buckets = new Map<string, Bucket>()
  readonly #unwritten = new Set<string>()
  #writing: Promise<void> | null = null

  constructor (options: BucketsOptions) {
    this.#options = options
  }

  get all (): ReadonlyMap<string, Bucket> {
    return this.#buckets
  }

  /** Reads what was left before this start. */
  async load (): Promise<void> {
    for (const { name, value } of await this.#options.engine.kept(PREFIX)) {
      if (isBucket(value)) this.#buckets.set(name.slice(PREFIX.length), { tokens: value.tokens, at: value.at })
    }
  }

  /** Counts one start. */
  draw (queue: string, { queues }: Pick<Config, 'queues'>, now: number): void {
    const { rate } = queueSettings(queues, queue)
    if (rate !== undefined) this.#buckets.set(queue, drawn(this.#buckets.get(queue), rate, now))
    else if (!this.#buckets.delete(queue)) return
    this.#unwritten.add(queue)
    this.#writing ??= this.#write().finally(() => { this.#writing = null })
  }

  /** Resolves when every start that was counted is durable. */
  async written (): Promise<void> {
    await this.#writing
  }

  async #write (): Promise<void> {
    const { engine, notice } = this.#options
    try {
      while (this.#unwritten.size > 0) {
        const names = [...this.#unwritten]
        this.#unwritten.clear()
        await Promise.all(names.map(queue => {
          const bucket = this.#buckets.get(queue)
          return engine.keep({ name: PREFIX + queue, value: bucket === undefined ? null : { ...bucket }, now: bucket?.at ?? 0 })
        }))
      }
    } catch (error) {
      notice({ kind: 'engine_failed', call: 'keep', error: failureOf(error) })
    }
  }
}
