import Type from 'typebox'
import { CONTROL } from './_http/scope.ts'
import { isFinal } from '../core/index.ts'
import { IdIn, answers, exactly } from './_schema/base.ts'
import { Run } from './_schema/run.ts'
import { WhyBody } from './_schema/run-changes.ts'
import { runAnswer } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const TAGS = ['runs']

/** Cancels one run, or retries it. */
const runCancel: Plugin = async app => {
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

export default named('offpeak-run-cancel', runCancel, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
