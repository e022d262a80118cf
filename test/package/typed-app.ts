/** The text of an app that uses each entry with its types. */
export const TYPED = `
import fastify from 'fastify'
import { createManager } from 'offpeak'
import type { TaskContext, TaskDefinition } from 'offpeak'
import { offpeak } from 'offpeak/server'
import { createTestManager } from 'offpeak/test'
import type { TestManager } from 'offpeak/test'

const task: TaskDefinition = { id: 'one', func: (ctx: TaskContext) => ctx.payload, trigger: '@daily' }
// @ts-expect-error a number is expected
const wrong: TaskDefinition = { ...task, max_retries: 'many' }

export async function use (): Promise<TestManager> {
  const app = fastify()
  await app.register(offpeak, { prefix: '/jobs', config: { engine: { folder: 'data' } } })
  app.manager.addTask(wrong)
  await (await createManager({ files: 'none' })).stop()
  return await createTestManager({ tasks: [task] })
}
`
