import Type from 'typebox'
import { READ } from './_http/scope.ts'
import { STATUSES } from '../core/index.ts'
import { Texts } from './_http/list-cache.ts'
import { answers, exactly, word } from './_schema/base.ts'
import { Task } from './_schema/task.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const Filter = exactly({
  status: Type.Optional(Type.Array(word(STATUSES))),
  queue: Type.Optional(Type.String({ maxLength: 64 })),
  tag: Type.Optional(Type.String({ maxLength: 64 })),
  enabled: Type.Optional(Type.Boolean())
})
const OneTask = { ...Task }

/** The list of tasks. */
const tasks: Plugin = async app => {
  const { manager } = app
  const texts = new Texts()

  app.get('/api/tasks', {
    config: READ,
    schema: { tags: ['tasks'], querystring: Filter, response: answers({ 200: Type.Array(Task) }) }
  }, async ({ query }, reply) => {
    const { status, queue, tag, enabled } = query
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

export default named('offpeak-tasks', tasks)
