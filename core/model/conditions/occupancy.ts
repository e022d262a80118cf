import type { Bucket } from '../config/queue.ts'
import { queueSettings, refilled, whole } from '../config/queue.ts'
import type { Config } from '../config/config.ts'

/** The fields of a running run that affect others. `resting`: it has given up its slot and keeps only its queue and
 *  locks. */
export interface Running {
  task: string
  queue: string
  locks: readonly string[]
  alone: boolean
  resting?: boolean
}

/** What runs of other owners of the same store use: runs by task and by queue, and the task that holds each lock. */
export interface Others {
  tasks: Readonly<Record<string, number>>
  queues: Readonly<Record<string, number>>
  locks: Readonly<Record<string, string>>
}

/** Queues and locks in use by running runs. */
export interface InUse {
  /** Running runs by queue, of all owners. */
  queues: ReadonlyMap<string, number>
  /** Starts left of queues with a rate; an absent queue is full. */
  buckets: ReadonlyMap<string, Bucket>
  /** The task that holds each lock. */
  locks: ReadonlyMap<string, string>
  /** The task that is running alone. */
  alone: string | null
  /** Working runs of this process, and all runs of other owners. */
  count: number
}

/** The lock that tells other owners that a run is alone. */
export const ALONE = 'offpeak:alone'

export const NO_OTHERS: Others = { tasks: {}, queues: {}, locks: {} }

/** What these running runs and those of other owners use together. */
export function inUseBy (
  running: readonly Running[],
  buckets: ReadonlyMap<string, Bucket> = new Map(),
  others: Others = NO_OTHERS
): InUse {
  const queues = new Map(Object.entries(others.queues))
  const locks = new Map(Object.entries(others.locks))
  for (const { task, queue, locks: names } of running) {
    queues.set(queue, (queues.get(queue) ?? 0) + 1)
    for (const name of names) locks.set(name, task)
  }
  const working = running.filter(({ resting }) => resting !== true)
  const alone = working.find(one => one.alone)?.task ?? others.locks[ALONE] ?? null
  const elsewhere = Object.values(others.tasks).reduce((sum, count) => sum + count, 0)
  return { queues, buckets, locks, alone, count: working.length + elsewhere }
}

/** Nothing runs. */
export const NOTHING_IN_USE: InUse = inUseBy([])

/** How many runs of a queue may start now, by its concurrency and by its rate. Infinity: no limit. */
export function queueRoom (
  { queues, buckets }: InUse,
  { queues: limits }: Pick<Config, 'queues'>,
  { queue, now }: { queue: string, now: number }
): { running: number, rate: number } {
  const { concurrency = Infinity, rate } = queueSettings(limits, queue)
  return {
    running: concurrency - (queues.get(queue) ?? 0),
    rate: rate === undefined ? Infinity : whole(refilled(buckets.get(queue), rate, now))
  }
}
