import Type from 'typebox'
import { withheld } from './_http/scope.ts'
import { scheduleAnswer } from './_http/answers.ts'
import { IdIn, answers, exactly } from './_schema/base.ts'
import { Schedule } from './_schema/task.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const tags = ['schedules']

/** The schedules of tasks: those of task files, and those added at run time. */
const schedules: Plugin = async app => {
  const { manager } = app
  const { desk } = manager
  const config = withheld('payload')

  app.get('/api/schedules', {
    config,
    schema: {
      tags,
      querystring: exactly({ task: Type.Optional(Type.String({ maxLength: 64 })) }),
      response: answers({ 200: Type.Array(Schedule) })
    }
  },
    async ({ query }) =>
      desk.schedules.filter(({ task }) => (query.task ?? task) === task).map(one => scheduleAnswer(manager, one)))

  app.get('/api/schedules/:id', {
    config,
    schema: { tags, params: IdIn, response: answers({ 200: Schedule }) }
  }, async ({ params }) => scheduleAnswer(manager, desk.scheduled(params.id)))
}

export default named('offpeak-schedules', schedules)
