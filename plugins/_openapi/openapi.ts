import fastify from 'fastify'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { STYLE, apiPage } from './api-page.ts'
import type { ApiDocument } from './api-page.ts'
import { VERSION } from '../../core/index.ts'
import { finished } from './document.ts'
import type { OpenApi } from './document.ts'
import { operationOf } from './operation.ts'
import type { Described, Reach } from './operation.ts'

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

interface Description {
  routes: readonly Described[]
  /** The address of the pages. */
  pages: string
  reach: Reach
}

/** An app that serves the description of these routes, and Swagger UI below `pages`. */
export async function describe ({ routes, pages, reach }: Description): Promise<FastifyInstance> {
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
    },
    transformObject: ask => 'openapiObject' in ask ? finished(ask.openapiObject as OpenApi) : ask.swaggerObject
  })
  await addPages(app, pages)
  for (const route of routes) {
    const { method, url } = route
    app.route({ method, url, schema: operationOf(route, reach), handler: () => null })
  }
  await app.ready()
  return app
}
