import { milliseconds } from '../base/duration.ts'
import { queueSettings, refilled } from '../config/queue.ts'
import type { Bucket } from '../config/queue.ts'
import type { Config } from '../config/config.ts'
import type { Dependence } from './forecast.ts'

interface Start {
  occupant: { queue: string }
  earliest: number
  latest: number
}

interface Rated {
  config: Config
  buckets: ReadonlyMap<string, Bucket>
  now: number
}

/** Collects the possible starts, by queue, that count against the rates of queues. */
export function draws () {
  const byQueue = new Map<string, Start[]>()
  return {
    add (start: Start): void {
      byQueue.getOrInsertComputed(start.occupant.queue, () => []).push(start)
    },

    /** The dependence on the rate of its queue, when other starts may have used it up by `at`; else empty. */
    against (start: Start, at: number, { config, buckets, now }: Rated): Dependence[] {
      const { queue } = start.occupant
      const { rate } = queueSettings(config.queues, queue)
      if (rate === undefined) return []
      const since = at - milliseconds(rate.per)
      const others =
        (byQueue.get(queue) ?? []).filter(other => other !== start && other.earliest <= at && other.latest >= since)
          .length
      const bucket = buckets.get(queue)
      // The tokens left now count until the bucket would be full; after that only starts within the period count.
      const left = since >= now ? rate.limit : refilled(bucket, rate, at).tokens
      return left - others >= 1
        ? []
        : [{ gate: 'rate', ok: true, message: `queue ${queue} may have started all that its rate allows` }]
    }
  }
}
