import fastify from 'fastify'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { Needed } from './scope.ts'
import { ROUTES } from './words.ts'
import { VERSION } from '../../core/index.ts'

/** A route as it is described. */
export type Described = Pick<RouteOptions, 'method' | 'url' | 'schema'> & { scope: Needed, isPrivate: boolean }

const TOKEN = { token: [] }

/** What a route needs: none, a token, or on loopback none where not all that it shows is private. */
const accessOf = ({ scope, isPrivate }: Pick<Described, 'scope' | 'isPrivate'>) => ({
  'x-scope': scope,
  security: scope === 'open' ? [] : scope === 'read' && !isPrivate ? [TOKEN, {}] : [TOKEN]
})

/** `GET /api/runs/:id/why` as `get_runs_id_why`. */
const idOf = (method: string, url: string) =>
  [method.toLowerCase(), ...url.split('/').filter(part =>
    part !== '' && part !== 'api'
  ).map(part => part.replaceAll(/\W/g, ''))].join('_')

/** An app that answers nothing but the description of these routes, and below `pages` the page to read it. */
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
