import Type from 'typebox'
import type { Static } from 'typebox'
import { CONTROL, READ, RUN, RUNS } from './_http/scope.ts'
import { STATUSES, inputInvalid, iso } from '../core/index.ts'
import { Texts } from './_http/list-cache.ts'
import { checkDue, requestedAnswer, runAnswer } from './_http/answers.ts'
import { IdIn, Instant, KeyHeader, Limit, answers, exactly, page, nullable, word } from './_schema/base.ts'
import { RequestedRun, Run, RunIn } from './_schema/run.ts'
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
const RequestIn = exactly({
  ...RunIn.properties,
  now: Type.Optional(
    Type.Boolean({
      description:
        'At once: it passes the conditions that load, power and comfort make; not safety, not slots, not a pause'
    })
  )
})
const MatchHeader = Type.Object({
  'if-match': Type.Optional(Type.String({ maxLength: 200, description: 'The ETag the change was made from' }))
})

/** What was asked for under the key of the header: as long as the body says nothing else, it names one run for as long
 *  as that is kept. */
function askOf ({ key, ...ask }: Static<typeof RequestIn>, header: string | undefined) {
  if (header === undefined) return key === undefined ? ask : { ...ask, key }
  if (key !== undefined && key !== header) {
    throw inputInvalid({
      what: 'The body does not fit',
      errors: [{ pointer: '/key', detail: 'is not the Idempotency-Key of the header' }]
    })
  }
  return { unique: { while: 'kept' as const }, ...ask, key: header }
}

/** The ETag that a change was made from, of a header that may name several: the one in force when it is among them;
 *  undefined: whatever there is. */
function matchIn (header: string | undefined, current: string | null): string | undefined {
  const tags = header?.split(',').map(tag => tag.trim()) ?? ['*']
  if (tags.includes('*')) return undefined
  return tags.find(tag => tag === current) ?? tags[0]
}

/** What can be done: the tasks, their next fires, switching them and running them now. */
const tasks: Plugin = async app => {
  const { manager } = app
  const texts = new Texts()
  const etag = () => manager.etag === null ? {} : { etag: manager.etag }

  app.get('/api/tasks', {
    config: READ,
    schema: { tags: ['tasks'], querystring: Filter, response: answers({ 200: Type.Array(Task) }) }
  }, async ({ query }, reply) => {
    const { status, queue, tag, enabled } = query
    reply.headers(etag())
    const items = (await manager.desk.tasks()).filter(task =>
      (status?.includes(task.status) ?? true) && (queue ?? task.queue) === task.queue &&
      (tag === undefined || task.tags.includes(tag)) && (enabled ?? task.enabled) === task.enabled
    )
    const write = reply.compileSerializationSchema(OneTask)
    // Only now, for a fault is not written as a list; bytes are sent as they are, though the types of the framework
    // know of text alone.
    reply.type('application/json; charset=utf-8').serializer((listed: Record<string, unknown>[]) =>
      texts.of(listed, write) as Buffer & string
    )
    return items
  })

  app.get('/api/tasks/:id', {
    config: READ,
    schema: { tags: ['tasks'], params: IdIn, response: answers({ 200: Task }) }
  }, async ({ params }, reply) => {
    const task = await manager.desk.task(params.id)
    reply.headers(etag())
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

  app.patch('/api/tasks/:id', {
    config: CONTROL,
    schema: {
      tags: ['tasks'],
      params: IdIn,
      headers: MatchHeader,
      body: exactly({ enabled: Type.Boolean() }),
      response: answers({ 200: Task })
    }
  }, async ({ params, headers, body, by }, reply) => {
    await manager.enable(params.id, body.enabled, { by, ifMatch: matchIn(headers['if-match'], manager.etag) })
    reply.headers(etag())
    return await manager.desk.task(params.id)
  })

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

export default named('offpeak-tasks', tasks)
