import Type from 'typebox'
import { RUNS } from './_http/scope.ts'
import { iso, pointView, spanWords } from '../core/index.ts'
import { misfit, runAnswer, spanIn } from './_http/answers.ts'
import { Point } from './_schema/machine.ts'
import { Instant, InstantIn, answers, exactly } from './_schema/base.ts'
import { Run, Used } from './_schema/run.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const HOUR = 3_600_000
const LONGEST = 7 * 24 * HOUR
const POINTS = 500

const Timeline = exactly({
  from: Instant,
  to: Instant,
  runs: Type.Array(exactly({ ...Run.properties, used: Used }), {
    description: 'Runs whose last attempt ran in the time range, in the order of starts'
  }),
  complete: Type.Boolean({ description: 'False: there were too many runs to examine all of them' }),
  readings: Type.Array(Point, { description: 'Readings of the machine in the time range' })
}, { title: 'Timeline' })

/** The runs in a time range, with the readings of the machine. */
const timeline: Plugin = async app => {
  const { manager } = app

  app.get('/api/timeline', {
    config: RUNS,
    schema: {
      tags: ['stats'],
      querystring: exactly({ from: Type.Optional(InstantIn), to: Type.Optional(InstantIn) }),
      response: answers({ 200: Timeline })
    }
  }, async ({ query }) => {
    const { from, to } = spanIn({ from: query.from, to: query.to, now: manager.clock.now(), lengthMs: HOUR })
    if (to - from > LONGEST) {
      throw misfit('/query/from', `found a span of ${spanWords(to - from)}, expected at most ${spanWords(LONGEST)}`)
    }
    const { runs, complete } = await manager.history.ran({ from, to })
    const step = Math.ceil((to - from) / POINTS)
    return {
      from: iso(from)!,
      to: iso(to)!,
      runs: runs.map(({ used, ...run }) => ({ ...runAnswer(manager, run), used })),
      complete,
      readings: manager.machine.readings({ from, to, step }).map(pointView)
    }
  })
}

export default named('offpeak-timeline', timeline)
