import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sameToken, tooManyTries, unauthorized } from '../core/index.ts'
import { Lockout } from './_http/lockout.ts'
import { checkHost, checkOrigin, isLocal, isWrite } from './_http/origin.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who changes something: `api`, or the name that came with the token. */
    by: string
  }
  interface FastifyContextConfig {
    /** Says nothing that needs guarding. */
    open?: boolean
  }
}

const SECOND = 1000
const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i
const NAME = /^[\x20-\x7e]{1,64}$/

const nameOf = ({ headers }: FastifyRequest) => {
  const given = headers['x-offpeak-by']
  return typeof given === 'string' && NAME.test(given) ? given : 'api'
}

/** Who may ask what: the server's own names alone, the token for every write and for everything that others could reach. */
async function guard (app: FastifyInstance) {
  const lockout = new Lockout()
  const { manager, face } = app
  app.decorateRequest('by', 'api')

  function checkToken (request: FastifyRequest, reply: FastifyReply): void {
    const { authorization } = request.headers
    const now = manager.clock.monotonic()
    const wait = lockout.wait(request.ip, now)
    if (wait > 0) throw tooManyTries(Math.ceil(wait / SECOND))
    const given = BEARER.exec(authorization ?? '')?.[1]
    if (given !== undefined && sameToken(given, face.token)) return lockout.right(request.ip)
    if (authorization !== undefined) lockout.wrong(request.ip, now)
    reply.header('www-authenticate', 'Bearer realm="offpeak"')
    throw unauthorized()
  }

  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.open) return
    const { host, allowed_hosts: names, trust_proxy: proxied } = manager.config.server
    checkHost(request, [host, ...names])
    if (isWrite(request)) checkOrigin(request)
    const free = !isWrite(request) && proxied === false && isLocal(request, host)
    if (free && request.headers.authorization === undefined) return
    checkToken(request, reply)
    request.by = nameOf(request)
  })
}

export default fp(guard, { fastify: '5.x', name: 'offpeak-guard', dependencies: ['offpeak-headers', 'offpeak-problems'] })
