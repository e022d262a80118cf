import Type from 'typebox'
import { CONTROL } from './_http/scope.ts'
import { IdIn, answers, exactly } from './_schema/base.ts'
import { RequestedRun, Run } from './_schema/run.ts'
import { EditIn, WhyIn } from './_schema/run-changes.ts'
import { instantIn, requestedAnswer, runAnswer } from './_http/answers.ts'
import { MatchHeader, conditional } from './_http/etag.ts'
import { guardedRun } from './_http/guarded.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const TAGS = ['runs']

/** Edits, deletes, promotes or starts one waiting run. */
const runChanges: Plugin = async app => {
  const { manager } = app
  const { bulk } = manager.desk
  const inTurn = conditional()

  app.patch('/api/runs/:id', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, headers: MatchHeader, body: EditIn, response: answers({ 200: Run }) }
  }, async ({ params: { id }, headers, body, by }, reply) => {
    const due = instantIn('/due_at', body.due_at)
    const { due_at: _, ...rest } = body
    const change = () => bulk.edit(id, { ...rest, ...due !== undefined && { due_at: due }, by })
    return runAnswer(manager, await inTurn(guardedRun(manager, { id, headers, reply }), change))
  })

  app.delete('/api/runs/:id', {
    config: CONTROL,
    schema: {
      tags: TAGS,
      params: IdIn,
      headers: MatchHeader,
      querystring: WhyIn,
      response: answers({ 204: Type.Null() })
    }
  }, async ({ params: { id }, headers, query: { reason: message }, by }, reply) => {
    const change = () => bulk.remove(id, { by, ...message !== undefined && { message } })
    await inTurn(guardedRun(manager, { id, headers, reply }), change)
    return await reply.code(204).send(null)
  })

  app.post('/api/runs/:id/promote', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, body: Type.Optional(exactly({})), response: answers({ 200: Run }) }
  }, async ({ params, by }) => runAnswer(manager, await bulk.promote(params.id, { by })))

  app.post('/api/runs/:id/now', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, body: Type.Optional(exactly({})), response: answers({ 200: RequestedRun }) }
  }, async ({ params, by }) => requestedAnswer(manager, await bulk.runNow(params.id, { by })))
}

export default named('offpeak-run-changes', runChanges, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
