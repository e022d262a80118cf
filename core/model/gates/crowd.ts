import type { Bucket } from '../config/queue.ts'
import { queueSettings, refilled, whole } from '../config/queue.ts'
import type { Config } from '../config/config.ts'

/** A running run as far as others mind it. */
export interface Running { task: string, queue: string, locks: readonly string[], alone: boolean }

/** What the running runs take from those that wait. */
export interface Crowd {
  /** Running runs by queue. */
  queues: ReadonlyMap<string, number>
  /** Starts that queues with a rate have left; a queue that was never drawn from is full. */
  buckets: ReadonlyMap<string, Bucket>
  /** The task that holds each lock. */
  locks: ReadonlyMap<string, string>
  /** The task that wants to be alone, when it runs. */
  alone: string | null
  count: number
}

/** What these running runs take together. */
export function crowdOf (running: readonly Running[], buckets: ReadonlyMap<string, Bucket> = new Map()): Crowd {
  const queues = new Map<string, number>()
  const locks = new Map<string, string>()
  for (const { task, queue, locks: names } of running) {
    queues.set(queue, (queues.get(queue) ?? 0) + 1)
    for (const name of names) locks.set(name, task)
  }
  return { queues, buckets, locks, alone: running.find(({ alone }) => alone)?.task ?? null, count: running.length }
}

/** Nobody runs. */
export const NOBODY: Crowd = crowdOf([])

/** How many runs of each limited queue may start now. */
export function queueRoom ({ queues, buckets }: Crowd, { queues: limits }: Pick<Config, 'queues'>, now: number): Record<string, number> {
  return Object.fromEntries(Object.keys(limits).map(name => {
    const { concurrency = Infinity, rate } = queueSettings(limits, name)
    const left = rate === undefined ? Infinity : whole(refilled(buckets.get(name), rate, now))
    return [name, Math.max(0, Math.min(concurrency - (queues.get(name) ?? 0), left))] as const
  }).filter(([, most]) => most !== Infinity))
}
