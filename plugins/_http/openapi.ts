import fastify from 'fastify'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { VERSION } from '../../core/index.ts'

/** A route as it is described. */
export type Described = Pick<RouteOptions, 'method' | 'url' | 'schema'>

/** An app that answers nothing but the description of these routes, and below `pages` the page to read it. */
export async function describe (routes: readonly Described[], pages: string): Promise<FastifyInstance> {
  const app = fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: { title: 'offpeak', version: VERSION, description: 'Background tasks that run when the machine can afford them' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }]
    }
  })
  await app.register(swaggerUi, { routePrefix: pages, uiConfig: { tryItOutEnabled: true, persistAuthorization: true }, staticCSP: false })
  for (const route of routes) app.route({ ...route, handler: () => null })
  await app.ready()
  return app
}
