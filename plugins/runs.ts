import Type from 'typebox'
import { RUNS } from './_http/scope.ts'
import { instantIn, runAnswer } from './_http/answers.ts'
import { Run } from './_schema/run.ts'
import { RunFilter } from './_schema/runs.ts'
import { answers, nullable, page } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

/** The list of runs. */
const runs: Plugin = async app => {
  const { manager } = app

  app.get('/api/runs', {
    config: RUNS,
    schema: { tags: ['runs'], querystring: RunFilter, response: answers({ 200: page(Run, nullable(Type.String())) }) }
  }, async (request, reply) => {
    const { from, to, limit, ...rest } = request.query
    const range = { from: instantIn('/query/from', from), to: instantIn('/query/to', to) }
    const { items, next } = await manager.desk.runs(
      { ...rest, ...range, limit: limit! } as Parameters<typeof manager.desk.runs>[0]
    )
    if (next !== null) {
      const url = new URL(request.url, 'http://local')
      url.searchParams.set('cursor', next)
      reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
    }
    return { items: items.map(run => runAnswer(manager, run)), next }
  })
}

export default named('offpeak-runs', runs)
