import type { Bucket } from '../config/queue.ts'
import { queueSettings, refilled, whole } from '../config/queue.ts'
import type { Config } from '../config/config.ts'

/** A running run as far as others mind it. `resting`: it has given its slot away, and keeps its queue and its locks
 *  alone. */
export interface Running {
  task: string
  queue: string
  locks: readonly string[]
  alone: boolean
  resting?: boolean
}

/** What runs of other owners of the same store take: by task, by queue, and the task that holds each lock. */
export interface Others {
  tasks: Readonly<Record<string, number>>
  queues: Readonly<Record<string, number>>
  locks: Readonly<Record<string, string>>
}

/** What the running runs take from those that wait. */
export interface InUse {
  /** Running runs by queue, of all owners. */
  queues: ReadonlyMap<string, number>
  /** Starts that queues with a rate have left; a queue that was never drawn from is full. */
  buckets: ReadonlyMap<string, Bucket>
  /** The task that holds each lock. */
  locks: ReadonlyMap<string, string>
  /** The task that runs alone, when it runs. */
  alone: string | null
  /** Runs of this process that are at work, and all of other owners. */
  count: number
}

/** The lock of a run that is alone, by which other owners know of it. */
export const ALONE = 'offpeak:alone'

export const NO_OTHERS: Others = { tasks: {}, queues: {}, locks: {} }

/** What these running runs take together, and those of other owners. */
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

/** Nobody runs. */
export const NOTHING_IN_USE: InUse = inUseBy([])

/** How many runs of a queue may start now: its concurrency and what its rate has left. Infinity: it has no limit. */
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
