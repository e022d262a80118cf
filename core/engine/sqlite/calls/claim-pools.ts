import { SECOND } from '../../../model/base/duration.ts'
import { drawn, refilled, whole } from '../../../model/config/queue.ts'
import type { Bucket } from '../../../model/config/queue.ts'
import type { Offer } from '../../../model/run/cohort.ts'
import type { ClaimAsk } from '../../engine.ts'
import type { Memory } from '../state/memory.ts'
import type { Tables } from '../state/tables.ts'

interface Rate {
  limit: number
  per: number
}

const rateOf = ({ count, per_ms: per }: { count: number, per_ms: number }): Rate => ({
  limit: count,
  per: per / SECOND
})

/** The remaining room of the pools during a claim, without what other owners occupy of shared pools. */
export class ClaimPools {
  /** The number of runs that may still be claimed. */
  limit: number
  readonly #left: Map<string, number>
  readonly #rates: ReadonlyMap<string, Rate>
  readonly #buckets = new Map<string, Bucket>()
  readonly #now: number

  constructor (memory: Memory, { owner, now, pools, limit = Infinity, rates = {} }: ClaimAsk) {
    this.limit = limit
    this.#now = now
    this.#left = new Map(Object.entries(pools))
    this.#rates = new Map(Object.entries(rates).map(([queue, rate]) => [queue, rateOf(rate)]))
    for (const [queue, rate] of this.#rates) this.#buckets.set(queue, refilled(memory.buckets.get(queue), rate, now))
    const { tasks, queues, locks } = memory.others(owner)
    for (const [task, many] of Object.entries(tasks)) this.#lower(`task/${task}`, many)
    for (const [queue, many] of Object.entries(queues)) this.#lower(`queue/${queue}`, many)
    for (const name of Object.keys(locks)) this.#lower(`lock/${name}`, 1)
    this.#lower('nobody', Object.values(tasks).reduce((sum, many) => sum + many, 0))
  }

  #lower (name: string, by: number): void {
    const left = this.#left.get(name)
    if (left !== undefined) this.#left.set(name, left - by)
  }

  isRated (queue: string): boolean {
    return this.#rates.has(queue)
  }

  #startsIn (queue: string): number {
    const bucket = this.#buckets.get(queue)
    return bucket === undefined ? Infinity : whole(bucket)
  }

  hasRoom ({ needs }: Offer, queue: string): boolean {
    return this.limit >= 1 && this.#startsIn(queue) >= 1 && needs.every(name => (this.#left.get(name) ?? 1) >= 1)
  }

  /** The maximum number of runs that can still be claimed for an offer. */
  most ({ needs, takes }: Offer, queue: string): number {
    const bounds = needs.filter(name => takes.includes(name)).map(name => this.#left.get(name) ?? Infinity)
    return Math.min(this.limit, this.#startsIn(queue), ...bounds)
  }

  take ({ takes }: Offer, queue: string): void {
    this.limit -= 1
    for (const name of takes) this.#lower(name, 1)
    const rate = this.#rates.get(queue)
    if (rate !== undefined) this.#buckets.set(queue, drawn(this.#buckets.get(queue), rate, this.#now))
  }

  /** Writes the rate buckets that the claim used. */
  store (tables: Tables): void {
    for (const [queue, bucket] of this.#buckets) {
      const rate = this.#rates.get(queue)!
      const before = refilled(tables.memory.buckets.get(queue), rate, this.#now)
      if (before.tokens !== bucket.tokens) keepBucket(tables, queue, bucket)
    }
  }
}

/** Writes the rate bucket of a queue. */
function keepBucket (tables: Tables, queue: string, bucket: Bucket): void {
  tables.run(`
    insert into rate (queue, tokens, at) values (?, ?, ?)
    on conflict (queue) do update set tokens = excluded.tokens, at = excluded.at`, queue, bucket.tokens, bucket.at)
  tables.memory.journal.put(tables.memory.buckets, queue, bucket)
}

/** Returns the token of a run that never began. */
export function giveBack (tables: Tables, queue: string): void {
  const bucket = tables.memory.buckets.get(queue)
  if (bucket !== undefined) keepBucket(tables, queue, { ...bucket, tokens: bucket.tokens + 1 })
}

/** Removes the buckets of queues that started nothing since an instant: they are full again. */
export function forgetBuckets (tables: Tables, before: number): void {
  const { buckets, journal } = tables.memory
  for (const [queue, { at }] of Array.from(buckets)) {
    if (at >= before) continue
    tables.run('delete from rate where queue = ?', queue)
    journal.drop(buckets, queue)
  }
}
