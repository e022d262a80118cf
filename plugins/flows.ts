import Type from 'typebox'
import { RUN } from './_http/scope.ts'
import { MOST_RUNS, STATES } from '../core/index.ts'
import { KeyHeader, answers, exactly, nullable, word } from './_schema/base.ts'
import { RunIn } from './_schema/run.ts'
import { checkDue, runPlace } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const { properties: fields } = RunIn
const FlowIn = exactly({
  runs: Type.Array(exactly({
    task: Type.String({ minLength: 1, maxLength: 64 }),
    ref: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$',
        description: 'A name by which other runs of the request refer to it, as #name'
      })
    ),
    ...fields
  }), { minItems: 1, maxItems: MOST_RUNS, description: 'Either all runs are added, or none' })
}, { examples: [{ runs: [{ task: 'backup', ref: 'copy' }, { task: 'report', after: ['#copy'] }] }] })
const Flow = exactly({
  runs: Type.Array(
    exactly({
      id: Type.String(),
      ref: nullable(Type.String()),
      task: Type.String(),
      state: word(STATES),
      created: Type.Boolean()
    })
  )
}, { title: 'Flow' })
const BODY_LIMIT = 32 * 1024 * 1024

/** Adds runs that wait for each other, in one request. */
const flows: Plugin = async app => {
  const { manager } = app

  app.post('/api/flows', {
    config: RUN,
    bodyLimit: BODY_LIMIT,
    schema: { tags: ['runs'], headers: KeyHeader, body: FlowIn, response: answers({ 200: Flow, 201: Flow }) }
  }, async ({ headers, body, by }, reply) => {
    checkDue(body.runs, runPlace)
    const { bulk } = manager.desk
    const key = headers['idempotency-key']
    const added = key === undefined
      ? await bulk.add(body.runs, { by, action: 'flow' })
      : await bulk.addOnce(body.runs, { key, scope: 'flows', by, action: 'flow' })
    const runs = added.map(({ run: { id, task, state }, created }, index) => ({
      id,
      ref: body.runs[index]!.ref ?? null,
      task,
      state,
      created
    }))
    if (key !== undefined && added.every(({ created }) => !created)) {
      return await reply.header('idempotency-replayed', 'true').code(200).send({ runs })
    }
    return await reply.code(201).send({ runs })
  })
}

export default named('offpeak-flows', flows, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
