import fp from 'fastify-plugin'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { VERSION } from '../core/index.ts'

/** The description of the API, made from the schemas of the routes, and a page to read it. */
async function docs (app: FastifyInstance) {
  if (!app.manager.config.server.docs) return
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: { title: 'offpeak', version: VERSION, description: 'Background tasks that run when the machine can afford them' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }]
    }
  })
  await app.register(swaggerUi, { routePrefix: '/api/docs', uiConfig: { tryItOutEnabled: true, persistAuthorization: true }, staticCSP: false })
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

export default fp(docs, { fastify: '5.x', name: 'offpeak-docs', dependencies: ['offpeak-headers'] })
