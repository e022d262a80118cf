import Type from 'typebox'
import { READ } from './_http/scope.ts'
import { heldView, iso, spanWords } from '../core/index.ts'
import { misfit, spanIn } from './_http/answers.ts'
import { HeldTime } from './_schema/holding.ts'
import { Instant, InstantIn, answers, exactly, nullable, word } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const BY = ['task', 'queue'] as const
const EVERY = ['hour', 'day', 'all'] as const
/** The longest time range by `every`, ms: hours are kept for 45 days. */
const LONGEST = { hour: 45 * DAY, day: 3660 * DAY, all: 3660 * DAY }

const Span = { from: Type.Optional(InstantIn), to: Type.Optional(InstantIn) }
const Held = exactly({ from: Instant, to: Instant, items: Type.Array(HeldTime) }, {
  description: 'Whole days of UTC; longest first'
})

const Ask = exactly({
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

const Stats = exactly({ from: Instant, to: Instant, by: word(BY), every: word(EVERY), items: Type.Array(StatsRow) }, {
  title: 'Stats',
  description: 'Whole hours of UTC. Percentiles are accurate to 4.5 %'
})

/** Statistics of runs, and how long they were held. */
const stats: Plugin = async app => {
  const { manager } = app

  app.get('/api/stats', {
    config: READ,
    schema: {
      tags: ['stats'],
      querystring: Ask,
      response: answers({ 200: Stats })
    }
  }, async ({ query }) => {
    const now = manager.clock.now()
    const { by, every } = query as { by: typeof BY[number], every: typeof EVERY[number] }
    const { from, to } = spanIn({ from: query.from, to: query.to, now, lengthMs: DAY })
    if (to - from > LONGEST[every]) {
      throw misfit('/query/from',
        `found a span of ${spanWords(to - from)}, expected at most ${spanWords(LONGEST[every])} by ${every}`)
    }
    return {
      from: iso(from)!,
      to: iso(to)!,
      by,
      every,
      items: await manager.history.statistics({ from, to, by, every })
    }
  })

  app.get('/api/stats/held', {
    config: READ,
    schema: { tags: ['holding'], querystring: exactly(Span), response: answers({ 200: Held }) }
  }, async ({ query }) => {
    const now = manager.clock.now()
    const asked = spanIn({ from: query.from, to: query.to, now, lengthMs: 7 * DAY })
    const [from, to] = [Math.floor(asked.from / DAY) * DAY, Math.ceil(asked.to / DAY) * DAY]
    return { from: iso(from)!, to: iso(to)!, items: (await manager.history.held({ from, to })).map(heldView) }
  })
}

export default named('offpeak-stats', stats)
