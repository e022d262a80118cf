import fp from 'fastify-plugin'
import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

const OWN = ["'self'"]
const NOTHING = ["'none'"]

/** What browsers are told. Neither HSTS nor upgrade-insecure-requests: over plain HTTP at home they blank the page. */
async function headers (app: FastifyInstance) {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: NOTHING, scriptSrc: OWN, styleSrc: OWN, fontSrc: OWN, imgSrc: [...OWN, 'data:'], connectSrc: OWN, manifestSrc: OWN,
        baseUri: NOTHING, formAction: OWN, frameAncestors: NOTHING
      }
    },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' }
  })
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
}

export default fp(headers, { fastify: '5.x', name: 'offpeak-headers' })
