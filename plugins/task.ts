import Type from 'typebox'
import { CONTROL, READ } from './_http/scope.ts'
import { iso } from '../core/index.ts'
import { IdIn, Instant, Limit, answers, exactly } from './_schema/base.ts'
import { Task } from './_schema/task.ts'
import { etagOf } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

/** The headers of a change of the configuration. */
const MatchHeader = Type.Object({
  'if-match': Type.Optional(
    Type.String({ maxLength: 200, description: 'The ETag of the configuration that the change is based on' })
  )
})

/** The ETag in an If-Match header: the current one if the header lists it, otherwise the first; undefined: any. */
function matchIn (header: string | undefined, current: string | null): string | undefined {
  const tags = header?.split(',').map(tag => tag.trim()) ?? ['*']
  if (tags.includes('*')) return undefined
  return tags.find(tag => tag === current) ?? tags[0]
}

/** One task, its next fires, and whether it is enabled. */
const oneTask: Plugin = async app => {
  const { manager } = app

  app.get('/api/tasks/:id', {
    config: READ,
    schema: { tags: ['tasks'], params: IdIn, response: answers({ 200: Task }) }
  }, async ({ params }, reply) => {
    const task = await manager.desk.task(params.id)
    reply.headers(etagOf(manager))
    return task
  })

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
    config: CONTROL,
    schema: {
      tags: ['tasks'],
      params: IdIn,
      headers: MatchHeader,
      body: exactly({ enabled: Type.Boolean() }, { examples: [{ enabled: false }] }),
      response: answers({ 200: Task })
    }
  }, async ({ params, headers, body, by }, reply) => {
    await manager.enable(params.id, body.enabled, { by, ifMatch: matchIn(headers['if-match'], manager.etag) })
    reply.headers(etagOf(manager))
    return await manager.desk.task(params.id)
  })
}

export default named('offpeak-task', oneTask)
