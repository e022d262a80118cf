import Type from 'typebox'
import { READ } from './_http/scope.ts'
import { MOST_HOURS, forecastView, iso } from '../core/index.ts'
import { Start } from './_schema/holding.ts'
import { Instant, answers, exactly } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const HOUR = 3_600_000
const Hours = exactly({ hours: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_HOURS, default: 24 })) })
const Foreseen = exactly({ from: Instant, to: Instant, items: Type.Array(Start) }, { title: 'Forecast' })

/** The forecast of starts. */
const forecast: Plugin = async app => {
  const { manager } = app

  app.get('/api/forecast', {
    config: READ,
    schema: { tags: ['holding'], querystring: Hours, response: answers({ 200: Foreseen }) }
  }, async ({ query }) => {
    const now = manager.clock.now()
    const starts = await manager.forecast(query.hours!)
    return { from: iso(now)!, to: iso(now + query.hours! * HOUR)!, items: starts.map(forecastView) }
  })
}

export default named('offpeak-forecast', forecast, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
