import Type from 'typebox'
import { CONTROL } from './_http/scope.ts'
import { MatchHeader, conditional } from './_http/etag.ts'
import { guardedSchedule } from './_http/guarded.ts'
import { scheduleAnswer } from './_http/answers.ts'
import { IdIn, answers } from './_schema/base.ts'
import { Schedule } from './_schema/task.ts'
import { ScheduleIn, SchedulePatchIn } from './_schema/schedules.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const tags = ['schedules']

/** Adds, changes and removes schedules at run time. */
const scheduleChanges: Plugin = async app => {
  const { manager } = app
  const { desk } = manager
  const inTurn = conditional()

  app.post('/api/schedules', {
    config: CONTROL,
    schema: { tags, body: ScheduleIn, response: answers({ 201: Schedule }) }
  }, async ({ body, by }, reply) => {
    const schedule = await desk.schedule({ ...body, by } as Parameters<typeof desk.schedule>[0])
    return await reply.code(201).header('location', `${app.prefix}/api/schedules/${schedule.id}`).send(
      scheduleAnswer(manager, schedule)
    )
  })

  app.patch('/api/schedules/:id', {
    config: { ...CONTROL, whole: true },
    schema: { tags, params: IdIn, headers: MatchHeader, body: SchedulePatchIn, response: answers({ 200: Schedule }) }
  }, async ({ params: { id }, headers, body, by }, reply) => {
    const change = () => desk.changeSchedule(id, { ...body, by } as Parameters<typeof desk.changeSchedule>[1])
    return scheduleAnswer(manager, await inTurn(guardedSchedule(manager, { id, headers, reply }), change))
  })

  app.delete('/api/schedules/:id', {
    config: CONTROL,
    schema: { tags, params: IdIn, headers: MatchHeader, response: answers({ 204: Type.Null() }) }
  }, async ({ params: { id }, headers, by }, reply) => {
    await inTurn(guardedSchedule(manager, { id, headers, reply }), () => desk.unschedule(id, { by }))
    return await reply.code(204).send(null)
  })
}

export default named('offpeak-schedule-changes', scheduleChanges)
