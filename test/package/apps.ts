/** An app of somebody who registers offpeak. It prints three status codes. */
export const HOST = `
import fastify from 'fastify'
import { offpeak } from 'offpeak/server'

const app = fastify()
app.get('/', async () => 'mine')
const config = { engine: { folder: 'host-data' } }
await app.register(offpeak, { prefix: '/jobs', files: 'none', config })
app.manager.addTask({ id: 'one', func: () => 1 })
await app.ready()
const answers = []
for (const path of ['/', '/jobs/api/tasks', '/jobs/api/tasks/none']) {
  const { statusCode } = await app.inject(path)
  answers.push(statusCode)
}
await app.close()
console.log(JSON.stringify(answers))
`

/** A task file with a task for each isolation. */
export const EACH_ISOLATION = `
import type { TaskContext } from 'offpeak'

const answer = (ctx: TaskContext) => ({ received: ctx.payload })

export const TASK_DEFINITIONS = [
  { id: 'here', func: answer },
  { id: 'threaded', func: answer, isolation: 'thread' },
  { id: 'apart', func: answer, isolation: 'process' }
]
`
