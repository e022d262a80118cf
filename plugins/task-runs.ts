import Type from 'typebox'
import type { Static } from 'typebox'
import { RUN, RUNS } from './_http/scope.ts'
import { inputInvalid } from '../core/index.ts'
import { checkDue, requestedAnswer, runAnswer } from './_http/answers.ts'
import { IdIn, KeyHeader, Limit, answers, exactly, nullable, page } from './_schema/base.ts'
import { RequestedRun, Run } from './_schema/run.ts'
import { RequestIn } from './_schema/runs.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

/** The requested run with the key of the header, unique for as long as the run is kept unless the body says otherwise.
 *  Throws OFFPEAK_INPUT_INVALID when the body has another key. */
function askOf ({ key, ...ask }: Static<typeof RequestIn>, header: string | undefined) {
  if (header === undefined) return key === undefined ? ask : { ...ask, key }
  if (key !== undefined && key !== header) {
    throw inputInvalid({
      what: 'The body does not fit',
      errors: [{ pointer: '/key', detail: 'differs from the Idempotency-Key header' }]
    })
  }
  return { unique: { while: 'kept' as const }, ...ask, key: header }
}

/** GET /api/tasks/{id}/runs. */
function list (app: PluginApp): void {
  const { manager } = app

  app.get('/api/tasks/:id/runs', {
    config: RUNS,
    schema: {
      tags: ['tasks', 'runs'],
      params: IdIn,
      querystring: exactly({ limit: Limit(50, 200), cursor: Type.Optional(Type.String({ maxLength: 200 })) }),
      response: answers({ 200: page(Run, nullable(Type.String())) })
    }
  }, async ({ params, query }) => {
    const { items, next } = await manager.desk.runs({
      task: manager.desk.definition(params.id).id,
      ...query,
      limit: query.limit!
    })
    return { items: items.map(run => runAnswer(manager, run)), next }
  })
}

/** The runs of a task, and requests for new ones. */
const taskRuns: Plugin = async app => {
  const { manager } = app
  list(app)

  app.post('/api/tasks/:id/runs', {
    config: RUN,
    schema: {
      tags: ['tasks', 'runs'],
      params: IdIn,
      headers: KeyHeader,
      body: Type.Optional(RequestIn),
      response: answers({ 200: RequestedRun, 202: RequestedRun })
    }
  }, async ({ params, headers, body, by }, reply) => {
    const header = headers['idempotency-key']
    const ask = askOf(body ?? {}, header)
    checkDue([ask])
    const keyed = header === undefined ? undefined : { key: header, scope: `tasks/${params.id}`, request: body ?? {} }
    const added = await manager.desk.request(params.id, ask, { by, ...keyed && { keyed } })
    const { run, created } = added
    if (header !== undefined && !created) reply.header('idempotency-replayed', 'true')
    return await reply.code(created ? 202 : 200).header('location', `${app.prefix}/api/runs/${run.id}`).send(
      requestedAnswer(manager, added)
    )
  })
}

export default named('offpeak-task-runs', taskRuns)
