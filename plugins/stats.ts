import fp from 'fastify-plugin'
import Type from 'typebox'
import type { Face } from './_schemas.ts'
import { heldView, iso } from '../core/index.ts'
import { spanIn } from './_answers.ts'
import { HeldTime } from './_holding.ts'
import { Instant, InstantIn, answers, exactly } from './_schemas.ts'

const DAY = 86_400_000
const Span = exactly({ from: Type.Optional(InstantIn), to: Type.Optional(InstantIn) })
const Held = exactly({ from: Instant, to: Instant, items: Type.Array(HeldTime) }, { description: 'Whole days of UTC; longest first' })

/** What the past adds up to. */
const stats: Face = async app => {
  const { manager } = app

  app.get('/api/stats/held', { schema: { tags: ['holding'], querystring: Span, response: answers({ 200: Held }) } }, async ({ query }) => {
    const now = manager.clock.now()
    const asked = spanIn({ from: query.from, to: query.to, now, lengthMs: 7 * DAY })
    const [from, to] = [Math.floor(asked.from / DAY) * DAY, Math.ceil(asked.to / DAY) * DAY]
    return { from: iso(from)!, to: iso(to)!, items: (await manager.engine.held({ from, to, now })).map(heldView) }
  })
}

export default fp(stats, { fastify: '5.x', name: 'offpeak-stats' })
