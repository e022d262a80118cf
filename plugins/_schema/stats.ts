import Type from 'typebox'
import { HeldTime } from './holding.ts'
import { Instant, InstantIn, exactly, nullable, word } from './base.ts'

/** What statistics may be grouped by. */
export const BY = ['task', 'queue'] as const
/** The time range of one row of statistics. */
export const EVERY = ['hour', 'day', 'all'] as const

/** The query for a time range. */
export const Span = { from: Type.Optional(InstantIn), to: Type.Optional(InstantIn) }
export const Held = exactly({ from: Instant, to: Instant, items: Type.Array(HeldTime) }, {
  description: 'Whole days of UTC; longest first'
})

/** The query for statistics. */
export const StatsAsk = exactly({
  ...Span,
  by: Type.Optional({ ...word(BY), default: 'task' }),
  every: Type.Optional({ ...word(EVERY, 'One row per hour or day, or one for the whole time range'), default: 'all' })
})

const Seconds = nullable(Type.Number())
const Percentiles = (description: string) =>
  exactly({
    count: Type.Integer(),
    mean: Seconds,
    p50: Seconds,
    p95: Seconds,
    p99: Seconds,
    longest: Seconds,
    longest_run: nullable(Type.String({ description: 'The run with the longest time' }))
  }, { description })

/** Statistics of the runs of one task or queue in one hour, day or time range. */
export const StatsRow = exactly({
  at: Instant,
  name: Type.String(),
  completed: Type.Integer(),
  failed: Type.Integer(),
  cancelled: Type.Integer(),
  skipped: Type.Integer(),
  retries: Type.Integer({ description: 'Failed attempts that were retried' }),
  dead: Type.Integer({ description: 'Failed runs that had no attempts or no time left' }),
  cpu_seconds: Type.Number({ description: 'Processor time on all cores of attempts in threads and processes' }),
  throughput: Type.Number({ description: 'Completed runs per hour' }),
  failure_rate: nullable(Type.Number({ description: '0 to 1' })),
  wait: Percentiles('From due to start, seconds'),
  held: Percentiles('Time held by gates, of the runs that were held, seconds'),
  run: Percentiles('From start to end, seconds')
}, { title: 'StatsRow' })

export const Stats = exactly({
  from: Instant,
  to: Instant,
  by: word(BY),
  every: word(EVERY),
  items: Type.Array(StatsRow)
}, {
  title: 'Stats',
  description: 'Whole hours of UTC. Percentiles are accurate to 4.5 %'
})
