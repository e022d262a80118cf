import Type from 'typebox'
import { PRIVATE_OF_RUN, READ, SECRET, withheld } from './_http/scope.ts'
import { fullRunAnswer, lineAnswer, runAnswer } from './_http/answers.ts'
import { FullRun, Line } from './_schema/run.ts'
import { LineFilter, ProgressNow } from './_schema/runs.ts'
import { IdIn, answers, page } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const TAGS = ['runs']

/** One run, its progress and its log. */
const run: Plugin = async app => {
  const { manager } = app

  app.get('/api/runs/:id', {
    config: withheld(...PRIVATE_OF_RUN),
    schema: { tags: TAGS, params: IdIn, response: answers({ 200: FullRun }) }
  }, async ({ params }) => fullRunAnswer(manager, await manager.desk.run(params.id)))

  app.get('/api/runs/:id/progress', {
    config: READ,
    schema: { tags: TAGS, params: IdIn, response: answers({ 200: ProgressNow }) }
  }, async ({ params }) => {
    const { id, state, label, attempt, progress } = runAnswer(manager, await manager.desk.run(params.id))
    return { id, state, label, attempt, progress }
  })

  app.get('/api/runs/:id/logs', {
    config: SECRET,
    schema: {
      tags: TAGS,
      params: IdIn,
      querystring: LineFilter,
      response: answers({ 200: page(Line, Type.Integer({ description: 'The `after` of the next page' })) })
    }
  }, async ({ params, query }) => {
    const lines = await manager.desk.logs({ id: params.id, after: query.after!, limit: query.limit! })
    return { items: lines.map(lineAnswer), next: lines.at(-1)?.seq ?? query.after! }
  })
}

export default named('offpeak-run', run)
