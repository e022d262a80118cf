import { Type } from 'typebox'
import type { Static } from 'typebox'
import { lasting, section } from '../base/section.ts'
import { aheadOf } from '../base/clock.ts'
import { milliseconds } from '../base/duration.ts'

/** What happens when a run is added to a full queue: it is refused, or the oldest waiting run is skipped. */
export const ON_FULL = ['refuse', 'drop_oldest'] as const

const Rate = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Number of starts' }),
  per: { ...lasting('a rate needs a time'), description: 'Per this time' }
}, { additionalProperties: false, description: 'Maximum start rate: a burst of `limit`, then evenly' })

/** The limits of one queue. */
const QueueSchema = section({
  concurrency: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'How many of its runs may run at once' })
  ),
  rate: Type.Optional(Rate),
  max_length: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'How many of its runs may wait' })
  ),
  on_full: Type.Optional(Type.Unsafe<typeof ON_FULL[number]>({
    type: 'string',
    enum: [...ON_FULL],
    default: 'refuse',
    description: 'refuse: adding answers 429; drop_oldest: the oldest waiting run is skipped'
  }))
}, 'The limits of one queue')
type QueueSettings = Static<typeof QueueSchema>

/** The limits of queues by name. */
export const QueuesSchema = Type.Record(Type.String(), QueueSchema, {
  default: {},
  description: 'Limits of queues, by name; a queue that a task names and that is not listed here has no limits'
})

type Limits = Readonly<Record<string, QueueSettings>>

/** The settings of one queue; empty when it has none. */
export const queueSettings = (queues: Limits, name: string): QueueSettings =>
  Object.hasOwn(queues, name) ? queues[name]! : {}

/** The starts that a queue has left at `at` (epoch ms), fractions included. */
export interface Bucket {
  tokens: number
  at: number
}

type Rate = NonNullable<QueueSettings['rate']>

// Tolerance for sums of fractions.
const NEARLY = 1e-9

/** The bucket refilled up to `now`. An unused bucket is full. So is one more than `per` in the future, after the clock
 *  was set back: it would not refill until the clock catches up. */
export function refilled (bucket: Bucket | undefined, { limit, per }: Rate, now: number): Bucket {
  if (bucket === undefined || aheadOf(bucket.at, now) > milliseconds(per)) return { tokens: limit, at: now }
  const gained = Math.max(0, now - bucket.at) * limit / milliseconds(per)
  return { tokens: Math.min(limit, bucket.tokens + gained), at: now }
}

/** The bucket after one start. */
export function drawn (bucket: Bucket | undefined, rate: Rate, now: number): Bucket {
  const { tokens } = refilled(bucket, rate, now)
  return { tokens: Math.max(0, tokens - 1), at: now }
}

/** How many may start now. */
export const whole = ({ tokens }: Bucket): number => Math.floor(tokens + NEARLY)

/** When the next one may start, epoch ms; `now` when one may now. */
export const nextStart = ({ tokens, at }: Bucket, { limit, per }: Rate): number =>
  tokens + NEARLY >= 1 ? at : Math.ceil(at + (1 - tokens) * milliseconds(per) / limit)
