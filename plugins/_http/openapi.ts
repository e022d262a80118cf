import fastify from 'fastify'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { Needed } from './scope.ts'
import { ROUTES } from './words.ts'
import { VERSION } from '../../core/index.ts'

/** A route of the description. */
export type Described = Pick<RouteOptions, 'method' | 'url' | 'schema'> & { scope: Needed, isPrivate: boolean }

const TOKEN = { token: [] }

/** The access that a route requires: none, a token, or a token except for reads on loopback that are not private. */
const accessOf = ({ scope, isPrivate }: Pick<Described, 'scope' | 'isPrivate'>) => ({
  'x-scope': scope,
  security: scope === 'open' ? [] : scope === 'read' && !isPrivate ? [TOKEN, {}] : [TOKEN]
})

/** `GET /api/runs/:id/why` as `get_runs_id_why`. */
const idOf = (method: string, url: string) =>
  [method.toLowerCase(), ...url.split('/').filter(part =>
    part !== '' && part !== 'api'
  ).map(part => part.replaceAll(/\W/g, ''))].join('_')

/** An app that serves the description of these routes, and Swagger UI below `pages`. */
export async function describe (routes: readonly Described[], pages: string): Promise<FastifyInstance> {
  const app = fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'offpeak',
        version: VERSION,
        description: 'Background tasks that run when the machine can afford them'
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }]
    }
  })
  await app.register(swaggerUi, {
    routePrefix: pages,
    uiConfig: { tryItOutEnabled: true, persistAuthorization: true },
    staticCSP: false
  })
  for (const { method, url, schema, ...access } of routes) {
    app.route({
      method,
      url,
      schema: {
        summary: ROUTES[`${String(method)} ${url.replaceAll(/:(\w+)/g, '{$1}')}`],
        ...schema,
        ...accessOf(access),
        operationId: idOf(String(method), url)
      },
      handler: () => null
    })
  }
  await app.ready()
  return app
}
