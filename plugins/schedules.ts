import Type from 'typebox'
import { CONTROL, withheld } from './_http/scope.ts'
import { scheduleAnswer } from './_http/answers.ts'
import { IdIn, answers, exactly } from './_schema/base.ts'
import { Schedule } from './_schema/task.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const ScheduleIn = exactly({
  task: Type.String({ minLength: 1, maxLength: 64 }),
  trigger: Type.String({ minLength: 1, maxLength: 200, description: 'cron, interval, date, or a crontab string' }),
  trigger_args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  timezone: Type.Optional(Type.String({ title: 'time zone', minLength: 1, maxLength: 64 })),
  payload: Type.Optional(Type.Unknown())
}, { examples: [{ task: 'backup', trigger: '0 3 * * *', timezone: 'Europe/Rome', payload: { full: true } }] })

/** The schedules of tasks: those of task files, and those added at run time. */
const schedules: Plugin = async app => {
  const { manager } = app
  const { desk } = manager
  const tags = ['schedules']
  const answer = (schedule: Parameters<typeof scheduleAnswer>[1]) => scheduleAnswer(manager, schedule)

  app.get('/api/schedules', {
    config: withheld('payload'),
    schema: {
      tags,
      querystring: exactly({ task: Type.Optional(Type.String({ maxLength: 64 })) }),
      response: answers({ 200: Type.Array(Schedule) })
    }
  }, async ({ query }) => desk.schedules.filter(({ task }) => (query.task ?? task) === task).map(answer))

  app.get('/api/schedules/:id', {
    config: withheld('payload'),
    schema: { tags, params: IdIn, response: answers({ 200: Schedule }) }
  }, async ({ params }) => answer(desk.scheduled(params.id)))

  app.post('/api/schedules', {
    config: CONTROL,
    schema: { tags, body: ScheduleIn, response: answers({ 201: Schedule }) }
  }, async ({ body, by }, reply) => {
    const schedule = await desk.schedule({ ...body, by } as Parameters<typeof desk.schedule>[0])
    return await reply.code(201).header('location', `${app.prefix}/api/schedules/${schedule.id}`).send(
      answer(schedule)
    )
  })

  app.delete('/api/schedules/:id', {
    config: CONTROL,
    schema: { tags, params: IdIn, response: answers({ 204: Type.Null() }) }
  }, async ({ params, by }, reply) => {
    await desk.unschedule(params.id, { by })
    return await reply.code(204).send(null)
  })
}

export default named('offpeak-schedules', schedules)
