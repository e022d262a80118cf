import Type from 'typebox'
import { CONTROL } from './_http/scope.ts'
import { PRIORITIES, isFinal } from '../core/index.ts'
import { IdIn, InstantIn, answers, exactly, word } from './_schema/base.ts'
import { RequestedRun, Run } from './_schema/run.ts'
import { instantIn, requestedAnswer, runAnswer } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const EditIn = exactly({
  priority: Type.Optional(word(PRIORITIES)),
  payload: Type.Optional(Type.Unknown({ description: 'The new payload' })),
  due_at: Type.Optional(InstantIn)
}, { examples: [{ priority: 'high', due_at: '2026-11-22T03:00:00Z' }], minProperties: 1 })
const WhyIn = exactly({
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'The reason; it is recorded' }))
})

const WhyBody = exactly({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }, {
  examples: [{ reason: 'not needed any more' }]
})

const TAGS = ['runs']

/** POST /api/runs/{id}/cancel and /api/runs/{id}/retry. */
function cancelAndRetry (app: PluginApp): void {
  const { manager } = app
  const place = (id: string) => `${app.prefix}/api/runs/${id}`

  app.post('/api/runs/:id/cancel', {
    config: CONTROL,
    schema: {
      tags: TAGS,
      params: IdIn,
      body: Type.Optional(WhyBody),
      response: answers({ 200: Run, 202: Run })
    }
  }, async ({ params, body, by }, reply) => {
    const run = await manager.desk.cancel(params.id, { by, ...body?.reason !== undefined && { message: body.reason } })
    return await reply.code(isFinal(run.state) ? 200 : 202).header('location', place(run.id)).send(
      runAnswer(manager, run)
    )
  })

  app.post('/api/runs/:id/retry', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, body: Type.Optional(exactly({})), response: answers({ 202: Run }) }
  }, async ({ params, by }, reply) => {
    const run = await manager.desk.retry(params.id, { by })
    return await reply.code(202).header('location', place(run.id)).send(runAnswer(manager, run))
  })
}

/** PATCH and DELETE of /api/runs/{id}, and POST .../promote and .../now. */
function edits (app: PluginApp): void {
  const { manager } = app
  const { bulk } = manager.desk

  app.patch('/api/runs/:id', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, body: EditIn, response: answers({ 200: Run }) }
  }, async ({ params, body, by }) => {
    const due = instantIn('/due_at', body.due_at)
    const { due_at: _, ...rest } = body
    return runAnswer(manager, await bulk.edit(params.id, { ...rest, ...due !== undefined && { due_at: due }, by }))
  })

  app.delete('/api/runs/:id', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, querystring: WhyIn, response: answers({ 204: Type.Null() }) }
  }, async ({ params, query, by }, reply) => {
    await bulk.remove(params.id, { by, ...query.reason !== undefined && { message: query.reason } })
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

/** Changes one run: cancel, retry, edit, promote, start or delete. */
const runChanges: Plugin = async app => {
  cancelAndRetry(app)
  edits(app)
}

export default named('offpeak-run-changes', runChanges, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
