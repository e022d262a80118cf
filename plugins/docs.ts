import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isLoopback } from '../core/index.ts'
import { READ } from './_http/scope.ts'
import type { Described, Reach } from './_openapi/operation.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

const PAGES = '/api/docs'
const HIDDEN = { config: READ, schema: { hide: true } }
/** Headers of a connection, which the injected response has too. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date'])

/** What a program of this machine may read without a token. */
function reachOf ({ manager }: PluginApp): Reach {
  const { host, trust_proxy: proxied, private_reads: secrets } = manager.config.server
  const reads = proxied === false && isLoopback(host)
  return { reads, secrets: reads && secrets === 'open' }
}

/** The OpenAPI description of the API, built from the schemas of the routes, and a page that shows it. */
async function docs (app: PluginApp) {
  if (!app.manager.config.server.docs) return
  const routes: Described[] = []
  let description: { key: string, app: Promise<FastifyInstance> } | undefined
  // Built at the first request: few processes need it, and it takes more memory than all other routes.
  const described = () => {
    const reach = reachOf(app)
    const key = JSON.stringify(reach)
    if (description?.key !== key) {
      const pages = app.prefix + PAGES
      description = {
        key,
        app: import('./_openapi/openapi.ts').then(({ describe }) => describe({ routes, pages, reach }))
      }
    }
    return description.app
  }

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
    const access = { scope: config.scope ?? 'control', isPrivate: config.private ?? [] }
    if (method !== 'HEAD' && !schema.hide) routes.push({ method, url, schema, ...access })
  })
  app.get(PAGES, HIDDEN, page)
  app.get(`${PAGES}/*`, HIDDEN, page)
  app.get('/api/openapi.json', HIDDEN, async () => (await described()).swagger())
}

export default named('offpeak-docs', docs, ['offpeak-headers'])
