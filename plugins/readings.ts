import Type from 'typebox'
import { READ } from './_http/scope.ts'
import { DurationSchema, iso, milliseconds, pointView, spanWords } from '../core/index.ts'
import { misfit, spanIn } from './_http/answers.ts'
import { Machine, Point } from './_schema/machine.ts'
import { Instant, InstantIn, answers, exactly } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const MOST_POINTS = 2000
const STEPS = [5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR]

const Span = exactly({
  from: Type.Optional(InstantIn),
  to: Type.Optional(InstantIn),
  step: Type.Optional({
    ...DurationSchema,
    description: 'The time that one point covers; default: a step that gives at most 1,000 points'
  })
})
const Past = exactly({
  from: Instant,
  to: Instant,
  step: Type.Number({ description: 'Seconds' }),
  items: Type.Array(Point)
}, { title: 'PastReadings' })

/** The step of the points, ms; throws OFFPEAK_INPUT_INVALID when it gives too many of them. */
function stepIn (span: number, given: string | number | undefined): number {
  if (given === undefined) return STEPS.find(step => span / step <= MOST_POINTS / 2) ?? Math.ceil(span / MOST_POINTS)
  const step = milliseconds(given)
  if (span / step <= MOST_POINTS) return step
  throw misfit('/query/step',
    `found '${given}', which gives more than ${MOST_POINTS} points: expected at least ${
      spanWords(Math.max(SECOND, span / MOST_POINTS))
    }`)
}

/** Readings of the machine, now and in the past. */
const readings: Plugin = async app => {
  const { manager } = app
  const tags = ['readings']

  app.get('/api/readings', { config: READ, schema: { tags, querystring: Span, response: answers({ 200: Past }) } },
    async ({ query }) => {
      const { from, to } = spanIn({ from: query.from, to: query.to, now: manager.clock.now(), lengthMs: HOUR })
      const step = stepIn(to - from, query.step)
      return {
        from: iso(from)!,
        to: iso(to)!,
        step: step / SECOND,
        items: manager.machine.readings({ from, to, step }).map(pointView)
      }
    })

  app.get('/api/readings/now', { config: READ, schema: { tags, response: answers({ 200: Machine }) } },
    async () => manager.machine.now())
}

export default named('offpeak-readings', readings)
