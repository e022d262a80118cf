import fastify from 'fastify'
import swagger from '@fastify/swagger'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { Needed } from './scope.ts'
import { STYLE, apiPage } from './api-page.ts'
import type { ApiDocument } from './api-page.ts'
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

/** Swagger UI, which is a third of all that offpeak installs; null where it was left out. */
const swaggerUi = () =>
  import('@fastify/swagger-ui').then(({ default: plugin }) => plugin, (error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  })

/** Serves Swagger UI below `pages`, or a page without scripts where it is not installed. */
async function addPages (app: FastifyInstance, pages: string): Promise<void> {
  const plugin = await swaggerUi()
  if (plugin !== null) {
    await app.register(plugin, {
      routePrefix: pages,
      uiConfig: { tryItOutEnabled: true, persistAuthorization: true },
      staticCSP: false
    })
    return
  }
  const places = { style: `${pages}/page.css`, source: pages.replace(/docs$/, 'openapi.json') }
  const page = () => apiPage(app.swagger() as ApiDocument, places)
  const hidden = { schema: { hide: true } }
  for (const path of [pages, `${pages}/`]) {
    app.get(path, hidden, async (_request, reply) => reply.type('text/html; charset=utf-8').send(page()))
  }
  app.get(places.style, hidden, async (_request, reply) => reply.type('text/css; charset=utf-8').send(STYLE))
}

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
  await addPages(app, pages)
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
