import { READ } from './_http/scope.ts'
import { heldView, iso, spanWords } from '../core/index.ts'
import { misfit, spanIn } from './_http/answers.ts'
import { Held, Span, Stats, StatsAsk } from './_schema/stats.ts'
import type { BY, EVERY } from './_schema/stats.ts'
import { answers, exactly } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** The longest time range by `every`, ms: hours are kept for 45 days. */
const LONGEST = { hour: 45 * DAY, day: 3660 * DAY, all: 3660 * DAY }

/** Statistics of runs, and how long they were held. */
const stats: Plugin = async app => {
  const { manager } = app

  app.get('/api/stats', {
    config: READ,
    schema: {
      tags: ['stats'],
      querystring: StatsAsk,
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
