import Type from 'typebox'
import { CONTROL, READ } from './_http/scope.ts'
import { iso } from '../core/index.ts'
import { IdIn, Instant, Limit, answers, exactly } from './_schema/base.ts'
import { Task } from './_schema/task.ts'
import { MatchHeader, conditional } from './_http/etag.ts'
import { guardedTask } from './_http/guarded.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

/** One task, its next fires, and whether it is enabled. */
const oneTask: Plugin = async app => {
  const { manager } = app
  const inTurn = conditional()

  app.get('/api/tasks/:id', {
    config: READ,
    schema: { tags: ['tasks'], params: IdIn, response: answers({ 200: Task }) }
  }, async ({ params }) => await manager.desk.task(params.id))

  app.get('/api/tasks/:id/next', {
    config: READ,
    schema: {
      tags: ['tasks'],
      params: IdIn,
      querystring: exactly({ count: Limit(5, 100) }),
      response: answers({ 200: Type.Array(Instant) })
    }
  }, async ({ params, query }) => manager.desk.fires(params.id, query.count!).map(at => iso(at)!))

  app.patch('/api/tasks/:id', {
    config: { ...CONTROL, whole: true },
    schema: {
      tags: ['tasks'],
      params: IdIn,
      headers: MatchHeader,
      body: exactly({ enabled: Type.Boolean() }, { examples: [{ enabled: false }] }),
      response: answers({ 200: Task })
    }
  }, async ({ params, headers, body, by }, reply) => {
    const { id } = params
    await inTurn(guardedTask(manager, { id, headers, reply }), async () => {
      // Refused when somebody has edited the file at the same time.
      const ifMatch = headers['if-match'] === undefined ? undefined : manager.etag ?? undefined
      await manager.enable(id, body.enabled, { by, ifMatch })
    })
    return await manager.desk.task(params.id)
  })
}

export default named('offpeak-task', oneTask)
