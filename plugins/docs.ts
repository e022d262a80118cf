import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { READ } from './_http/scope.ts'
import type { Described } from './_http/openapi.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

const PAGES = '/api/docs'
const HIDDEN = { config: READ, schema: { hide: true } }
/** Headers of a connection, which the injected response has too. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date'])

/** The OpenAPI description of the API, built from the schemas of the routes, and a page that shows it. */
async function docs (app: PluginApp) {
  if (!app.manager.config.server.docs) return
  const routes: Described[] = []
  let description: Promise<FastifyInstance> | undefined
  // Built at the first request: few processes need it, and it takes more memory than all other routes.
  const described = () =>
    description ??= import('./_http/openapi.ts').then(({ describe }) => describe(routes, app.prefix + PAGES))

  async function page (request: FastifyRequest, reply: FastifyReply) {
    const { statusCode, headers, rawPayload } = await (await described()).inject({
      url: request.url,
      headers: request.headers
    })
    if (statusCode === 404) return reply.callNotFound()
    for (const [name, value] of Object.entries(headers)) if (!CONNECTION_HEADERS.has(name)) reply.header(name, value)
    return reply.code(statusCode).send(rawPayload)
  }

  app.addHook('onRoute', ({ method, url, schema = {}, config = {} }) => {
    const access = { scope: config.scope ?? 'control', isPrivate: config.private === 'all' }
    if (method !== 'HEAD' && !schema.hide) routes.push({ method, url, schema, ...access })
  })
  app.get(PAGES, HIDDEN, page)
  app.get(`${PAGES}/*`, HIDDEN, page)
  app.get('/api/openapi.json', HIDDEN, async () => (await described()).swagger())
}

export default named('offpeak-docs', docs, ['offpeak-headers'])
