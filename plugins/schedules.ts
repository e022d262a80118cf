import Type from 'typebox'
import { CONTROL, withheld } from './_http/scope.ts'
import { MatchHeader, conditional } from './_http/etag.ts'
import { guardedSchedule } from './_http/guarded.ts'
import { scheduleAnswer } from './_http/answers.ts'
import { IdIn, answers, exactly } from './_schema/base.ts'
import { Schedule } from './_schema/task.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const ScheduleIn = exactly({
  task: Type.String({ minLength: 1, maxLength: 64 }),
  trigger: Type.String({ minLength: 1, maxLength: 200, description: 'cron, interval, date, or a crontab string' }),
  trigger_args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  timezone: Type.Optional(Type.String({ title: 'time zone', minLength: 1, maxLength: 64 })),
  payload: Type.Optional(Type.Unknown())
}, { examples: [{ task: 'backup', trigger: '0 3 * * *', timezone: 'Europe/Rome', payload: { full: true } }] })

const TAGS = ['schedules']

/** GET /api/schedules and /api/schedules/{id}. */
function reads (app: PluginApp): void {
  const { manager } = app
  const { desk } = manager
  const config = withheld('payload')

  app.get('/api/schedules', {
    config,
    schema: {
      tags: TAGS,
      querystring: exactly({ task: Type.Optional(Type.String({ maxLength: 64 })) }),
      response: answers({ 200: Type.Array(Schedule) })
    }
  },
    async ({ query }) =>
      desk.schedules.filter(({ task }) => (query.task ?? task) === task).map(one => scheduleAnswer(manager, one)))

  app.get('/api/schedules/:id', {
    config,
    schema: { tags: TAGS, params: IdIn, response: answers({ 200: Schedule }) }
  }, async ({ params }) => scheduleAnswer(manager, desk.scheduled(params.id)))
}

/** POST and DELETE of schedules. */
function changes (app: PluginApp): void {
  const { manager } = app
  const { desk } = manager
  const inTurn = conditional()

  app.post('/api/schedules', {
    config: CONTROL,
    schema: { tags: TAGS, body: ScheduleIn, response: answers({ 201: Schedule }) }
  }, async ({ body, by }, reply) => {
    const schedule = await desk.schedule({ ...body, by } as Parameters<typeof desk.schedule>[0])
    return await reply.code(201).header('location', `${app.prefix}/api/schedules/${schedule.id}`).send(
      scheduleAnswer(manager, schedule)
    )
  })

  app.delete('/api/schedules/:id', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, headers: MatchHeader, response: answers({ 204: Type.Null() }) }
  }, async ({ params: { id }, headers, by }, reply) => {
    await inTurn(guardedSchedule(manager, { id, headers, reply }), () => desk.unschedule(id, { by }))
    return await reply.code(204).send(null)
  })
}

/** The schedules of tasks: those of task files, and those added at run time. */
const schedules: Plugin = async app => {
  reads(app)
  changes(app)
}

export default named('offpeak-schedules', schedules)
