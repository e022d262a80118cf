import { writeFileSync } from 'node:fs'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Test } from 'tap'
import { CALM } from '../calm.ts'
import { createManager } from '../../core/manager.ts'
import { createServer, serverToken } from '../../core/server.ts'
import type { ConfigFile } from '../../core/model/config/config.ts'
import { scratch } from '../work/harness.ts'
import type { ManagerOptions } from '../../core/manager.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'

/** A task function that runs until `release` is called or its run is stopped. */
export function held () {
  const { promise, resolve } = Promise.withResolvers<void>()
  const func = async ({ signal }: TaskContext) => {
    const { promise: stopped, reject } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    await Promise.race([promise, stopped])
  }
  return { func, release: resolve }
}

export const TASKS: TaskDefinition[] = [
  {
    id: 'echo',
    name: 'Echo',
    func: ctx => {
      ctx.log.info({ received: ctx.payload }, 'received')
      return ctx.payload
    },
    tags: ['quick']
  },
  { id: 'hourly', func: () => 'done', trigger: 'cron', trigger_args: { minute: 5 }, timezone: 'UTC' },
  {
    id: 'broken',
    func: () => {
      throw new Error('it broke')
    },
    max_retries: 0
  },
  {
    id: 'typed',
    func: () => 1,
    input: { type: 'object', required: ['n'], properties: { n: { type: 'number' } }, additionalProperties: false }
  }
]

export interface Given {
  tasks?: TaskDefinition[]
  server?: ConfigFile['server']
  options?: ManagerOptions
  env?: Record<string, string>
}

/** A ready server on a temporary folder; nothing listens. `ask` sends the token, `plain` does not. */
export async function setup (t: Test, { tasks = TASKS, server = {}, options = {}, env = {} }: Given = {}) {
  const root = scratch(t)
  writeFileSync(`${root}/config.json`, JSON.stringify({ server }))
  const manager = await createManager({
    configFile: `${root}/config.json`,
    env: CALM,
    files: 'none',
    abortGraceMs: 50,
    ...options
  })
  manager.registerTasks(tasks)
  const app: FastifyInstance = await createServer({ manager, env })
  t.teardown(() => app.close())
  await app.ready()
  const { value: token } = await serverToken(manager, env)
  const plain = (ask: InjectOptions) => app.inject(ask)
  const ask = (options: InjectOptions) =>
    app.inject({ ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } })
  const post = (url: string, payload?: object) => ask({ method: 'POST', url, ...payload && { payload } })
  const finished = async (id: string) => {
    for (;;) {
      const run = (await ask({ url: `/api/runs/${id}` })).json()
      if (['completed', 'failed', 'cancelled', 'skipped'].includes(run.state)) return run
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { app, root, manager, token, plain, ask, post, finished }
}
