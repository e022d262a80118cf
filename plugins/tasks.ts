import Type from 'typebox'
import { CONTROL, READ } from './_http/scope.ts'
import { STATUSES, iso } from '../core/index.ts'
import type { ManagerFace } from '../core/index.ts'
import { Texts } from './_http/list-cache.ts'
import { IdIn, Instant, Limit, answers, exactly, word } from './_schema/base.ts'
import { Task } from './_schema/task.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const Filter = exactly({
  status: Type.Optional(Type.Array(word(STATUSES))),
  queue: Type.Optional(Type.String({ maxLength: 64 })),
  tag: Type.Optional(Type.String({ maxLength: 64 })),
  enabled: Type.Optional(Type.Boolean())
})
const OneTask = { ...Task }
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

const etagOf = ({ etag }: ManagerFace) => etag === null ? {} : { etag }

/** GET /api/tasks. */
function list (app: PluginApp): void {
  const { manager } = app
  const texts = new Texts()

  app.get('/api/tasks', {
    config: READ,
    schema: { tags: ['tasks'], querystring: Filter, response: answers({ 200: Type.Array(Task) }) }
  }, async ({ query }, reply) => {
    const { status, queue, tag, enabled } = query
    reply.headers(etagOf(manager))
    const items = (await manager.desk.tasks()).filter(task =>
      (status?.includes(task.status) ?? true) && (queue ?? task.queue) === task.queue &&
      (tag === undefined || task.tags.includes(tag)) && (enabled ?? task.enabled) === task.enabled
    )
    const write = reply.compileSerializationSchema(OneTask)
    // Set only now: an error is not serialized as a list. Fastify sends a Buffer as it is, though its types declare a
    // string.
    reply.type('application/json; charset=utf-8').serializer((listed: Record<string, unknown>[]) =>
      texts.of(listed, write) as Buffer & string
    )
    return items
  })
}

/** The tasks, their next fires, and whether they are enabled. */
const tasks: Plugin = async app => {
  const { manager } = app
  list(app)

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

export default named('offpeak-tasks', tasks)
