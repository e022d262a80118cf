import fastify from 'fastify'
import type { Test } from 'tap'
import { createManager } from '../../core/manager.ts'
import { scratch } from '../work/harness.ts'
import { offpeak } from '../../core/server.ts'

export interface Route {
  method: string
  url: string
  hidden: boolean
  /** The statuses whose answers have a schema. */
  answers: string[]
  scope: string | undefined
}

/** Every route that the faces bring, from the framework's own table. */
export async function everyRoute (t: Test): Promise<Route[]> {
  const manager = await createManager({ root: scratch(t), env: {}, files: 'none' })
  const app = fastify()
  t.teardown(() => app.close())
  const routes: Route[] = []
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    for (const name of [method].flat()) {
      routes.push({
        method: name,
        url,
        hidden: (schema as { hide?: boolean } | undefined)?.hide ?? false,
        answers: Object.keys((schema as { response?: object } | undefined)?.response ?? {}),
        scope: config?.scope
      })
    }
  })
  await app.register(offpeak, { manager })
  return routes
}
