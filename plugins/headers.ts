import helmet from '@fastify/helmet'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

const OWN = ["'self'"]
const NOTHING = ["'none'"]

const SOURCES = {
  'default-src': NOTHING,
  'script-src': OWN,
  'style-src': OWN,
  'font-src': OWN,
  'img-src': [...OWN, 'data:'],
  'connect-src': OWN,
  'manifest-src': OWN,
  'base-uri': NOTHING,
  'form-action': OWN,
  'frame-ancestors': NOTHING
}
// Built once: helmet would build it for every request.
const POLICY = Object.entries(SOURCES).map(([name, sources]) => `${name} ${sources.join(' ')}`).join(';')

/** Security headers, without HSTS and upgrade-insecure-requests: they break pages over plain HTTP. */
async function headers (app: PluginApp) {
  await app.register(helmet, {
    contentSecurityPolicy: false,
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' }
  })
  app.addHook('onRequest', async (_request, reply) => {
    reply.raw.setHeader('content-security-policy', POLICY)
    reply.header('cache-control', 'no-store')
  })
}

export default named('offpeak-headers', headers)
