import Type from 'typebox'
import { READ } from './_http/scope.ts'
import { explanationView } from '../core/index.ts'
import { instantIn } from './_http/answers.ts'
import { Explanation } from './_schema/holding.ts'
import { IdIn, InstantIn, answers, exactly } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const At = exactly({ at: Type.Optional(InstantIn) })

/** Why a task or run starts or waits: every gate with its value, its limit and when it opens. */
const why: Plugin = async app => {
  const { manager } = app
  const response = answers({ 200: Explanation })

  app.get('/api/tasks/:id/why', {
    config: READ,
    schema: { tags: ['tasks', 'holding'], params: IdIn, querystring: At, response }
  }, async ({ params, query }) => {
    const task = manager.desk.definition(params.id)
    const at = instantIn('/query/at', query.at)
    const resting = at !== undefined && at < manager.clock.now() ? null : manager.desk.rest(task)
    return explanationView(await manager.explain.task(task, at), resting)
  })

  app.get('/api/runs/:id/why', {
    config: READ,
    schema: { tags: ['runs', 'holding'], params: IdIn, querystring: At, response }
  },
    async ({ params, query }) =>
      explanationView(await manager.explain.run(await manager.desk.run(params.id), instantIn('/query/at', query.at))))
}

export default named('offpeak-why', why)
