import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import type { ManagerFace } from '../../core/index.ts'
import { FullRun } from '../_schema/run.ts'
import { Schedule, Task } from '../_schema/task.ts'
import { fullRunAnswer, scheduleAnswer } from './answers.ts'
import type { Guarded, MatchHeader } from './etag.ts'
import { PRIVATE_OF_RUN } from './scope.ts'

interface Asked {
  id: string
  headers: Static<typeof MatchHeader>
  reply: FastifyReply
}

const common = ({ headers, reply }: Asked) => ({ header: headers['if-match'], reply })

/** What If-Match of a change of a task is compared with. */
export const guardedTask = (manager: ManagerFace, asked: Asked): Guarded => ({
  ...common(asked),
  schema: Task,
  what: `task '${asked.id}'`,
  view: () => manager.desk.task(asked.id)
})

/** What If-Match of a change of a run is compared with. */
export const guardedRun = (manager: ManagerFace, asked: Asked): Guarded => ({
  ...common(asked),
  schema: FullRun,
  what: `run '${asked.id}'`,
  view: async () => fullRunAnswer(manager, await manager.desk.run(asked.id)),
  members: PRIVATE_OF_RUN
})

/** What If-Match of a change of a schedule is compared with. */
export const guardedSchedule = (manager: ManagerFace, asked: Asked): Guarded => ({
  ...common(asked),
  schema: Schedule,
  what: `schedule '${asked.id}'`,
  view: async () => scheduleAnswer(manager, manager.desk.scheduled(asked.id)),
  members: ['payload']
})
