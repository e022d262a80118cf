import { RUN } from './_http/scope.ts'
import { Added, RunsIn } from './_schema/bulk.ts'
import { KeyHeader, answers } from './_schema/base.ts'
import { checkDue, runPlace } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const BODY_LIMIT = 32 * 1024 * 1024

/** Adds many runs in one request. */
const addition: Plugin = async app => {
  const { bulk } = app.manager.desk

  app.post('/api/runs/bulk', {
    config: RUN,
    bodyLimit: BODY_LIMIT,
    schema: { tags: ['runs'], headers: KeyHeader, body: RunsIn, response: answers({ 200: Added, 201: Added }) }
  }, async ({ headers, body, by }, reply) => {
    checkDue(body.runs, runPlace)
    const key = headers['idempotency-key']
    const added = key === undefined
      ? await bulk.add(body.runs, { by })
      : await bulk.addOnce(body.runs, { key, scope: 'runs/bulk', by })
    const runs = added.map(({ run: { id }, created }) => ({ id, created }))
    const count = runs.filter(({ created }) => created).length
    if (key !== undefined && count === 0) {
      return await reply.header('idempotency-replayed', 'true').code(200).send({ added: count, runs })
    }
    return await reply.code(201).send({ added: count, runs })
  })
}

export default named('offpeak-bulk', addition, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
