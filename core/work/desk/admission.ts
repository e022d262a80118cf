import { SECOND } from '../../model/base/duration.ts'
import { queueFull } from '../../model/base/errors.ts'
import { queueSettings } from '../../model/config/queue.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'
import type { OffpeakError } from '../../model/base/errors.ts'
import type { NewRun } from '../../model/run/run.ts'
import type { QueueSettings } from '../../model/config/queue.ts'

/** How soon a full queue is worth another try, seconds. */
const SOONEST = 1
const WORKING = 5
const LATEST = 60

export interface AdmissionOptions { engine: Engine, clock: Clock, notice: Listener, config: () => Pick<Config, 'queues'> }

/** What is asked for of one bounded queue. */
interface Asked { queue: string, max: number, policy: QueueSettings['on_full'], runs: readonly NewRun[] }

/** Sees that no more runs wait in a queue than may. What schedules ask for is not counted out: their overlap bounds it. */
export class Admission {
  readonly #options: AdmissionOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor (options: AdmissionOptions) {
    this.#options = options
  }

  /** How many runs may wait, of the queues that say so. */
  get bounds (): Record<string, number> {
    const { queues } = this.#options.config()
    return Object.fromEntries(Object.entries(queues).flatMap(([queue, { max_length: max }]) => max === undefined ? [] : [[queue, max]]))
  }

  /** Adds runs when their queues take them; throws OFFPEAK_QUEUE_FULL, and then none was added. */
  async admit<T> (runs: readonly NewRun[], add: () => Promise<T>): Promise<T> {
    const { queues } = this.#options.config()
    if (runs.every(({ queue }) => queueSettings(queues, queue).max_length === undefined)) return await add()
    const bounded = [...Map.groupBy(runs, ({ queue }) => queue)].flatMap(([queue, own]) => {
      const { max_length: max, on_full: policy } = queueSettings(queues, queue)
      return max === undefined ? [] : [{ queue, max, policy, runs: own }]
    })
    return await this.inTurn(() => this.#fill(bounded, add))
  }

  /** Throws OFFPEAK_QUEUE_FULL when not one more run may wait in the queue. */
  async check (queue: string): Promise<void> {
    const { max_length: max } = queueSettings(this.#options.config().queues, queue)
    if (max !== undefined && await this.#waiting(queue) >= max) throw await this.full(queue, max)
  }

  /** That a queue is full, and when there may be a place: once something is due, soon while its runs run, and what is held back is likely to be
   *  held as long again. */
  async full (queue: string, max: number): Promise<OffpeakError> {
    const { engine, clock } = this.#options
    const now = clock.now()
    const [[count], { next_at: next }] = await Promise.all([engine.queues({ now, names: [queue] }), engine.due(now)])
    const { oldest = null, running = 0 } = count ?? {}
    const held = running > 0 ? WORKING : (now - (oldest ?? now)) / SECOND
    const wait = oldest === null ? ((next ?? Infinity) - now) / SECOND : held
    return queueFull({ queue, max, retryAfter: Math.min(LATEST, Math.max(SOONEST, Math.ceil(wait))) })
  }

  /** Does one thing after another: two that look at the same time would both find the last place. */
  async inTurn<T> (work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return await turn
  }

  async #fill<T> (bounded: readonly Asked[], add: () => Promise<T>): Promise<T> {
    const crowded = await Promise.all(bounded.map(async asked => await this.#isCrowded(asked) ? [asked] : []))
    const added = await add()
    for (const { queue, max } of crowded.flat()) await this.#drop(queue, max)
    return added
  }

  /** True when runs have to be dropped for these; throws when none are. */
  async #isCrowded ({ queue, max, policy, runs }: Asked): Promise<boolean> {
    const left = max - await this.#waiting(queue)
    if (runs.length <= left) return false
    const many = await this.#fresh(runs)
    if (many <= left) return false
    if (policy !== 'drop_oldest' || many > max) throw await this.full(queue, max)
    return true
  }

  async #waiting (queue: string): Promise<number> {
    const [count] = await this.#options.engine.queues({ names: [queue] })
    return count === undefined ? 0 : count.blocked + count.queued
  }

  /** How many of the runs there will be more: one whose key is another's is that one. */
  async #fresh (runs: readonly NewRun[]): Promise<number> {
    const names = new Set<string>()
    let unnamed = 0
    for (const run of runs) {
      if (run.key === undefined || run.key === null) unnamed++
      else if (!names.has(`${run.task}/${run.key}`) && !await this.#isThere(run)) names.add(`${run.task}/${run.key}`)
    }
    return unnamed + names.size
  }

  async #isThere ({ task, key, unique }: NewRun): Promise<boolean> {
    const { engine, clock } = this.#options
    const known = await engine.holder({ task, key: key!, now: clock.now() })
    return known !== null && (unique?.conflict !== 'keep_last' || known.state !== 'running')
  }

  /** Skips the oldest waiting runs, as many as are too many. */
  async #drop (queue: string, max: number): Promise<void> {
    const { engine, clock, notice } = this.#options
    const reason = { code: 'queue_full', message: `dropped: newer runs came, and queue ${queue} lets ${max} wait` }
    for (const run of await engine.thin({ queue, most: max, now: clock.now(), reason })) notice({ kind: 'settled', run, outcome: 'skipped', ms: 0 })
  }
}
