import Type from 'typebox'
import { CONTROL } from './_http/scope.ts'
import { PRIORITIES } from '../core/index.ts'
import { IdIn, InstantIn, answers, exactly, word } from './_schema/base.ts'
import { RequestedRun, Run } from './_schema/run.ts'
import { instantIn, requestedAnswer, runAnswer } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const EditIn = exactly({
  priority: Type.Optional(word(PRIORITIES)),
  payload: Type.Optional(Type.Unknown({ description: 'Replaces the payload' })),
  due_at: Type.Optional(InstantIn)
}, { minProperties: 1 })
const WhyIn = exactly({
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Why; it is recorded' }))
})

/** Changes one run that waits, or deletes one that is over. */
const runChanges: Plugin = async app => {
  const { manager } = app
  const { bulk } = manager.desk
  const tags = ['runs']

  app.patch('/api/runs/:id', {
    config: CONTROL,
    schema: { tags, params: IdIn, body: EditIn, response: answers({ 200: Run }) }
  }, async ({ params, body, by }) => {
    const due = instantIn('/due_at', body.due_at)
    const { due_at: _, ...rest } = body
    return runAnswer(manager, await bulk.edit(params.id, { ...rest, ...due !== undefined && { due_at: due }, by }))
  })

  app.delete('/api/runs/:id', {
    config: CONTROL,
    schema: { tags, params: IdIn, querystring: WhyIn, response: answers({ 204: Type.Null() }) }
  }, async ({ params, query, by }, reply) => {
    await bulk.remove(params.id, { by, ...query.reason !== undefined && { message: query.reason } })
    return await reply.code(204).send(null)
  })

  app.post('/api/runs/:id/promote', {
    config: CONTROL,
    schema: { tags, params: IdIn, body: Type.Optional(exactly({})), response: answers({ 200: Run }) }
  }, async ({ params, by }) => runAnswer(manager, await bulk.promote(params.id, { by })))

  app.post('/api/runs/:id/now', {
    config: CONTROL,
    schema: { tags, params: IdIn, body: Type.Optional(exactly({})), response: answers({ 200: RequestedRun }) }
  }, async ({ params, by }) => requestedAnswer(manager, await bulk.runNow(params.id, { by })))
}

export default named('offpeak-run-changes', runChanges, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
